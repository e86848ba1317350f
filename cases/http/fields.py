"""Header fields of the opening handshake: names, values, order, lists and folds (RFC 9110 section 5, RFC 9112 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wsconform import BROWSER_OFFER, Answer, Fields, Opening, case, each

from .steps import (
    accept_if_switched,
    choose_if,
    expect_accepted_or,
    expect_reaction,
    expect_refused_or_same,
    outcome,
    with_line,
)

Line = tuple[str | bytes, str | bytes]

OTHER_FIELDS: Mapping[str, tuple[Line, ...]] = {
    "cookie": (("Cookie", "a=b; c=d"),),
    "authorization": (("Authorization", "Basic dDp0"),),
    "user_agent": (("User-Agent", "wsconform (compatible; a test)"),),
    "languages": (("Accept-Language", "en, de;q=0.5"),),
    "caches": (("Pragma", "no-cache"), ("Cache-Control", "no-cache")),
    "fetch": (("Sec-Fetch-Mode", "websocket"), ("Sec-Fetch-Dest", "empty")),
    "encodings": (("Accept-Encoding", "gzip, deflate, br"),),
}
OTHER_FIELDS = {**OTHER_FIELDS, "all": tuple(line for lines in OTHER_FIELDS.values() for line in lines)}

UNKNOWN_FIELDS: Mapping[str, Line] = {
    "plain": ("X-Wsconform-5f3a", "v"),
    "empty_value": ("X-Wsconform-Empty", ""),
    "every_tchar": (
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "every octet that a name may have",
    ),
    "one_letter": ("X", "v"),
    "digits": ("123", "v"),
    "like_a_known_one": ("Sec-WebSocket-Keys", "not a key"),
    "colons_in_value": ("X-Wsconform-Value", "a: b: c"),
    "quotes_in_value": ("X-Wsconform-Value", 'one "two, \\" three" (four)'),
}

Order = Callable[[tuple[tuple[bytes, bytes], ...]], tuple[tuple[bytes, bytes], ...]]

ORDERS: Mapping[str, Order] = {
    "reversed": lambda lines: lines[::-1],
    "sorted": lambda lines: tuple(sorted(lines)),
    "key_first": lambda lines: lines[3:] + lines[:3],
    "host_last_after_20": lambda lines: (
        lines[1:] + tuple((b"X-Unknown-%d" % number, b"v") for number in range(20)) + lines[:1]
    ),
}

WHITESPACE: Mapping[str, tuple[bytes, bytes]] = {
    "spaces": (b":  ", b"  "),
    "tabs": (b":\t", b"\t"),
    "both": (b": \t ", b" \t "),
    "none": (b":", b""),
}

#: Octets beyond ASCII that a value may hold.
OBSCURE = {
    "latin_1": b"\xe9 \xff",
    "utf_8": "é".encode(),
    "invalid_utf_8": b"\x80\xc0\xfe",
    "80_to_ff": bytes(range(0x80, 0x100)),
}

EMPTY_ELEMENTS: Mapping[str, tuple[str, str]] = {
    "everywhere": ("Connection", ", Upgrade,, keep-alive,"),
    "leading": ("Connection", ",Upgrade"),
    "trailing": ("Connection", "Upgrade, "),
    "inside": ("Connection", "keep-alive, , Upgrade"),
    "in_upgrade": ("Upgrade", ", websocket,"),
}

#: A list field, and the values of its two lines.
SPLIT: Mapping[str, tuple[str, ...]] = {
    "connection": ("Connection", "keep-alive", "Upgrade"),
    "connection_reversed": ("Connection", "Upgrade", "keep-alive"),
    "upgrade": ("Upgrade", "websocket", "wsconform-unknown"),
    "upgrade_reversed": ("Upgrade", "wsconform-unknown", "websocket"),
    "protocol": ("Sec-WebSocket-Protocol", "chat", "superchat"),
    "extensions": ("Sec-WebSocket-Extensions", "x-wsconform-unknown", BROWSER_OFFER),
    "extensions_reversed": ("Sec-WebSocket-Extensions", BROWSER_OFFER, "x-wsconform-unknown"),
}


@dataclass(frozen=True, slots=True)
class Folded:
    """A field whose value is folded over two lines: the field's name, and the part of the value on each line."""

    name: str
    first: str
    second: str

    @property
    def unfolded(self) -> str:
        """The value on one line."""
        return f"{self.first} {self.second}".strip()

    def folded(self, blank: str) -> str:
        """Return the value over two lines, the second of which begins with `blank`."""
        return f"{self.first}\r\n{blank}{self.second}"


