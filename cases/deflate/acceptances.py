"""The offers that a client makes, and the answers that it has to accept (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import DEFLATE, Incoming, Reason, Unreached, case, each

from .our_answers import EXTENSIONS, acceptance_with, deflate_offers, is_opened, require_offered, response_with
from .our_offers import WINDOW_BITS

_ACCEPT = "accept this parameter even if you did not offer it: any client can satisfy it"


@case("7692-5-1", hint="offer compression under its registered name, permessage-deflate")
async def compression_is_offered_by_its_name(incoming: Incoming) -> None:
    """A client that offers compression names permessage-deflate in its Sec-WebSocket-Extensions, spelled as registered.

    A malformed list offers nothing, and a server may compare names case-sensitively.
    """
    field = _list_with_deflate(incoming)
    incoming.expect(bool(incoming.offers), "a list of extensions", field)
    incoming.depart_if(all(offer.name != DEFLATE for offer in incoming.offers), f"offers {field}")
    incoming.note("offers", field)
    await incoming.open()


def _list_with_deflate(incoming: Incoming) -> str:
    """Return the client's Sec-WebSocket-Extensions; raise Unreached if it does not contain permessage-deflate."""
    field = b", ".join(incoming.request.fields.get_all(EXTENSIONS)).decode("latin-1")
    if DEFLATE not in field.lower():
        raise Unreached(Reason.NOT_OFFERED, "the client does not offer permessage-deflate")
    return field


@case("6455-9-3", "7692-5-5", hint="offer client_max_window_bits without a value, or with a value from 8 to 15")
async def offered_client_max_window_bits_is_valid(incoming: Incoming) -> None:
    """If a client offers client_max_window_bits, the parameter has no value, or a number from 8 to 15."""
    values = [offer.get("client_max_window_bits") for offer in deflate_offers(incoming)]
    valid = all(value in (None, "", *map(str, WINDOW_BITS)) for value in values)
    incoming.expect(valid, "client_max_window_bits without a value, or 8 to 15", str(values))
    noted = ("absent" if value is None else value or "without a value" for value in values)
    incoming.note("client_max_window_bits", ", ".join(noted))
    await incoming.open()


@case("7692-7.1.1.1-4", hint=_ACCEPT)
async def unrequested_server_no_context_takeover_is_accepted(incoming: Incoming) -> None:
    """A server may give up context takeover without being asked; the client accepts this and has nothing to change."""
    require_offered(incoming, "server_no_context_takeover", offered=False)
    response = response_with(incoming, acceptance_with(incoming, "server_no_context_takeover"))
    _, opened = await is_opened(incoming, response)
    incoming.depart_if(not opened, "fails the connection over server_no_context_takeover")


@case("7692-7.1.1.2-3", "7692-7.1.1.2-2", hint="accept this parameter whether or not you offered it")
async def unrequested_client_no_context_takeover_is_accepted(incoming: Incoming) -> None:
    """A server may forbid the client context takeover even if the client did not offer to give it up."""
    require_offered(incoming, "client_no_context_takeover", offered=False)
    answer = acceptance_with(incoming, "client_no_context_takeover")
    await incoming.expect_open(response_with(incoming, answer))


@case("7692-5-15", "7692-7.1.2.1-6", hint=_ACCEPT)
@each(bits=WINDOW_BITS)
async def unrequested_server_max_window_bits_is_accepted(incoming: Incoming, bits: int) -> None:
    """A server may announce a small window without being asked: an inflater with a larger window reads its messages."""
    require_offered(incoming, "server_max_window_bits", offered=False)
    answer = acceptance_with(incoming, f"server_max_window_bits={bits}")
    await incoming.expect_open(response_with(incoming, answer))


@case("7692-7-11")
@each(
    answer={
        "capitals": "Permessage-Deflate",
        "upper": DEFLATE.upper(),
        "parameter": f"{DEFLATE}; Server_No_Context_Takeover",
    }
)
async def names_in_other_letter_case_get_a_reaction(incoming: Incoming, answer: str) -> None:
    """The RFCs do not say whether names of extensions and parameters are case-sensitive; the choice is noted."""
    deflate_offers(incoming)
    _, opened = await is_opened(incoming, response_with(incoming, answer))
    incoming.choose(f"{answer} is {'accepted' if opened else 'rejected'}")
