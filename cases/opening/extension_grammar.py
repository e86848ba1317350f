"""How Sec-WebSocket-Extensions may be written, and what is malformed (RFC 6455 sections 4.3, 9.1)."""

from __future__ import annotations

from wsconform import DEFLATE, Answer, Extension, Opening, Provocation, case, deflate_answers, each

from .answers import EXTENSIONS, expect_reaction, said, taken

_READ = "read the field with a small parser for its grammar; splitting at commas and semicolons is not enough"

MALFORMED = {
    "semicolon_at_the_end": f"{DEFLATE};",
    "semicolon_at_the_start": "; x",
    "two_semicolons": f"{DEFLATE};; client_max_window_bits",
    "no_parameter_name": f"{DEFLATE}; =10",
    "no_value": f"{DEFLATE}; client_max_window_bits=",
    "two_equals_signs": f"{DEFLATE}; server_max_window_bits==10",
    "two_words": "permessage deflate",
    "quote_without_end": f'{DEFLATE}; a="b',
    "text_behind_a_quote": f'{DEFLATE}; server_max_window_bits="1"0',
    "value_of_two_words": f"{DEFLATE}; a=b c",
    "slash": f"{DEFLATE}/1",
    "brackets": f"{DEFLATE}; a=[1]",
    "quoted_name": f'"{DEFLATE}"',
    "obs_text": f"{DEFLATE}; a=\xe9",
}

#: Spellings of one list: the reference spelling, and others with the blanks that the grammar allows.
PLAIN = f"{DEFLATE};server_max_window_bits=10,{DEFLATE}"
SPACED = {
    "spaces": f"{DEFLATE} ; server_max_window_bits = 10 , {DEFLATE}",
    "tabs": f"{DEFLATE}\t;\tserver_max_window_bits\t=\t10\t,\t{DEFLATE}",
    "around_the_semicolon": f"{DEFLATE}   ;   server_max_window_bits=10,{DEFLATE}",
    "around_the_equals_sign": f"{DEFLATE};server_max_window_bits = 10,{DEFLATE}",
    "around_the_comma": f"{DEFLATE};server_max_window_bits=10 ,  {DEFLATE}",
}


@case("6455-9.1-1", hint=_READ)
@each(value=MALFORMED)
async def malformed_extensions_fail_the_handshake(opening: Opening, value: str) -> None:
    """An offer that breaks the field's grammar is refused at once.

    A 101 without extensions passes it over, which is lenient; one that takes the malformed element up guesses.
    """
    answer, wire = await opening.exchange(opening.request.replacing(EXTENSIONS, value))
    expect_reaction(opening, answer)
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    opening.expect(accepted is None, "a refusal", f"101 with {EXTENSIONS}: {said(accepted)}", answer.entry)
    opening.depart_if(answer.accepted, "the malformed offer is passed over instead of refused")
    if not answer.accepted:
        wire.conversation.provoked = Provocation.HANDSHAKE
        opening.note("refused with", answer)


@case("6455-9.1-3", hint="an empty offer is none: answer without Sec-WebSocket-Extensions, or 400")
@each(value={"empty": "", "comma": ",", "commas": ", ,"})
async def empty_offer_is_answered_without_extensions(opening: Opening, value: str) -> None:
    """A list without an element offers nothing, so nothing can be accepted.

    Whether it is refused as malformed or passed over is written down.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(EXTENSIONS, value))
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    opening.expect(accepted is None, f"no {EXTENSIONS} in the 101", f"{EXTENSIONS}: {said(accepted)}", answer.entry)


@case("6455-4.3-10", hint="skip spaces and tabs around ';', '=' and ','")
@each(offer=SPACED)
async def blanks_between_the_parts_of_an_offer_are_skipped(opening: Opening, offer: str) -> None:
    """The grammar has implied blanks: they change nothing, wherever between two parts they stand.

    What comes of the spaced offer is compared with what comes of the tight one.
    """
    plain, _ = await opening.exchange(opening.request.replacing(EXTENSIONS, PLAIN))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(EXTENSIONS, offer))
    opening.expect(answer.accepted == plain.accepted, str(plain), str(answer), answer.entry)
    _expect_same_or_depart(opening, plain, answer)


@case("6455-9.1-5", "7692-5.2-1", hint="take quotes off, and the backslash before a character; then use the value")
@each(value={"quoted": '"10"', "quoted_pair": '"1\\0"', "quoted_pairs": '"\\1\\0"'})
async def quoted_value_is_read_as_a_token(opening: Opening, value: str) -> None:
    """A parameter's value in quotes, escapes included, means the same as the bare token.

    What comes of it is compared with what comes of server_max_window_bits=10.
    """
    parameter = f"{DEFLATE}; server_max_window_bits="
    plain, _ = await opening.exchange(opening.request.replacing(EXTENSIONS, f"{parameter}10"))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(EXTENSIONS, parameter + value))
    opening.expect(answer.accepted == plain.accepted, str(plain), str(answer), answer.entry)
    _expect_same_or_depart(opening, plain, answer)


@case("6455-9.1-6", hint=_READ, reading="quoted-extension-values")
@each(
    offer={
        "empty": f'{DEFLATE}; server_max_window_bits=""',
        "space_inside": f'{DEFLATE}; server_max_window_bits="1 0"',
        "comma_inside": f'{DEFLATE}; x="a,b"',
        "semicolon_inside": f'{DEFLATE}; x="a;b"',
        "offer_inside": f'x-unknown; x="a, {DEFLATE}, b"',
    }
)
async def quoted_value_that_is_not_a_token_is_not_accepted(opening: Opening, offer: str) -> None:
    """What stands in quotes has to be a token once it is unescaped; else the element is malformed.

    One of these hides a whole offer between commas, which only a target finds that splits before it reads quotes.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(EXTENSIONS, offer))
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    opening.expect(accepted is None, "a refusal, or the element declined", f"101 with {said(accepted)}", answer.entry)


def _expect_same_or_depart(opening: Opening, plain: Answer, answer: Answer) -> None:
    """Expect `answer` to accept what `plain` does.

    To decline the element is lenient, and shows as no extension, or as the one that the bare offer behind it leads to.
    """
    wanted, accepted = taken(opening, plain), taken(opening, answer)
    declined = all(deflate_answers(one, Extension(DEFLATE)) is None for one in accepted) and accepted != wanted
    opening.depart_if(declined, f"the element is declined, though {said(plain.field(EXTENSIONS))} is what it leads to")
    expected, observed = said(plain.field(EXTENSIONS)), said(answer.field(EXTENSIONS))
    opening.expect(declined or accepted == wanted, f"{EXTENSIONS}: {expected}", observed, answer.entry)
