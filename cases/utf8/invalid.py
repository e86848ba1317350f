"""Invalid text: octets that are not UTF-8 fail the connection, one family for each class (RFC 3629 sections 3, 4)."""

from __future__ import annotations

from collections.abc import Callable

from wsconform import Connection, Frame, Profile, case, each

from .refusal import expect_text_refused

#: Greek letters of two octets each, except U+1F79, which has three.
_GOOD = "κ\u1f79σμε".encode()
_READING = "when-text-is-checked"
_HINT = "reject overlong forms, surrogates, code points above U+10FFFF, and an incomplete character at the end"


def _all(*texts: str) -> dict[str, bytes]:
    """Return the octets of each of `texts` (hexadecimal digits), by the text."""
    return {text: bytes.fromhex(text) for text in texts}


OVERLONG = _all(
    *("c080", "c0af", "c1bf", "e08080", "e080af", "e09fbf", "f0808080", "f08080af", "f08fbfbf"),
    *("f880808080", "f8808080af", "f887bfbfbf", "fc8080808080", "fc80808080af", "fc83bfbfbfbf"),
)
SURROGATES = _all(
    *("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"),
    *("eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf"),
    *("edae80edb080", "edae80edbfbf", "edafbfedb080", "edafbfedbfbf"),
)
TOO_LARGE = _all(
    *("f4908080", "f4bfbfbf", "f5808080", "f6808080", "f7bfbfbf"),
    *("f888808080", "fbbfbfbfbf", "fc8480808080", "fdbfbfbfbfbf"),
)
STRAY = _all("80", "bf", "418041", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf", "c2a280", "e282ac80") | {
    "80_to_be": bytes(range(0x80, 0xBF)),
    "80_to_bf": bytes(range(0x80, 0xC0)),
}
LONELY_LEADS = _all(
    *(
        "c220",
        "df41",
        "e220",
        "e28220",
        "ef4141",
        "f020",
        "f09f20",
        "f09f9820",
        "c328",
        "c2c2a2",
        "e2e282ac",
        "f0f09f9880",
    ),
    *("e228a1", "f0288cbc", "f09028bc", "f828", "fc28", "fc20"),
) | {
    # The last lead octet of each kind is missing, as in the cases of Autobahn.
    "two_octet_leads_c0_to_de_and_spaces": b"".join(bytes((lead, 0x20)) for lead in range(0xC0, 0xDF)),
    "three_octet_leads_e0_to_ee_and_spaces": b"".join(bytes((lead, 0x20)) for lead in range(0xE0, 0xEF)),
    "four_octet_leads_f0_to_f6_and_spaces": b"".join(bytes((lead, 0x20)) for lead in range(0xF0, 0xF7)),
    "five_octet_leads_f8_to_fa_and_spaces": b"".join(bytes((lead, 0x20)) for lead in range(0xF8, 0xFB)),
    "each_two_octet_lead_and_a_space": b"".join(bytes((lead, 0x20)) for lead in range(0xC0, 0xE0)),
    "each_three_octet_lead_and_a_space": b"".join(bytes((lead, 0x20)) for lead in range(0xE0, 0xF0)),
    "each_four_octet_lead_and_a_space": b"".join(bytes((lead, 0x20)) for lead in range(0xF0, 0xF8)),
    "each_five_octet_lead_and_a_space": b"".join(bytes((lead, 0x20)) for lead in range(0xF8, 0xFC)),
    "each_six_octet_lead_and_a_space": b"".join(bytes((lead, 0x20)) for lead in range(0xFC, 0xFE)),
}
TRUNCATED = _all(
    *("c2", "df", "ce", "e0a0", "e2", "e282", "efbf", "ed9f", "f0", "f09f", "f09f98", "f48fbf", "f7bfbf", "fbbfbfbf"),
    *("e080", "f08080", "f8808080", "fc80808080", "fdbfbfbfbf"),
    *("cebae1", "cebae1bd", "cebae1bdb9cf", "cebae1bdb9cf83ce", "cebae1bdb9cf83cebcce"),
) | {"each_incomplete_sequence": bytes.fromhex("c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf")}
IMPOSSIBLE = _all("c0", "c1", *(f"{octet:02x}" for octet in range(0xF5, 0x100)), "fefeffff", "61ff62")

#: One example of each class, for `SHAPES`.
CLASSES = {
    "overlong": bytes.fromhex("c0af"),
    "surrogate": bytes.fromhex("eda080"),
    "too_large": bytes.fromhex("f4908080"),
    "stray": b"\x80",
    "lonely_lead": bytes.fromhex("c328"),
    "impossible": b"\xff",
}


def _in_one_frame(octets: bytes) -> list[Frame]:
    return [Frame.text(_GOOD + octets + b"edited")]


