"""Responses other than 101, which are ordinary HTTP and open no connection (RFC 6455 section 4.1)."""

from __future__ import annotations

from wsconform import Incoming, Response, case, each

#: An empty Ping, used as a body. A client that reads the body as frames answers it.
PING = b"\x89\x00"

#: An address at which nothing listens. A client that follows the redirect fails there.
ELSEWHERE = "127.0.0.1:9/elsewhere"


@case("6455-4.1-42", "6455-7.2.1-1", hint="check the status code before any field")
@each(status=(200, 204, 400, 403, 404, 426, 500, 503))
async def status_other_than_101_opens_nothing(incoming: Incoming, status: int) -> None:
    """A status other than 101 opens no connection, even with correct Upgrade, Connection and Accept fields."""
    body = b"" if status == 204 else PING
    answer = incoming.plain(status, "Whatever", body)
    await incoming.expect_not_open(incoming.with_upgrade(answer if body else answer.without("Content-Length")))


@case("6455-4.1-44")
@each(status=(301, 302, 307, 308), scheme=("ws", "http"))
async def redirect_opens_nothing_by_itself(incoming: Incoming, status: int, scheme: str) -> None:
    """A redirect may be followed with a new handshake; the client sends no frame on this connection."""
    location = ("Location", f"{scheme}://{ELSEWHERE}")
    await incoming.expect_not_open(incoming.plain(status, "Elsewhere", b"", location))


@case("6455-4.2.2-5", "6455-4.2.2-6")
@each(challenge=("basic", "basic_and_redirect"))
async def authentication_opens_nothing_by_itself(incoming: Incoming, challenge: str) -> None:
    """After a 401 the client sends credentials or fails the handshake; it sends no frame on this connection."""
    location = (("Location", f"ws://{ELSEWHERE}"),) if "redirect" in challenge else ()
    wanted = ("WWW-Authenticate", 'Basic realm="t"')
    await incoming.expect_not_open(incoming.plain(401, "Unauthorized", b"", wanted, *location))


@case("9112-6.3-3")
@each(framing=("content_length", "chunked", "until_the_end"))
async def body_of_a_refusal_is_never_read_as_frames(incoming: Incoming, framing: str) -> None:
    """The body of a response other than 101 belongs to HTTP, however its length is given."""
    answers = {
        "content_length": incoming.plain(400, "Bad Request", PING),
        "chunked": Response(status=200, reason=b"OK", body=b"2\r\n" + PING + b"\r\n0\r\n\r\n").with_field(
            "Transfer-Encoding", "chunked"
        ),
        "until_the_end": Response(status=403, reason=b"Forbidden", body=PING).with_field("Connection", "close"),
    }
    await incoming.expect_not_open(answers[framing])


@case("6455-4.4-2")
@each(versions={"older": ("8, 7",), "two_lines": ("13", "8, 7")})
async def version_error_opens_nothing(incoming: Incoming, versions: tuple[str, ...]) -> None:
    """After a 400 that lists versions, the client tries one of them or gives up; the response opens no connection."""
    fields = tuple(("Sec-WebSocket-Version", value) for value in versions)
    await incoming.expect_not_open(incoming.plain(400, "Bad Request", b"", *fields))


@case("6455-11.3.5-1")
async def version_error_on_two_lines_opens_nothing(incoming: Incoming) -> None:
    """A 426 with two Sec-WebSocket-Version lines opens no connection."""
    fields = (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "8"))
    await incoming.expect_not_open(incoming.plain(426, "Upgrade Required", b"", *fields))
