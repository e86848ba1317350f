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
    """An HTTP/1.1 request without Host gets a 400, even where its target names the authority."""
    request, address = opening.request, opening.session.address
    scheme = "https" if opening.session.facts.tls else "http"
    absolute = f"{scheme}://{address.host}".encode() if form else b""
    await expect_bad_request(opening, replace(request, target=absolute + request.target).without("Host"))


@case("9112-3.2-3", hint="count the Host lines: two are one too many, equal or not")
@each(other={"equal": "", "different": "other.test", "empty": " "}, turned={"second": False, "first": True})
async def second_host_is_a_bad_request(opening: Opening, other: str, turned: bool) -> None:
    """A request with more than one Host line gets a 400: who reads the first and who reads the last disagree."""
    host = opening.session.address.host
    pair = (host, other.strip(" ") if other else host)
    await expect_bad_request(opening, opening.request.replacing("Host", *(pair[::-1] if turned else pair)))


@case("9112-3.2-4", hint="check Host against host [:port] of RFC 3986 before you use it")
@each(value=INVALID)
async def invalid_host_is_a_bad_request(opening: Opening, value: str | bytes) -> None:
    """A Host field whose value is no host with an optional port gets a 400."""
    await expect_bad_request(opening, opening.request.replacing("Host", value))


@case("9112-3.2-4", reading="host-with-a-comma")
async def host_with_a_comma_is_accepted_or_refused(opening: Opening) -> None:
    """A comma in Host looks like two joined values and is a legal host name; which way the target goes is noted."""
    answer, _ = await opening.exchange(opening.request.replacing("Host", "a,b"))
    expect_reaction(opening, answer, "Host: a,b")
    opening.expect(answer.status < 500, "400, or the field to be taken", str(answer), answer.entry)
    opening.choose(f"Host: a,b is answered with {answer}")


@case("9112-3.2-5")
async def empty_host_is_accepted_or_refused(opening: Opening) -> None:
    """An empty Host is allowed by its syntax: 400 and 101 are both right, and the target's choice is noted."""
    answer, _ = await opening.exchange(opening.request.replacing("Host", ""))
    expect_reaction(opening, answer, "an empty Host")
    opening.expect(answer.status < 500, "400, or the field to be taken", str(answer), answer.entry)
    opening.choose(f"an empty Host is answered with {answer}")
