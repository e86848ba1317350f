"""The Host field of the opening handshake (RFC 9112 section 3.2)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Opening, case, each

from .steps import expect_bad_request, expect_reaction

INVALID = {
    "space": "a b",
    "scheme": "http://x",
    "letters_as_port": "x:port",
    "open_bracket": "[::1",
    "path": "x/y",
    "query": "x?y",
    "fragment": "x#y",
    "user": "user@x",
    "two_ports": "x:80:80",
    "no_address": "[zz]",
    "broken_percent": "x%zz",
    "angle_brackets": "<x>",
    "beyond_ascii": b"x\xe9",
}


@case("9112-3.2-2", "6455-4.2.1-8", hint="answer a request without Host with 400 before anything else")
@each(form={"origin_form": False, "absolute_form": True})
async def missing_host_is_a_bad_request(opening: Opening, form: bool) -> None:
    """An HTTP/1.1 request without Host gets a 400, even if its request-target names the authority."""
    request, address = opening.request, opening.session.address
    scheme = "https" if opening.session.facts.tls else "http"
    absolute = f"{scheme}://{address.host}".encode() if form else b""
    await expect_bad_request(opening, replace(request, target=absolute + request.target).without("Host"))


@case("9112-3.2-3", hint="count the Host lines, and refuse two even if they are equal")
@each(other={"equal": "", "different": "other.test", "empty": " "}, other_first={"second": False, "first": True})
async def second_host_is_a_bad_request(opening: Opening, other: str, other_first: bool) -> None:
    """A request with more than one Host line gets a 400, because recipients disagree on which line counts."""
    host = opening.session.address.host
    pair = (host, other.strip(" ") if other else host)
    await expect_bad_request(opening, opening.request.replacing("Host", *(pair[::-1] if other_first else pair)))


@case("9112-3.2-4", hint="check Host against host [:port] of RFC 3986 before you use it")
@each(value=INVALID)
async def invalid_host_is_a_bad_request(opening: Opening, value: str | bytes) -> None:
    """A Host field whose value is not a host with an optional port gets a 400."""
    await expect_bad_request(opening, opening.request.replacing("Host", value))


@case("9112-3.2-4", reading="host-with-a-comma")
async def host_with_a_comma_is_accepted_or_refused(opening: Opening) -> None:
    """A comma in Host is legal in a host name, and looks like two joined values; the target's choice is recorded."""
    answer, _ = await opening.exchange(opening.request.replacing("Host", "a,b"))
    expect_reaction(opening, answer, "Host: a,b")
    opening.expect(answer.status < 500, "400, or the field to be accepted", str(answer), answer.entry)
    opening.choose(f"Host: a,b is answered with {answer}")


@case("9112-3.2-5")
async def empty_host_is_accepted_or_refused(opening: Opening) -> None:
    """An empty Host is valid syntax. 400 and 101 are both right, and the target's choice is recorded."""
    answer, _ = await opening.exchange(opening.request.replacing("Host", ""))
    expect_reaction(opening, answer, "an empty Host")
    opening.expect(answer.status < 500, "400, or the field to be accepted", str(answer), answer.entry)
    opening.choose(f"an empty Host is answered with {answer}")
