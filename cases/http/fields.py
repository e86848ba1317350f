"""Header fields of the opening handshake: names, values, order, lists and folds (RFC 9110 section 5, RFC 9112 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from wsconform import BROWSER_OFFER, Answer, Fields, Opening, case, each

from .steps import accept_if_switched, choose_if, expect_accepted_or, expect_reaction, outcome, with_line

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
    "no_text": b"\x80\xc0\xfe",
    "all_of_them": bytes(range(0x80, 0x100)),
}

EMPTY_ELEMENTS: Mapping[str, tuple[str, str]] = {
    "all_over": ("Connection", ", Upgrade,, keep-alive,"),
    "leading": ("Connection", ",Upgrade"),
    "trailing": ("Connection", "Upgrade, "),
    "doubled": ("Connection", "keep-alive, , Upgrade"),
    "of_upgrade": ("Upgrade", ", websocket,"),
}

SPLIT: Mapping[str, tuple[str, ...]] = {
    "connection": ("Connection", "keep-alive", "Upgrade"),
    "connection_turned": ("Connection", "Upgrade", "keep-alive"),
    "upgrade": ("Upgrade", "websocket", "wsconform-unknown"),
    "upgrade_turned": ("Upgrade", "wsconform-unknown", "websocket"),
    "protocol": ("Sec-WebSocket-Protocol", "chat", "superchat"),
    "extensions": ("Sec-WebSocket-Extensions", "x-wsconform-unknown", BROWSER_OFFER),
    "extensions_turned": ("Sec-WebSocket-Extensions", BROWSER_OFFER, "x-wsconform-unknown"),
}

FOLDED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "extensions": ("Sec-WebSocket-Extensions", ("permessage-deflate;", "client_max_window_bits")),
    "extension_parameter": ("Sec-WebSocket-Extensions", ("permessage-deflate;", "server_no_context_takeover")),
    "connection": ("Connection", ("keep-alive,", "Upgrade")),
    "upgrade": ("Upgrade", ("", "websocket")),
    "version": ("Sec-WebSocket-Version", ("", "13")),
}

NO_FIELD_LINES = {
    "no_colon": b"garbage",
    "empty_name": b": v",
    "parentheses": b"X(Y): v",
    "space_in_name": b"X Y: v",
    "octet_e9_in_name": b"X\xe9: v",
    "nul_in_name": b"X\0Y: v",
}


@case("6455-4.1-39", hint="whatever else a browser sends is none of the handshake's business")
@each(lines=OTHER_FIELDS)
async def other_field_is_tolerated(opening: Opening, lines: tuple[Line, ...]) -> None:
    """A client may send any other header field; a list of known fields in a target shows here."""
    fields = opening.request.fields
    new = Fields.of(lines).without(*(name.decode("latin-1") for name, _ in fields.lines))
    await opening.expect_accepted(replace(opening.request, fields=Fields(fields.lines + new.lines)))


@case("6455-4.2.1-24")
@each(line=UNKNOWN_FIELDS)
async def unknown_field_is_ignored(opening: Opening, line: Line) -> None:
    """A field that the target does not know, whatever its name and value, changes nothing."""
    await opening.expect_accepted(opening.request.with_field(*line))


@case("6455-4.2.1-2", hint="look fields up by name; let nothing depend on where they stand")
@each(order=ORDERS)
async def order_of_fields_has_no_significance(opening: Opening, order: Order) -> None:
    """The order of the header fields has no significance; a target that expects Host first shows here."""
    request = opening.request
    await opening.expect_accepted(replace(request, fields=Fields(order(request.fields.lines))))


@case("6455-4.2.1-25", hint="compare field names without regard to case")
@each(spelling={"lower": bytes.lower, "upper": bytes.upper, "swapped": bytes.swapcase})
async def field_names_match_in_any_case(opening: Opening, spelling: Callable[[bytes], bytes]) -> None:
    """Field names are matched without regard to case; proxies and HTTP/2 gateways write them all in lower case."""
    lines = tuple((spelling(name), value) for name, value in opening.request.fields.lines)
    await opening.expect_accepted(replace(opening.request, fields=Fields(lines)))


@case("9110-5.5-1", hint="strip SP and HTAB, and nothing else, from both ends of a value")
@each(around=WHITESPACE)
async def whitespace_around_a_value_is_stripped(opening: Opening, around: tuple[bytes, bytes]) -> None:
    """Spaces and tabs around a value are not part of it, nor is the space after the colon needed.

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
    """Octets 80 to FF in a field's value are opaque data; decoding them as UTF-8 fails on them."""
    octets = opening.request.with_field("X-Test", value).encode()
    await expect_accepted_or(opening, octets, (400,), "octets above 7F in a field that nobody needs are refused")


@case("9110-5.6.1.2-1", hint="skip empty elements when you read a list")
@each(field=EMPTY_ELEMENTS)
async def empty_list_elements_are_ignored(opening: Opening, field: tuple[str, str]) -> None:
    """A reasonable number of empty list elements is parsed and ignored."""
    answer, _ = await opening.exchange(opening.request.replacing(*field))
    expect_reaction(opening, answer, "a list with empty elements")
    opening.depart_if(not answer.accepted, f"empty elements of {field[0]} are not ignored: {answer}")


