"""Sec-WebSocket-Protocol: how a server answers a list of subprotocols (RFC 6455 sections 4.2.2, 4.3, 11.3.4)."""

from __future__ import annotations

from wsconform import Answer, HttpConnection, Opening, Request, case, each, is_token

from .answers import SUBPROTOCOL, chosen_subprotocols, expect_reaction, field_text, note_refusal

_NONE = "if you speak none of the offered subprotocols, leave Sec-WebSocket-Protocol out of the 101"
_TOKENS = "each element is a token: letters, digits and !#$%&'*+-.^_`|~; refuse anything else"

MALFORMED = {
    "space_inside": "chat room",
    "tab_inside": "chat\troom",
    "at_sign": "ch@t",
    "quoted": '"chat"',
    "slash": "chat/1",
    "colon": "chat:1",
    "parameter": "chat;v=1",
    "equals_sign": "chat=1",
    "parentheses": "(chat)",
    "brackets": "[chat]",
    "braces": "{chat}",
    "angles": "<chat>",
    "question_mark": "chat?",
    "backslash": "chat\\1",
    "obs_text": "ch\xe9t",
    "second_of_two": "x-unknown, ch@t",
}


@case("6455-4.1-34", hint="do not insist on a subprotocol; if your application needs one, refuse with a 4xx")
async def handshake_without_subprotocols_is_accepted(opening: Opening) -> None:
    """A handshake that offers no subprotocol is accepted.

    Only a target whose configuration names a subprotocol may insist on it, and refuses with a 4xx.
    """
    asked = opening.request.without(SUBPROTOCOL)
    answer, wire = await opening.exchange(asked)
    _accept_unless_by_policy(opening, answer, wire, asked)


@case("6455-4.2.2-17", hint="send Sec-WebSocket-Protocol only if the request has the field")
async def no_subprotocol_is_chosen_without_an_offer(opening: Opening) -> None:
    """The response to a client that offers no subprotocol has no Sec-WebSocket-Protocol.

    A target that always names its own subprotocol makes correct clients fail the connection.
    """
    answer, _ = await opening.exchange(opening.request.without(SUBPROTOCOL))
    _expect_field_absent(opening, answer)


@case("6455-4.2.1-22", hint="an unknown subprotocol is not an error: accept the handshake without one")
@each(count=(1, 2, 20))
async def unknown_subprotocols_do_not_invalidate_the_handshake(opening: Opening, count: int) -> None:
    """Unknown subprotocol names are legal, and lead to a connection without a subprotocol.

    A target may refuse with a 4xx by policy, which is recorded. Agreeing to an unknown name is a violation if the
    target's configuration names its subprotocols, and a departure if no configuration lists them.
    """
    unknown = [_unknown(opening) for _ in range(count)]
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(unknown)))
    _expect_accepted_or_policy(opening, answer)
    names = chosen_subprotocols(answer)
    agrees = _depart_if_willing(opening, names, unknown)
    observed = f"{SUBPROTOCOL}: {field_text(*names)}"
    opening.expect(agrees or not any(names), "101 without an unknown name", observed, answer.entry)


@case("6455-4.2.2-16", hint=_NONE)
@each(count=(1, 3))
async def no_subprotocol_field_is_sent_if_none_is_agreed(opening: Opening, count: int) -> None:
    """If no offered name is known, the 101 has no Sec-WebSocket-Protocol, not even an empty one.

    Targets that always send the field send the value "None", or the first name offered. A target that chooses one of
    the names departs if no configuration lists its subprotocols.
    """
    unknown = [_unknown(opening) for _ in range(count)]
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(unknown)))
    _expect_field_absent_or_willing(opening, answer, unknown)


@case("6455-4.2.2-19", "6455-4.3-9", hint="choose one of the names, and send that name alone")
@each(
    offered={
        "two": ("chat", "superchat"),
        "two_reversed": ("superchat", "chat"),
        "known_last": ("x-unknown", "chat"),
        "four": ("soap", "chat", "superchat", "mqtt"),
    }
)
async def one_subprotocol_is_chosen_of_several(opening: Opening, offered: tuple[str, ...]) -> None:
    """The response has at most one subprotocol, which is one of the names offered.

    A target that sends the list back agrees to every name, and a client must fail the connection.
    """
    offer = (*_known(opening), *offered)
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(offer)))
    _expect_accepted_or_policy(opening, answer)
    names = chosen_subprotocols(answer)
    opening.expect(len(names) <= 1, f"one {SUBPROTOCOL} at most", field_text(*names), answer.entry)
    opening.expect(all(map(is_token, names)), "a single token", field_text(*names), answer.entry)
    opening.expect(all(name.decode() in offer for name in names), "one of the names", field_text(*names), answer.entry)
    opening.note("chosen", field_text(*names))


@case("6455-4.3-3", hint=_TOKENS)
@each(value=MALFORMED)
async def malformed_subprotocol_is_refused(opening: Opening, value: str) -> None:
    """A subprotocol offer that is not a list of tokens is refused.

    A 101 that names no subprotocol is lenient. A 101 that repeats the malformed name agrees to it.
    """
    await _expect_refused_or_ignored(opening, value)


