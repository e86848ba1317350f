"""What a client offers, and the answers that it has to take (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import DEFLATE, Incoming, Reason, Unreached, case, each

from .negotiated import WINDOWS
from .replies import EXTENSIONS, accepting, deflate_offers, is_opened, replying, require_offered

_TAKE = "a server may send this parameter whatever you offered; it asks nothing of you but what you can do"


@case("7692-5-1", hint="offer compression by the name permessage-deflate, as it is registered")
async def compression_is_offered_by_its_name(incoming: Incoming) -> None:
    """A client that offers compression names permessage-deflate in its Sec-WebSocket-Extensions, as it is registered.

    A list that cannot be read offers nothing, and a server may compare names with case.
    """
    field = _list_with_deflate(incoming)
    incoming.expect(bool(incoming.offers), "a list of extensions", field)
    incoming.depart_if(all(offer.name != DEFLATE for offer in incoming.offers), f"offers {field}")
    incoming.note("offers", field)
    await incoming.open()


def _list_with_deflate(incoming: Incoming) -> str:
    """Return the client's Sec-WebSocket-Extensions; Unreached where permessage-deflate is not in it."""
    field = b", ".join(incoming.request.fields.get_all(EXTENSIONS)).decode("latin-1")
    if DEFLATE not in field.lower():
        raise Unreached(Reason.NOT_OFFERED, "the client does not offer permessage-deflate")
    return field


@case("6455-9-3", "7692-5-5", hint="offer client_max_window_bits without a value, or with one of 8 to 15")
async def hint_about_the_client_window_is_one(incoming: Incoming) -> None:
    """A client may say which window it will use; what it says is nothing, or a number from 8 to 15."""
    values = [offer.get("client_max_window_bits") for offer in deflate_offers(incoming)]
    right = all(value in (None, "", *map(str, WINDOWS)) for value in values)
    incoming.expect(right, "client_max_window_bits without a value, or 8 to 15", str(values))
    told = ("absent" if value is None else value or "without a value" for value in values)
    incoming.note("client_max_window_bits", ", ".join(told))
    await incoming.open()


@case("7692-7.1.1.1-4", hint=_TAKE)
async def server_no_context_takeover_is_taken_unasked(incoming: Incoming) -> None:
    """A server may do without takeover though it was not asked to: nothing has to be done, and a client goes on."""
    require_offered(incoming, "server_no_context_takeover", offered=False)
    response = replying(incoming, accepting(incoming, "server_no_context_takeover"))
    _, opened = await is_opened(incoming, response)
    incoming.depart_if(not opened, "fails the connection over server_no_context_takeover")


@case("7692-7.1.1.2-3", "7692-7.1.1.2-2", hint="a server may send this whether or not you offered it")
async def client_no_context_takeover_is_taken_unasked(incoming: Incoming) -> None:
    """A server may forbid the client takeover though it did not offer to do without."""
    require_offered(incoming, "client_no_context_takeover", offered=False)
    await incoming.expect_open(replying(incoming, accepting(incoming, "client_no_context_takeover")))


@case("7692-5-15", "7692-7.1.2.1-6", hint=_TAKE)
@each(bits=WINDOWS)
async def window_of_the_server_is_taken_unasked(incoming: Incoming, bits: int) -> None:
    """A server may say that its window is small though it was not asked for it: a large one reads that as well."""
    require_offered(incoming, "server_max_window_bits", offered=False)
    await incoming.expect_open(replying(incoming, accepting(incoming, f"server_max_window_bits={bits}")))


@case("7692-7-11")
@each(
    answer={
        "capitals": "Permessage-Deflate",
        "upper": DEFLATE.upper(),
        "parameter": f"{DEFLATE}; Server_No_Context_Takeover",
    }
)
async def names_in_another_case_of_letters_get_a_reaction(incoming: Incoming, answer: str) -> None:
    """The RFCs do not say whether names of extensions and parameters are compared with case; the choice is noted."""
    deflate_offers(incoming)
    _, opened = await is_opened(incoming, replying(incoming, answer))
    incoming.choose(f"{answer} is {'taken' if opened else 'refused'}")
