"""Answers other than 101: ordinary HTTP, which opens nothing (RFC 6455 section 4.1)."""

from __future__ import annotations

from wsconform import Incoming, Response, case, each

#: An empty Ping, as a body: a client that takes the body for frames answers it.
PING = b"\x89\x00"

#: A port on which nothing listens: a client that follows ends there.
ELSEWHERE = "127.0.0.1:9/elsewhere"


@case("6455-4.1-42", "6455-7.2.1-1", hint="the status code decides, before any field is looked at")
@each(status=(200, 204, 400, 403, 404, 426, 500, 503))
async def status_other_than_101_opens_nothing(incoming: Incoming, status: int) -> None:
    """A status other than 101 establishes nothing, even with perfect Upgrade, Connection and Accept fields."""
    body = b"" if status == 204 else PING
    answer = incoming.plain(status, "Whatever", body)
    await incoming.expect_not_open(incoming.with_upgrade(answer if body else answer.without("Content-Length")))


@case("6455-4.1-44")
@each(status=(301, 302, 307, 308), scheme=("ws", "http"))
async def redirect_opens_nothing_by_itself(incoming: Incoming, status: int, scheme: str) -> None:
    """A redirect may be followed with a new handshake; on this connection no frame is sent."""
    location = ("Location", f"{scheme}://{ELSEWHERE}")
    await incoming.expect_not_open(incoming.plain(status, "Elsewhere", b"", location))


@case("6455-4.2.2-5", "6455-4.2.2-6")
@each(challenge=("basic", "basic_and_redirect"))
async def authentication_opens_nothing_by_itself(incoming: Incoming, challenge: str) -> None:
    """A 401 asks for credentials or fails the handshake; no frame is sent on the strength of it."""
    location = (("Location", f"ws://{ELSEWHERE}"),) if "redirect" in challenge else ()
    wanted = ("WWW-Authenticate", 'Basic realm="t"')
    await incoming.expect_not_open(incoming.plain(401, "Unauthorized", b"", wanted, *location))


@case("9112-6.3-3")
@each(framing=("content_length", "chunked", "until_the_end"))
async def body_of_a_refusal_is_never_read_as_frames(incoming: Incoming, framing: str) -> None:
    """The body of an answer other than 101 is HTTP's, however long it is said to be."""
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
    """A 400 that lists versions lets the client try again with one of them, or give up; it opens nothing."""
    fields = tuple(("Sec-WebSocket-Version", value) for value in versions)
    await incoming.expect_not_open(incoming.plain(400, "Bad Request", b"", *fields))


@case("6455-11.3.5-1")
async def versions_on_two_lines_are_survived(incoming: Incoming) -> None:
    """A 426 with two Sec-WebSocket-Version lines is an error like any other."""
    fields = (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "8"))
    await incoming.expect_not_open(incoming.plain(426, "Upgrade Required", b"", *fields))