FOLDED = {
    "extensions": Folded("Sec-WebSocket-Extensions", "permessage-deflate;", "client_max_window_bits"),
    "extension_parameter": Folded("Sec-WebSocket-Extensions", "permessage-deflate;", "server_no_context_takeover"),
    "connection": Folded("Connection", "keep-alive,", "Upgrade"),
    "upgrade": Folded("Upgrade", "", "websocket"),
    "version": Folded("Sec-WebSocket-Version", "", "13"),
}

MALFORMED_LINES = {
    "no_colon": b"garbage",
    "empty_name": b": v",
    "parentheses": b"X(Y): v",
    "space_in_name": b"X Y: v",
    "octet_e9_in_name": b"X\xe9: v",
    "nul_in_name": b"X\0Y: v",
}


@case("6455-4.1-39", hint="accept any other field that a browser sends")
@each(lines=OTHER_FIELDS)
async def other_field_is_tolerated(opening: Opening, lines: tuple[Line, ...]) -> None:
    """A handshake with any other header field is accepted; a target that has a list of known fields refuses it."""
    fields = opening.request.fields
    new = Fields.of(lines).without(*(name.decode("latin-1") for name, _ in fields.lines))
    await opening.expect_accepted(replace(opening.request, fields=Fields(fields.lines + new.lines)))


@case("6455-4.2.1-24")
@each(line=UNKNOWN_FIELDS)
async def unknown_field_is_ignored(opening: Opening, line: Line) -> None:
    """A field that the target does not know is ignored, whatever its name and value."""
    await opening.expect_accepted(opening.request.with_field(*line))


@case("6455-4.2.1-2", hint="look fields up by name, not by position")
@each(order=ORDERS)
async def order_of_fields_has_no_significance(opening: Opening, order: Order) -> None:
    """Header fields may come in any order; a target that expects Host first refuses the request."""
    request = opening.request
    await opening.expect_accepted(replace(request, fields=Fields(order(request.fields.lines))))


@case("6455-4.2.1-25", hint="compare field names without regard to case")
@each(spelling={"lower": bytes.lower, "upper": bytes.upper, "swapped": bytes.swapcase})
async def field_names_match_in_any_case(opening: Opening, spelling: Callable[[bytes], bytes]) -> None:
    """Field names are matched without regard to case; proxies and HTTP/2 gateways write them in lower case."""
    lines = tuple((spelling(name), value) for name, value in opening.request.fields.lines)
    await opening.expect_accepted(replace(opening.request, fields=Fields(lines)))


@case("9110-5.5-1", hint="strip SP and HTAB, and no other octet, from both ends of a value")
@each(around=WHITESPACE)
async def whitespace_around_a_value_is_stripped(opening: Opening, around: tuple[bytes, bytes]) -> None:
    """Spaces and tabs around a value are stripped, and the space after the colon is optional.

    A target that hashes the key as it stands on the line answers with a wrong Sec-WebSocket-Accept.
    """
    separator, end = around
    lines = tuple((name, value + end) for name, value in opening.request.fields.lines)
    request = replace(opening.request, fields=Fields(lines), separator=separator)
    answer, wire = await opening.exchange(request)
    opening.accept(answer, wire, opening.request)


@case("9110-5.5-3", hint="keep octets above 7F as they are, or decode them as Latin-1, which cannot fail")
@each(value=OBSCURE)
async def octets_beyond_ascii_are_opaque(opening: Opening, value: bytes) -> None:
    """Octets 80 to FF in a field value are opaque data; a target that decodes them as UTF-8 fails on them."""
    octets = opening.request.with_field("X-Test", value).encode()
    await expect_accepted_or(opening, octets, (400,), "octets above 7F in an unknown field are refused")


@case("9110-5.6.1.2-1", hint="skip empty elements when you read a list")
@each(field=EMPTY_ELEMENTS)
async def empty_list_elements_are_ignored(opening: Opening, field: tuple[str, str]) -> None:
    """A reasonable number of empty list elements is ignored."""
    answer, _ = await opening.exchange(opening.request.replacing(*field))
    expect_reaction(opening, answer, "a list with empty elements")
    opening.depart_if(not answer.accepted, f"empty elements of {field[0]} are not ignored: {answer}")


@case("9110-5.3-3", hint="join the lines of a list field with commas before you read it")
@each(split=SPLIT)
async def list_on_two_lines_equals_the_joined_list(opening: Opening, split: tuple[str, ...]) -> None:
    """A list over two field lines means the same as the list on one line: same status, subprotocol and extensions.

    A server may always ignore Upgrade or decline an extension, so doing so for only one of the two forms departs.
    """
    name, *values = split
    joined, _ = await opening.exchange(opening.request.replacing(name, ", ".join(values)))
    apart, _ = await opening.exchange(opening.fresh_request().replacing(name, *values))
    expect_reaction(opening, apart, f"{name} on two lines")
    _expect_same_as_joined(opening, name, joined, apart)


