"""Status codes as they are received: which are fine, which are not, which are open (RFC 6455 section 7.4)."""

from __future__ import annotations

from wsconform import Closure, Connection, Frame, Role, case, each

from .replies import ACCUSING, expect_code_not_returned, expect_fair_reply

_HINT = "accept 1000-1003, 1007-1014 and 3000-4999 in a Close frame, refuse 1005, 1006, 1015 and what is below 1000"


@case("6455-7.4.1-1", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011))
async def code_of_the_protocol_is_accepted(ws: Connection, code: int) -> None:
    """The nine codes that section 7.4.1 defines for the wire are answered by a normal Close.

    Which code the reply has is free. 1002 or 1007 that is no echo gives away a target that takes a legal
    code for an error, a missing Close one that drops the connection over it. 1010 is a client's to send, so for a
    client that refuses it from a server this is a departure.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    out_of_place = code == 1010 and ws.role is Role.SERVER and _is_refused(closure)
    ws.depart_if(out_of_place, f"1010, which is not a server's to send, is refused: {closure}")
    ws.expect(out_of_place or closure.close is not None, "a Close in reply to ours", str(closure), closure.entry)
    expect_fair_reply(ws, closure, closure.status_code if out_of_place else code)


@case("6455-7.4.2-3", hint=_HINT, reading="close-reply-codes")
@each(code=(1012, 1013, 1014))
async def code_registered_later_is_accepted(ws: Connection, code: int) -> None:
    """Codes that IANA registered after the RFC are answered like those of the RFC.

    A target that stopped at the text of 2011 answers 1002 or drops the connection: a departure, since the registry
    of section 11.7 is where new codes come from. One that stalls over the code does not end at all.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    ws.depart_if(_is_refused(closure), f"{code} is refused, as in the text of 2011: {closure}")


@case("6455-7.4.2-4", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(3000, 3001, 3003, 3008, 3500, 3998, 3999))
async def code_of_a_library_is_accepted(ws: Connection, code: int) -> None:
    """Codes from 3000 to 3999, registered or not, are answered by a normal Close.

    Both ends of the range are there: a limit that is off by one shows as a 1002.
    """
    await ws.send(Frame.close(code))
    expect_fair_reply(ws, await ws.expect_close_reply(), code)


@case("6455-7.4.2-5", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(4000, 4001, 4096, 4500, 4998, 4999))
async def private_code_is_accepted(ws: Connection, code: int) -> None:
    """Codes from 4000 to 4999 are for private use and answered by a normal Close.

    Both ends of the range are there: a limit that is off by one shows as a 1002.
    """
    await ws.send(Frame.close(code))
    expect_fair_reply(ws, await ws.expect_close_reply(), code)


@case("6455-7.4.1-10", hint="answer 1005, 1006 and 1015 with Close 1002, and never send them")
@each(code=(1005, 1006, 1015))
async def code_banned_from_the_wire_is_not_sent_back(ws: Connection, code: int) -> None:
    """A code that an API reports and nobody may send is an error when it is received.

    The trap is a target that echoes whatever code it gets: the forbidden one is then on the wire again.
    """
    await ws.send(Frame.close(code))
    expect_code_not_returned(ws, await ws.expect_ended(), code)


@case("6455-7.4.2-1", hint="answer codes below 1000 with Close 1002", reading="undefined-close-codes")
@each(code=(0, 1, 2, 255, 500, 998, 999))
async def code_below_every_range_is_not_sent_back(ws: Connection, code: int) -> None:
    """Codes from 0 to 999 are not used: they are refused, and in no case sent back.

    0 and 1 are what a target reads that forgot the order of octets, 999 what an open range lets through.
    """
    await ws.send(Frame.close(code))
    expect_code_not_returned(ws, await ws.expect_ended(), code)


@case("6455-7.4.1-6", reading="undefined-close-codes")
async def reserved_1004_ends_the_connection(ws: Connection) -> None:
    """1004 is reserved without a meaning: to refuse it and to let it pass are both right, to hang is not.

    The RFC bans 1005, 1006 and 1015 from the wire and says no such thing of 1004.
    """
    await ws.send(Frame.close(1004))
    await ws.expect_ended()


@case("6455-7.4.2-2", reading="undefined-close-codes")
@each(code=(1016, 1017, 1099, 1100, 1999, 2000, 2998, 2999))
async def unassigned_code_ends_the_connection(ws: Connection, code: int) -> None:
    """A code that is reserved for future versions ends the connection, understood or not.

    A later specification may have assigned it, so both a normal reply and 1002 will do. A target that finds no
    branch for it does neither.
    """
    await ws.send(Frame.close(code))
    await ws.expect_ended()


@case("6455-7.4.2-6", reading="undefined-close-codes")
@each(code=(5000, 5001, 9999, 10000, 32768, 65535))
async def code_above_every_range_ends_the_connection(ws: Connection, code: int) -> None:
    """A code of 5000 and more belongs to no range; whichever way the target takes it, the connection ends.

    32768 is negative to a target that reads a signed number, 65535 is -1: neither may crash or stall it.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    refused = closure.close is None or closure.status_code in ACCUSING
    ws.choose("refuses codes from 5000 on" if refused else "takes codes from 5000 on for any other")


def _is_refused(closure: Closure) -> bool:
    return closure.close is None or closure.status_code in ACCUSING
