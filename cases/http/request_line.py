"""The request line of the opening handshake: method, request-target, HTTP version (RFC 9112 sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from wsconform import Answer, Need, Opening, Request, case, each

from .steps import choose_if, expect_accepted_or, expect_reaction

OLD_VERSIONS = {
    "1.0": b"HTTP/1.0",
    "0.9": b"HTTP/0.9",
    "none": b"",
    "1.1x": b"HTTP/1.1x",
    "1": b"HTTP/1",
    "other_name": b"HTP/1.1",
    "comma": b"HTTP/1,1",
}

#: A TLS 1.2 ClientHello without extensions, its random octets all 5A.
_CLIENT_HELLO = (
    bytes.fromhex("16030100 2d 01000029 0303".replace(" ", "")) + b"\x5a" * 32 + bytes.fromhex("000002002f0100")
)

#: The HTTP/2 connection preface, and the empty SETTINGS frame that follows it (RFC 9113 section 3.4).
_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")

NOT_HTTP = {
    "high_octets": bytes(range(0x80, 0xC0)) + b"\r\n\r\n",
    "zeros": bytes(64) + b"\r\n\r\n",
    "one_word": b"wsconform\r\n\r\n",
    "status_line": b"HTTP/1.1 200 OK\r\n\r\n",
}

_LineChange = Callable[[bytes], bytes]

BAD_LINES: Mapping[str, _LineChange] = {
    "space_in_target": lambda line: line.replace(b" HTTP", b"a b HTTP"),
    "two_spaces": lambda line: line.replace(b" ", b"  ", 1),
    "fragment": lambda line: line.replace(b" HTTP", b"#f HTTP"),
    "octet_e9": lambda line: line.replace(b" HTTP", b"?\xe9 HTTP"),
    "trailing_word": lambda line: line + b" more",
    "tabs": lambda line: line.replace(b" ", b"\t"),
    "nul_in_target": lambda line: line.replace(b" HTTP", b"?\0 HTTP"),
}


@case("6455-4.2.1-4", "6455-11.1.1-3", hint="compare the version of the request line before you upgrade")
@each(version=OLD_VERSIONS)
async def version_before_1_1_is_not_upgraded(opening: Opening, version: bytes) -> None:
    """A handshake whose HTTP version is not 1.1 or a later 1.x is not answered with 101.

    Everything else in the request is right, so a target that skips the version accepts it.
    """
    await opening.expect_refused(replace(opening.request, version=version), best=(400, 426, 505))


@case("9110-7.8-7", hint="ignore Upgrade in an HTTP/1.0 request")
@each(connection=("Upgrade", "keep-alive, Upgrade"))
async def upgrade_in_http_1_0_is_ignored(opening: Opening, connection: str) -> None:
    """Upgrade in an HTTP/1.0 request is ignored, with or without a request for a persistent connection."""
    request = replace(opening.request, version=b"HTTP/1.0").replacing("Connection", connection)
    answer, _ = await opening.exchange(request)
    expect_reaction(opening, answer, "an HTTP/1.0 request")
    opening.expect(not answer.accepted, "an answer as if there were no Upgrade", str(answer), answer.entry)
    opening.note("answered with", answer)


@case("9110-15.2-2", hint="send no 1xx to an HTTP/1.0 client, neither 100 nor 101")
@each(expecting={"plain": False, "with_expect": True})
async def http_1_0_client_gets_no_interim_response(opening: Opening, expecting: bool) -> None:
    """No 1xx response, 100 or 101, is sent to an HTTP/1.0 client, even if its request has Expect: 100-continue."""
    request = replace(opening.request, version=b"HTTP/1.0")
    answer, _ = await opening.exchange(_expecting_100(request) if expecting else request)
    expect_reaction(opening, answer, "an HTTP/1.0 request")
    seen = [head.status for head in answer.interim] + [answer.status] * answer.accepted
    opening.expect(not seen, "no 1xx response", f"{seen}", answer.entry)


def _expecting_100(request: Request) -> Request:
    with_body = request.with_field("Expect", "100-continue").with_field("Content-Length", "4")
    return replace(with_body, body=b"body")


@case("6455-4.2.1-5", hint="treat a minor version above 1 like 1.1")
@each(version=("1.2", "1.9"))
async def later_minor_version_is_upgraded(opening: Opening, version: str) -> None:
    """A minor HTTP version above 1 is treated like 1.1."""
    request = replace(opening.request, version=f"HTTP/{version}".encode())
    answer, _ = await opening.exchange(request)
    expect_reaction(opening, answer, f"a request of HTTP/{version}")
    opening.depart_if(not answer.accepted, f"HTTP/{version} is not treated like 1.1: {answer}")


@case("9112-2.3-1", hint='"HTTP" in the version is case-sensitive')
@each(version=("http/1.1", "Http/1.1", "hTTP/1.1"))
async def http_version_in_other_case_is_refused(opening: Opening, version: str) -> None:
    """The HTTP version is matched with regard to case: "http/1.1" is not a version."""
    answer, _ = await opening.exchange(replace(opening.request, version=version.encode()))
    expect_reaction(opening, answer, f"a request of {version}")
    opening.depart_if(answer.accepted, f"{version} is read as HTTP/1.1")
    opening.note("answered with", answer)


@case("9110-9.1-1", hint="compare the method octet by octet")
@each(method=("get", "Get", "gET"))
async def method_in_other_case_is_refused(opening: Opening, method: str) -> None:
    """Method names are case-sensitive, so "get" is an unknown method, not GET."""
    await opening.expect_refused(replace(opening.request, method=method.encode()), best=(400, 405, 501))


@case("9112-3.2.2-2", "6455-4.2.1-7", hint="remove scheme and authority from an absolute request-target before routing")
@each(scheme={"lower": str.lower, "upper": str.upper})
async def absolute_form_is_accepted(opening: Opening, scheme: Callable[[str], str]) -> None:
    """A request-target that is a whole http or https URI is accepted; a router that compares strings refuses it."""
    await opening.expect_accepted(_absolute(opening, scheme("https" if opening.session.facts.tls else "http")))


@case("9112-3.2.2-3", hint="the authority of an absolute request-target replaces the Host field")
async def authority_of_absolute_form_overrides_host(opening: Opening) -> None:
    """If the request-target is in absolute form, its authority counts and the Host field is ignored."""
    scheme = "https" if opening.session.facts.tls else "http"
    with opening.arranging("the absolute form with the same Host"):
        await opening.expect_accepted(_absolute(opening, scheme))
    request = _absolute(opening, scheme).replacing("Host", "other.test")
    answer, _ = await opening.exchange(request)
    refused = answer.status == 400 or (answer.head is None and answer.ending is not None)
    opening.depart_if(refused, f"the mismatch of request-target and Host is refused: {answer}")
    opening.expect(
        refused or answer.accepted, "the authority of the request-target to count", str(answer), answer.entry
    )


def _absolute(opening: Opening, scheme: str) -> Request:
    request, address = opening.request, opening.session.address
    return replace(request, target=f"{scheme}://{address.host}".encode() + request.target)


@case("9112-2.2-4", hint="skip an empty line before the request line")
async def empty_line_before_the_request_is_skipped(opening: Opening) -> None:
    """At least one empty line before the request line is ignored, because some clients send one after a body."""
    octets = b"\r\n" + opening.request.encode()
    await expect_accepted_or(opening, octets, (400,), "an empty line before the request line is refused")


@case("9112-2.2-6", hint="answer octets that are not HTTP with 400 and close, at the first invalid octet")
@each(octets=NOT_HTTP)
async def octets_that_are_not_http_are_refused(opening: Opening, octets: bytes) -> None:
    """Octets that do not match the HTTP grammar get a 400 or the end of the connection; other clients are still served.

    The octets end in an empty line, so no target can be waiting for the rest of a line.
    """
    await _expect_refused_as_not_http(opening, octets)


@case("9112-2.2-6", needs=Need.CLEARTEXT, hint="refuse a TLS ClientHello on the cleartext port")
async def client_hello_on_the_cleartext_port_is_refused(opening: Opening) -> None:
    """A TLS ClientHello on the cleartext port is refused; the target does not wait for more octets."""
    await _expect_refused_as_not_http(opening, _CLIENT_HELLO + b"\r\n\r\n")


@case("9112-2.2-6", hint="if you speak only HTTP/1.1, answer the HTTP/2 preface with 400 or close")
async def http_2_preface_is_refused(opening: Opening) -> None:
    """A target that speaks only HTTP/1.1 refuses the HTTP/2 preface; a target that speaks HTTP/2 may answer it."""
    wire = await opening.dial()
    answer, _ = await opening.exchange(_HTTP2_PREFACE, wire=wire)
    speaks_http2 = wire.conversation.before_head[3:4] == b"\x04"
    opening.note("answered with", "SETTINGS of HTTP/2" if speaks_http2 else answer)
    opening.expect(not answer.accepted, "a refusal", str(answer), answer.entry)
    opening.expect(speaks_http2 or not _is_silence(answer), "a reaction to the preface", "no reaction", answer.entry)


async def _expect_refused_as_not_http(opening: Opening, octets: bytes) -> None:
    await opening.expect_refused(octets)
    # A target that was harmed does not accept the next connection.
    await opening.expect_accepted()


def _is_silence(answer: Answer) -> bool:
    return answer.head is None and answer.ending is None


@case("9112-3-3", hint="answer a broken request line with 400; repairing it enables request smuggling")
@each(change=BAD_LINES)
async def broken_request_line_is_not_repaired(opening: Opening, change: _LineChange) -> None:
    """A request line that breaks the grammar gets a 400, or a redirection; accepting it is recorded."""
    line, end, fields = opening.request.encode().partition(b"\r\n")
    answer, _ = await opening.exchange(change(line) + end + fields)
    expect_reaction(opening, answer, "a broken request line")
    opening.note("answered with", answer)
    await opening.expect_accepted(opening.fresh_request())
    choose_if(opening, answer.accepted, "the request line is accepted as it is")


@case("9110-9.3.6-4", hint="leave Content-Length and Transfer-Encoding out of a 2xx to CONNECT")
async def success_to_connect_has_no_body_fields(opening: Opening) -> None:
    """A 2xx to CONNECT begins a tunnel and carries neither Content-Length nor Transfer-Encoding.

    Most targets refuse the method, which is right as well. A target that does not answer is not judged.
    """
    host = opening.session.address.host.encode()
    target = host if b":" in host.rpartition(b"]")[2] else host + b":80"
    answer, _ = await opening.exchange(
        Request(method=b"CONNECT", target=target, fields=opening.request.without("Upgrade", "Connection").fields)
    )
    opening.note("answered with", answer)
    success = 200 <= answer.status < 300
    has_length = answer.field("Content-Length") is not None or answer.field("Transfer-Encoding") is not None
    opening.expect(not (success and has_length), "no fields of a body in a 2xx", f"{answer}, with them", answer.entry)
