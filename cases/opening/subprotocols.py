"""Sec-WebSocket-Protocol: what a server makes of a list of subprotocols (RFC 6455 sections 4.2.2, 4.3, 11.3.4)."""

from __future__ import annotations

from wsconform import Answer, HttpConnection, Opening, Provocation, Request, case, each, is_token

from .answers import SUBPROTOCOL, chosen, expect_reaction, said

_NONE = "where none of the offered subprotocols is yours, leave Sec-WebSocket-Protocol out of the 101"
_TOKENS = "each element is a token: letters, digits and !#$%&'*+-.^_`|~; refuse what is not"

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


@case("6455-4.1-34", hint="do not insist on a subprotocol, or refuse with a 4xx where your application needs one")
async def handshake_without_subprotocols_is_accepted(opening: Opening) -> None:
    """A client may offer no subprotocol at all, and is accepted.

    Only a target whose configuration names a subprotocol may insist on it, and says so with a 4xx.
    """
    asked = opening.request.without(SUBPROTOCOL)
    answer, wire = await opening.exchange(asked)
    _accept_unless_by_policy(opening, answer, wire, asked)


@case("6455-4.2.2-17", hint="send Sec-WebSocket-Protocol only in answer to one")
async def no_subprotocol_is_chosen_without_an_offer(opening: Opening) -> None:
    """A client that offers no subprotocol is told of none.

    A target that always names its own makes correct clients fail the connection.
    """
    answer, _ = await opening.exchange(opening.request.without(SUBPROTOCOL))
    _expect_field_absent(opening, answer)


@case("6455-4.2.1-22", hint="an unknown subprotocol is no error: accept the handshake without one")
@each(count=(1, 2, 20))
async def unknown_subprotocols_do_not_invalidate_the_handshake(opening: Opening, count: int) -> None:
    """Names that the target does not know are legal, and lead to a connection without a subprotocol.

    A 4xx by policy is a target's right, and noted. To agree to one of them is a violation where the target's
    configuration names what it knows, and a departure where nobody can tell what it is willing to speak.
    """
    unknown = [_unknown(opening) for _ in range(count)]
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(unknown)))
    _expect_accepted_or_policy(opening, answer)
    names = chosen(answer)
    agrees = _depart_if_willing(opening, names, unknown)
    told = f"{SUBPROTOCOL}: {said(*names)}"
    opening.expect(agrees or not any(names), "101 without an unknown name", told, answer.entry)


@case("6455-4.2.2-16", hint=_NONE)
@each(count=(1, 3))
async def no_subprotocol_field_is_sent_if_none_is_agreed(opening: Opening, count: int) -> None:
    """Where no offered name is known the 101 has no Sec-WebSocket-Protocol, not even an empty one.

    "None" as a value, or the first name offered, is what targets send that always send the field. A target that
    takes one of the names departs as long as its configuration does not say which it knows.
    """
    unknown = [_unknown(opening) for _ in range(count)]
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(unknown)))
    if not _depart_if_willing(opening, chosen(answer), unknown):
        _expect_field_absent(opening, answer)


@case("6455-4.2.2-19", "6455-4.3-9", hint="choose one of the names; send neither the list nor anything but the name")
@each(
    offered={
        "two": ("chat", "superchat"),
        "two_reversed": ("superchat", "chat"),
        "known_last": ("x-unknown", "chat"),
        "four": ("soap", "chat", "superchat", "mqtt"),
    }
)
async def one_subprotocol_is_chosen_of_several(opening: Opening, offered: tuple[str, ...]) -> None:
    """Of a list of names at most one comes back, one of the list, and nothing else.

    A target that sends the list back agrees to everything, and a client must fail the connection.
    """
    offer = (*_known(opening), *offered)
    answer, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(offer)))
    _expect_accepted_or_policy(opening, answer)
    names = chosen(answer)
    opening.expect(len(names) <= 1, f"one {SUBPROTOCOL} at most", said(*names), answer.entry)
    opening.expect(all(map(is_token, names)), "a single token", said(*names), answer.entry)
    opening.expect(all(name.decode() in offer for name in names), "one of the names", said(*names), answer.entry)
    opening.note("chosen", said(*names))


@case("6455-4.3-3", hint=_TOKENS)
@each(value=MALFORMED)
async def malformed_subprotocol_is_refused(opening: Opening, value: str) -> None:
    """The offer is a list of tokens; anything else is no valid handshake.

    A 101 that names no subprotocol is lenient; one that repeats the malformed name agrees to it.
    """
    await _expect_refused_or_passed_over(opening, value)