@case("9110-5.3-3", hint="join the lines of a list field with commas before you read it")
@each(split=SPLIT)
async def list_on_two_lines_equals_the_joined_list(opening: Opening, split: tuple[str, ...]) -> None:
    """A list over two field lines means what its comma-joined form means: same status, subprotocol and extensions.

    Upgrade may be ignored and an extension declined at will, so that to do so for one of the forms is a departure.
    """
    name, *values = split
    joined, _ = await opening.exchange(opening.request.replacing(name, ", ".join(values)))
    apart, _ = await opening.exchange(opening.fresh_request().replacing(name, *values))
    expect_reaction(opening, apart, f"{name} on two lines")
    opening.note("joined", outcome(joined))
    same = outcome(apart) == outcome(joined)
    at_will = not same and _is_at_will(name, joined, apart)
    opening.depart_if(at_will, f"joined: {outcome(joined)}; on two lines: {outcome(apart)}")
    opening.expect(
        same or at_will, f"what the joined form is answered with: {outcome(joined)}", outcome(apart), apart.entry
    )


def _is_at_will(name: str, joined: Answer, apart: Answer) -> bool:
    """Tell whether the answers to two forms of a list differ in what a server may refuse without giving a reason."""
    if name == "Upgrade":
        return not (joined.accepted and apart.accepted)
    declined = joined.field(name) is None or apart.field(name) is None
    return name == "Sec-WebSocket-Extensions" and joined.accepted and apart.accepted and declined


@case("9112-5.2-2", hint="replace a fold by a space, or answer it with 400; never read its second line as a field")
@each(folded=FOLDED, by={"space": " ", "tab": "\t"})
async def folded_field_is_refused_or_unfolded(opening: Opening, folded: tuple[str, tuple[str, ...]], by: str) -> None:
    """A field folded over two lines gets a 400, or means what it means with spaces in the place of the fold.

    A target that cuts the value at the line's end, or reads the rest as a field, answers something else.
    """
    name, parts = folded
    plain, _ = await opening.exchange(opening.request.replacing(name, " ".join(parts).strip()))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(name, f"\r\n{by}".join(parts)))
    expect_reaction(opening, answer, "a folded field")
    opening.note("unfolded", outcome(plain))
    opening.note("folded", outcome(answer))
    refused = answer.status == 400 or answer.head is None
    opening.depart_if(answer.head is None, "the folded field is refused without a response")
    expected = f"400, or the answer to the unfolded field: {outcome(plain)}"
    opening.expect(refused or outcome(answer) == outcome(plain), expected, outcome(answer), answer.entry)


@case("9112-5.2-2", hint="replace a fold by a space before you strip the value")
async def folded_key_is_refused_or_hashed_without_the_fold(opening: Opening) -> None:
    """A key behind a fold is refused with 400, or hashed as what it is without the fold."""
    octets = opening.request.replacing("Sec-WebSocket-Key", b"\r\n " + opening.key).encode()
    answer, wire = await opening.exchange(octets)
    expect_reaction(opening, answer, "a folded field")
    opening.note("answered with", answer)
    accept_if_switched(opening, answer, wire, opening.request)


@case("9112-2.2-5", hint="refuse a line that begins with whitespace right after the request line")
@each(name=("Host", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade"), blank={"space": " ", "tab": "\t"})
async def indented_first_field_is_not_used(opening: Opening, name: str, blank: str) -> None:
    """A line that begins with whitespace right after the request line is skipped, or spoils the message.

    It holds a field that the handshake needs, so that a target which strips the line and uses it says 101.
    """
    value = opening.request.fields.get(name) or b""
    without = opening.request.without(name)
    needed, _ = await opening.exchange(without)
    octets = with_line(without, blank.encode() + name.encode() + b": " + value, first=True)
    answer, _ = await opening.exchange(octets)
    expect_reaction(opening, answer, "an indented field")
    opening.note("answered with", answer)
    # What is accepted without the field as well proves no use of it; that is for another case to judge.
    used = answer.accepted and not needed.accepted
    opening.expect(not used, f"400, or {name} to be missing", str(answer), answer.entry)


@case("9112-5.1-4", hint="a field line is a token, a colon, a value; refuse the request otherwise")
@each(line=NO_FIELD_LINES)
async def malformed_field_line_is_refused_or_ignored(opening: Opening, line: bytes) -> None:
    """A line without a colon, or with an empty or a non-token name, makes the request invalid; leniency is noted."""
    answer, _ = await opening.exchange(with_line(opening.request, line))
    expect_reaction(opening, answer, "an invalid field line")
    opening.note("answered with", answer)
    await opening.expect_accepted(opening.fresh_request())
    choose_if(opening, answer.accepted, "the invalid line is ignored")


@case("9112-2.2-2")
async def bare_line_feeds_are_accepted_or_refused(opening: Opening) -> None:
    """A recipient may take a single LF as line terminator: which way the target goes is written down."""
    answer, _ = await opening.exchange(replace(opening.request, line_end=b"\n"))
    expect_reaction(opening, answer, "lines that end in a single LF")
    opening.choose(f"lines that end in a single LF: {answer}")