@case("6455-4.3-4", hint="an offer without any name is malformed: answer 400")
@each(value={"empty": "", "comma": ",", "commas": ", ,"})
async def empty_list_of_subprotocols_is_refused(opening: Opening, value: str) -> None:
    """A list of subprotocols without an element is malformed and refused.

    A 101 without the field is lenient. A 101 with the field chooses a name that was not offered.
    """
    await _expect_refused_or_ignored(opening, value)


@case("6455-4.3-5", hint="skip the empty elements of a list")
@each(
    form={
        "everywhere": ", {0},, {1} ,",
        "leading": ",{0}, {1}",
        "inside": "{0},, ,{1}",
        "trailing": "{0}, {1},",
    }
)
async def empty_elements_of_a_list_are_skipped(opening: Opening, form: str) -> None:
    """A few empty elements between the names are skipped, and the names are read.

    The answer is compared with the answer to the same two names without empty elements.
    """
    names = (_one_known(opening), "x-unknown")
    wanted, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(names)))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(SUBPROTOCOL, form.format(*names)))
    lenient = wanted.accepted and answer.status == 400
    opening.depart_if(lenient, "a list with empty elements is refused with 400")
    _expect_same(opening, lenient, wanted, answer)


@case("6455-11.3.4-1", hint="join the lines with commas before you read the list")
@each(unknown_first={"unknown_first": True, "unknown_last": False})
async def subprotocols_on_two_lines_are_one_list(opening: Opening, unknown_first: bool) -> None:
    """Sec-WebSocket-Protocol on several lines of a request makes one list.

    The answer to two lines is compared with the answer to one. A target that reads only one of the lines loses a name.
    """
    names = (_one_known(opening), _unknown(opening))
    ordered = names[::-1] if unknown_first else names
    wanted, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(ordered)))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(SUBPROTOCOL, *ordered))
    _expect_same(opening, False, wanted, answer)


def _known(opening: Opening) -> tuple[str, ...]:
    """Return the subprotocols that the target's configuration names; () if it names none."""
    configured = opening.session.address.subprotocol or ""
    return tuple(name.strip() for name in configured.split(",") if name.strip())


def _one_known(opening: Opening) -> str:
    """Return a subprotocol that the target's configuration names; without a configured one, a name that it may know."""
    return next(iter(_known(opening)), "chat")


def _unknown(opening: Opening) -> str:
    return f"x-unknown-{opening.session.random.randbytes(6).hex()}"


def _expect_accepted_or_policy(opening: Opening, answer: Answer) -> None:
    """Expect a 101, or a 4xx, which is recorded: a target may insist on a subprotocol of its own."""
    refused = 400 <= answer.status < 500
    opening.expect(refused or answer.accepted, "101, or a 4xx by policy", str(answer), answer.entry)
    if refused:
        opening.note("refused by policy", answer)


def _depart_if_willing(opening: Opening, names: tuple[bytes, ...], offered: list[str]) -> bool:
    """Depart if no configuration lists the target's names and it agreed to one of the `offered`; return whether it did.

    Section 4.2.2 leaves it to the server which names it is "willing to use", so its 101 alone proves no error.
    """
    agrees = not _known(opening) and len(names) == 1 and names[0].decode("latin-1") in offered
    opening.depart_if(agrees, f"the target agrees to a random name: {field_text(*names)}")
    return agrees


def _accept_unless_by_policy(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """Expect a correct 101. A 4xx is recorded instead if the target's configuration names a subprotocol."""
    if _known(opening) and 400 <= answer.status < 500:
        opening.note("refused by policy", answer)
    else:
        opening.accept(answer, wire, asked)


def _expect_field_absent(opening: Opening, answer: Answer) -> None:
    """Expect a 101 without the field, or a refusal, which is recorded."""
    _expect_accepted_or_policy(opening, answer)
    names = chosen_subprotocols(answer)
    opening.expect(not names, f"no {SUBPROTOCOL} in the 101", f"{SUBPROTOCOL}: {field_text(*names)}", answer.entry)


def _expect_field_absent_or_willing(opening: Opening, answer: Answer, offered: list[str]) -> None:
    """Expect a 101 without the field, or a refusal; a name that the target may be willing to speak departs."""
    if not _depart_if_willing(opening, chosen_subprotocols(answer), offered):
        _expect_field_absent(opening, answer)


async def _expect_refused_or_ignored(opening: Opening, value: str) -> None:
    """Expect a refusal of the offer `value`. A 101 that ignores the offer departs; a 101 that names anything fails."""
    answer, wire = await opening.exchange(opening.request.replacing(SUBPROTOCOL, value))
    expect_reaction(opening, answer)
    names = chosen_subprotocols(answer)
    opening.expect(not names, "a refusal", f"101 with {SUBPROTOCOL}: {field_text(*names)}", answer.entry)
    opening.depart_if(answer.accepted, "the malformed list is ignored instead of refused")
    note_refusal(opening, answer, wire)


def _expect_same(opening: Opening, excused: bool, wanted: Answer, answer: Answer) -> None:
    """Expect `answer` to accept the handshake and to choose a name as `wanted` did, unless it is `excused`."""
    expected = f"{wanted}, chosen: {field_text(*chosen_subprotocols(wanted))}"
    observed = f"{answer}, chosen: {field_text(*chosen_subprotocols(answer))}"
    opening.note("answer to one plain list", expected)
    same = (answer.accepted, chosen_subprotocols(answer)) == (wanted.accepted, chosen_subprotocols(wanted))
    opening.expect(excused or same, expected, observed, answer.entry)