def _expect_same_as_joined(opening: Opening, name: str, joined: Answer, apart: Answer) -> None:
    """Expect `apart`, the answer to the field `name` on two lines, to have the outcome of `joined`, on one line."""
    opening.note("joined", outcome(joined))
    same = outcome(apart) == outcome(joined)
    optional = not same and _differ_in_an_option(name, joined, apart)
    opening.depart_if(optional, f"joined: {outcome(joined)}; on two lines: {outcome(apart)}")
    expected = f"the answer to the joined form: {outcome(joined)}"
    opening.expect(same or optional, expected, outcome(apart), apart.entry)


def _differ_in_an_option(name: str, joined: Answer, apart: Answer) -> bool:
    """Return whether two answers differ only in the use of Upgrade or of an extension, which is the server's option."""
    if name == "Upgrade":
        return not (joined.accepted and apart.accepted)
    declined = joined.field(name) is None or apart.field(name) is None
    return name == "Sec-WebSocket-Extensions" and joined.accepted and apart.accepted and declined


@case("9112-5.2-2", hint="replace a fold with a space, or answer 400; never read its second line as a field")
@each(folded=FOLDED, by={"space": " ", "tab": "\t"})
async def folded_field_is_refused_or_unfolded(opening: Opening, folded: Folded, by: str) -> None:
    """A field folded over two lines gets a 400, or means the same as with a space in the place of the fold.

    A target that cuts the value at the end of the first line, or reads the second line as a field, answers differently.
    """
    plain, _ = await opening.exchange(opening.request.replacing(folded.name, folded.unfolded))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(folded.name, folded.folded(by)))
    expect_refused_or_same(opening, plain, answer)


@case("9112-5.2-2", hint="replace a fold with a space before you strip the value")
async def folded_key_is_refused_or_hashed_without_the_fold(opening: Opening) -> None:
    """A key after a fold is refused with 400, or hashed without the fold."""
    octets = opening.request.replacing("Sec-WebSocket-Key", b"\r\n " + opening.key).encode()
    answer, wire = await opening.exchange(octets)
    expect_reaction(opening, answer, "a folded field")
    opening.note("answered with", answer)
    accept_if_switched(opening, answer, wire, opening.request)


@case("9112-2.2-5", hint="refuse a line that begins with whitespace right after the request line")
@each(name=("Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade"), blank={"space": " ", "tab": "\t"})
async def indented_first_field_is_not_used(opening: Opening, name: str, blank: str) -> None:
    """A line that begins with whitespace right after the request line is skipped, or the request is refused.

    The line holds a field that the handshake needs, so a target that strips the line and uses it answers 101.
    """
    value = opening.request.fields.get(name) or b""
    without = opening.request.without(name)
    needed, _ = await opening.exchange(without)
    octets = with_line(without, blank.encode() + name.encode() + b": " + value, first=True)
    answer, _ = await opening.exchange(octets)
    expect_reaction(opening, answer, "an indented field")
    opening.note("answered with", answer)
    # A target that accepts the request without the field too has not shown that it used the line. Another case judges
    # that acceptance.
    used = answer.accepted and not needed.accepted
    opening.expect(not used, f"400, or {name} to be missing", str(answer), answer.entry)


@case("9112-5.1-4", hint="a field line is a token, a colon, a value; refuse the request otherwise")
@each(line=MALFORMED_LINES)
async def malformed_field_line_is_refused_or_ignored(opening: Opening, line: bytes) -> None:
    """A line without a colon, or with an empty or non-token name, makes the request invalid. Ignoring is recorded."""
    answer, _ = await opening.exchange(with_line(opening.request, line))
    expect_reaction(opening, answer, "an invalid field line")
    opening.note("answered with", answer)
    await opening.expect_accepted(opening.fresh_request())
    choose_if(opening, answer.accepted, "the invalid line is ignored")


@case("9112-2.2-2")
async def bare_line_feeds_are_accepted_or_refused(opening: Opening) -> None:
    """A recipient may accept a single LF as a line terminator; the target's choice is recorded."""
    answer, _ = await opening.exchange(replace(opening.request, line_end=b"\n"))
    expect_reaction(opening, answer, "lines that end in a single LF")
    opening.choose(f"lines that end in a single LF: {answer}")