def _in_octets(octets: bytes) -> list[Frame]:
    text = _GOOD + octets + b"edited"
    first, *rest = (text[at : at + 1] for at in range(len(text)))
    return [
        Frame.text(first, fin=False),
        *(Frame.continuation(octet, fin=False) for octet in rest),
        Frame.continuation(""),
    ]


def _in_the_last_fragment(octets: bytes) -> list[Frame]:
    return [Frame.text(_GOOD, fin=False), Frame.continuation(b"edited", fin=False), Frame.continuation(octets)]


def _in_the_middle_fragment(octets: bytes) -> list[Frame]:
    return [Frame.text(_GOOD, fin=False), Frame.continuation(octets, fin=False), Frame.continuation("edited")]


def _in_the_first_fragment(octets: bytes) -> list[Frame]:
    return [Frame.text(octets, fin=False), Frame.continuation("edited")]


def _around_a_ping(octets: bytes) -> list[Frame]:
    return [Frame.text(b"edited" + octets[:1], fin=False), Frame.ping(octets), Frame.continuation(octets[1:])]


def _behind_4096_octets(octets: bytes) -> list[Frame]:
    return [Frame.text(b"0123456789abcdef" * 256 + octets)]


Shape = Callable[[bytes], list[Frame]]

SHAPES: dict[str, Shape] = {
    "between_good_text": _in_one_frame,
    "octet_by_octet": _in_octets,
    "first_fragment": _in_the_first_fragment,
    "middle_fragment": _in_the_middle_fragment,
    "last_fragment": _in_the_last_fragment,
    "around_a_ping": _around_a_ping,
    "behind_4096_octets": _behind_4096_octets,
}


@case("3629-3-2", "6455-8.1-1", "6455-10.7-1", "6455-10.7-2", hint=_HINT, reading=_READING)
@each(octets=OVERLONG)
async def overlong_form_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """Overlong UTF-8 encodings are invalid.

    A decoder that does not check reads C0 AF as "/", which an earlier search for "/" did not find.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-3-3", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=SURROGATES)
async def surrogate_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """An encoded surrogate is invalid, alone or in a pair.

    Surrogates belong to UTF-16, and some runtimes whose strings are UTF-16 accept them. A pair is CESU-8.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-3-3", "6455-8.1-2", hint=_HINT, reading=_READING)
@each(cut=(1, 2, 3, 4, 5))
async def surrogate_pair_over_two_fragments_fails_the_connection(ws: Connection, cut: int) -> None:
    """A pair of surrogates is also invalid if a boundary between fragments splits it, between the two or inside one."""
    pair = bytes.fromhex("eda080edb080")
    await expect_text_refused(ws, Frame.text(pair[:cut], fin=False), Frame.continuation(pair[cut:]))


@case("3629-4-1", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=TOO_LARGE)
async def code_point_above_the_last_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """A code point above U+10FFFF is invalid, in four, five or six octets.

    Early definitions of UTF-8 allowed up to six octets, and decoders that follow them still do.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-4-2", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=STRAY)
async def stray_continuation_octet_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """An octet 80 to BF is invalid unless it follows a lead octet that requires it."""
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-4-3", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=LONELY_LEADS)
async def lead_octet_without_its_continuation_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """A lead octet is invalid unless all of its continuation octets follow directly.

    The octet that interrupts the sequence is a valid character, so a decoder that restarts there misses the error.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-4-3", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=TRUNCATED)
async def truncated_sequence_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """A text that ends inside a character is invalid.

    Most of these texts are the start of a valid text, so only a check at the end of the message finds the error.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("3629-4-4", "6455-8.1-1", hint=_HINT, reading=_READING)
@each(octets=IMPOSSIBLE)
async def impossible_octet_fails_the_connection(ws: Connection, octets: bytes) -> None:
    """The octets C0, C1 and F5 to FF are invalid anywhere in a text."""
    await expect_text_refused(ws, Frame.text(octets))


@case("6455-8.1-1", "6455-8.1-2", hint=_HINT, reading=_READING)
@each(octets=CLASSES, shape=SHAPES)
async def invalid_octets_fail_the_connection_at_any_place(ws: Connection, octets: bytes, shape: Shape) -> None:
    """Invalid octets fail the connection inside valid text, in any fragment, and if they are split.

    A target that checks only the first fragment, each fragment by itself, or the start of
    a message, accepts one of these.
    """
    await expect_text_refused(ws, *shape(octets))


@case("6455-8.1-1", profile=Profile.STANDARD, hint=_HINT, reading=_READING)
@each(octets=CLASSES)
async def invalid_octets_fail_the_connection_in_any_segments(ws: Connection, octets: bytes) -> None:
    """Invalid octets fail the connection also if every octet comes in a segment of its own."""
    await expect_text_refused(ws, *_in_one_frame(octets), pieces=(1,))
