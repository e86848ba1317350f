"""The grammar of Sec-WebSocket-Extensions: valid spellings, and malformed ones (RFC 6455 sections 4.3, 9.1)."""

from __future__ import annotations

from wsconform import DEFLATE, Answer, Extension, Opening, case, deflate_answers, each

from .answers import EXTENSIONS, accepted_extensions, expect_reaction, field_text, note_refusal

_PARSE = "parse the field by its grammar; splitting at commas and semicolons is not enough"

MALFORMED = {
    "semicolon_at_the_end": f"{DEFLATE};",
    "semicolon_at_the_start": "; x",
    "two_semicolons": f"{DEFLATE};; client_max_window_bits",
    "no_parameter_name": f"{DEFLATE}; =10",
    "no_value": f"{DEFLATE}; client_max_window_bits=",
    "two_equals_signs": f"{DEFLATE}; server_max_window_bits==10",
    "two_words": "permessage deflate",
    "unterminated_quote": f'{DEFLATE}; a="b',
    "text_after_a_quote": f'{DEFLATE}; server_max_window_bits="1"0',
    "value_of_two_words": f"{DEFLATE}; a=b c",
    "slash": f"{DEFLATE}/1",
    "brackets": f"{DEFLATE}; a=[1]",
    "quoted_name": f'"{DEFLATE}"',
    "obs_text": f"{DEFLATE}; a=\xe9",
}

#: Spellings of one list: the reference spelling without whitespace, and others with whitespace that the
#: grammar allows.
PLAIN = f"{DEFLATE};server_max_window_bits=10,{DEFLATE}"
SPACED = {
    "spaces": f"{DEFLATE} ; server_max_window_bits = 10 , {DEFLATE}",
    "tabs": f"{DEFLATE}\t;\tserver_max_window_bits\t=\t10\t,\t{DEFLATE}",
    "around_the_semicolon": f"{DEFLATE}   ;   server_max_window_bits=10,{DEFLATE}",
    "around_the_equals_sign": f"{DEFLATE};server_max_window_bits = 10,{DEFLATE}",
    "around_the_comma": f"{DEFLATE};server_max_window_bits=10 ,  {DEFLATE}",
}


@case("6455-9.1-1", hint=_PARSE)
@each(value=MALFORMED)
async def malformed_extensions_fail_the_handshake(opening: Opening, value: str) -> None:
    """An offer that breaks the field's grammar is refused at once.

    A 101 without extensions ignores the malformed offer, which is lenient. A 101 that accepts it is a guess.
    """
    answer, wire = await opening.exchange(opening.request.replacing(EXTENSIONS, value))
    expect_reaction(opening, answer)
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    opening.expect(accepted is None, "a refusal", f"101 with {EXTENSIONS}: {field_text(accepted)}", answer.entry)
    opening.depart_if(answer.accepted, "the malformed offer is ignored instead of refused")
    note_refusal(opening, answer, wire)


@case("6455-9.1-3", hint="answer an empty offer without Sec-WebSocket-Extensions, or with 400")
@each(value={"empty": "", "comma": ",", "commas": ", ,"})
async def empty_offer_is_answered_without_extensions(opening: Opening, value: str) -> None:
    """An offer without an element is answered without extensions.

    Nothing was offered, so nothing can be accepted. Whether the target refuses the offer or ignores it is recorded.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(EXTENSIONS, value))
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    observed = f"{EXTENSIONS}: {field_text(accepted)}"
    opening.expect(accepted is None, f"no {EXTENSIONS} in the 101", observed, answer.entry)


@case("6455-4.3-10", hint="skip spaces and tabs around ';', '=' and ','")
@each(offer=SPACED)
async def blanks_between_the_parts_of_an_offer_are_skipped(opening: Opening, offer: str) -> None:
    """Spaces and tabs between the parts of an offer change nothing.

    The grammar allows whitespace between any two parts. The answer to the offer with whitespace is compared with the
    answer to the same offer without it.
    """
    plain, _ = await opening.exchange(opening.request.replacing(EXTENSIONS, PLAIN))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(EXTENSIONS, offer))
    opening.expect(answer.accepted == plain.accepted, str(plain), str(answer), answer.entry)
    _expect_same_or_depart(opening, plain, answer)


@case("6455-9.1-5", "7692-5.2-1", hint="remove the quotes and the backslash before a character, then use the value")
@each(value={"quoted": '"10"', "quoted_pair": '"1\\0"', "quoted_pairs": '"\\1\\0"'})
async def quoted_value_is_read_as_a_token(opening: Opening, value: str) -> None:
    """A quoted parameter value, escapes included, means the same as the bare token.

    The answer is compared with the answer to server_max_window_bits=10.
    """
    parameter = f"{DEFLATE}; server_max_window_bits="
    plain, _ = await opening.exchange(opening.request.replacing(EXTENSIONS, f"{parameter}10"))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(EXTENSIONS, parameter + value))
    opening.expect(answer.accepted == plain.accepted, str(plain), str(answer), answer.entry)
    _expect_same_or_depart(opening, plain, answer)


@case("6455-9.1-6", hint=_PARSE, reading="quoted-extension-values")
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
    """A quoted value that is not a token once it is unescaped makes the element malformed.

    One of these values hides a whole offer between commas. Only a target that splits before it reads quotes finds it.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(EXTENSIONS, offer))
    accepted = answer.field(EXTENSIONS) if answer.accepted else None
    observed = f"101 with {field_text(accepted)}"
    opening.expect(accepted is None, "a refusal, or the element declined", observed, answer.entry)


def _expect_same_or_depart(opening: Opening, plain: Answer, answer: Answer) -> None:
    """Expect `answer` to accept the same extensions as `plain`.

    Declining the element is lenient and departs. The answer then has no extension, or it answers the bare offer that
    follows the element.
    """
    wanted, accepted = accepted_extensions(opening, plain), accepted_extensions(opening, answer)
    declined = all(deflate_answers(one, Extension(DEFLATE)) is None for one in accepted) and accepted != wanted
    expected, observed = field_text(plain.field(EXTENSIONS)), field_text(answer.field(EXTENSIONS))
    opening.depart_if(declined, f"the element is declined; the reference spelling is answered with {expected}")
    opening.expect(declined or accepted == wanted, f"{EXTENSIONS}: {expected}", observed, answer.entry)