@case("6455-4.3-4", hint="an offer without a single name is malformed: answer 400")
@each(value={"empty": "", "comma": ",", "commas": ", ,"})
async def empty_list_of_subprotocols_is_refused(opening: Opening, value: str) -> None:
    """A list of subprotocols has one element at least; a field without any is malformed.

    A 101 without the field is lenient; one with the field answers a question that was not asked.
    """
    await _expect_refused_or_passed_over(opening, value)


@case("6455-4.3-5", hint="skip empty elements of a list")
@each(
    form={
        "everywhere": ", {0},, {1} ,",
        "leading": ",{0}, {1}",
        "inside": "{0},, ,{1}",
        "trailing": "{0}, {1},",
    }
)
async def empty_elements_of_a_list_are_skipped(opening: Opening, form: str) -> None:
    """A few empty elements between the names are passed over, and the names are read.

    What comes of it is compared with the same two names without empty elements.
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
    """Sec-WebSocket-Protocol may stand on several lines of a request, which make one list.

    What comes of two lines is compared with what comes of one; a target that reads one line of them loses a name.
    """
    names = (_one_known(opening), _unknown(opening))
    ordered = names[::-1] if unknown_first else names
    wanted, _ = await opening.exchange(opening.request.replacing(SUBPROTOCOL, ", ".join(ordered)))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(SUBPROTOCOL, *ordered))
    _expect_same(opening, False, wanted, answer)


def _known(opening: Opening) -> tuple[str, ...]:
    """Return the subprotocols that the target's configuration names, none if it names none."""
    said = opening.session.address.subprotocol or ""
    return tuple(name.strip() for name in said.split(",") if name.strip())


def _one_known(opening: Opening) -> str:
    """Return a subprotocol that the target knows; without a configured one, a name that it may know."""
    return next(iter(_known(opening)), "chat")


def _unknown(opening: Opening) -> str:
    return f"x-unknown-{opening.session.random.randbytes(6).hex()}"


def _expect_accepted_or_policy(opening: Opening, answer: Answer) -> None:
    """Expect a 101, or a 4xx, which is noted: a target may insist on a subprotocol of its own."""
    refused = 400 <= answer.status < 500
    opening.expect(refused or answer.accepted, "101, or a 4xx by policy", str(answer), answer.entry)
    if refused:
        opening.note("refused by policy", answer)


def _depart_if_willing(opening: Opening, names: tuple[bytes, ...], offered: list[str]) -> bool:
    """Tell whether one of the `offered` names was agreed to where no configuration says it is not known; depart then.

    "Agree" and "willing to use" (section 4.2.2) are the server's own affair, so its 101 alone proves no error.
    """
    agrees = not _known(opening) and len(names) == 1 and names[0].decode("latin-1") in offered
    opening.depart_if(agrees, f"a random name is agreed to: {said(*names)}")
    return agrees


def _accept_unless_by_policy(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    if _known(opening) and 400 <= answer.status < 500:
        opening.note("refused by policy", answer)
    else:
        opening.accept(answer, wire, asked)


def _expect_field_absent(opening: Opening, answer: Answer) -> None:
    """Expect a 101 without the field, or a refusal, which is noted."""
    _expect_accepted_or_policy(opening, answer)
    names = chosen(answer)
    opening.expect(not names, f"no {SUBPROTOCOL} in the 101", f"{SUBPROTOCOL}: {said(*names)}", answer.entry)


async def _expect_refused_or_passed_over(opening: Opening, value: str) -> None:
    """Expect a refusal of the offer `value`; a 101 that passes it over departs, one that names anything fails."""
    answer, wire = await opening.exchange(opening.request.replacing(SUBPROTOCOL, value))
    expect_reaction(opening, answer)
    names = chosen(answer)
    opening.expect(not names, "a refusal", f"101 with {SUBPROTOCOL}: {said(*names)}", answer.entry)
    opening.depart_if(answer.accepted, "the malformed list is passed over instead of refused")
    if not answer.accepted:
        wire.conversation.provoked = Provocation.HANDSHAKE
        opening.note("refused with", answer)


def _expect_same(opening: Opening, excused: bool, wanted: Answer, answer: Answer) -> None:
    """Expect `answer` to accept, and to choose, as `wanted` did."""
    opening.note("one plain list leads to", f"{wanted}, chosen: {said(*chosen(wanted))}")
    told = f"{wanted}, chosen: {said(*chosen(wanted))}"
    same = (answer.accepted, chosen(answer)) == (wanted.accepted, chosen(wanted))
    opening.expect(excused or same, told, f"{answer}, chosen: {said(*chosen(answer))}", answer.entry)
