"""Status codes in a Close that the target receives: valid, invalid, and undefined ones (RFC 6455 section 7.4)."""

from __future__ import annotations

from wsconform import Closure, Connection, Frame, Role, case, each

from .replies import ACCUSING, expect_code_not_returned, expect_fair_reply

_HINT = "accept 1000-1003, 1007-1014 and 3000-4999 in a Close frame, refuse 1005, 1006, 1015 and what is below 1000"


@case("6455-7.4.1-1", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011))
async def code_of_the_protocol_is_accepted(ws: Connection, code: int) -> None:
    """The nine codes that section 7.4.1 allows in a Close frame are answered by a normal Close.

    The reply may have any code that is allowed. A target that replies with another 1002 or 1007, or without a Close,
    treats a valid code as an error. Only clients send 1010, so a client that refuses it from a server only departs.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    out_of_place = code == 1010 and ws.role is Role.SERVER and _is_refused(closure)
    ws.depart_if(out_of_place, f"1010, which only a client sends, is refused: {closure}")
    ws.expect(out_of_place or closure.close is not None, "a Close in reply to ours", str(closure), closure.entry)
    expect_fair_reply(ws, closure, closure.status_code if out_of_place else code)


@case("6455-7.4.2-3", hint=_HINT, reading="close-reply-codes")
@each(code=(1012, 1013, 1014))
async def code_registered_later_is_accepted(ws: Connection, code: int) -> None:
    """Codes that IANA registered after the RFC was published are answered like those of the RFC.

    A target that knows only the codes of 2011 replies with 1002 or drops the connection. That is a departure, since
    section 11.7 sets up the registry for new codes. A target that stalls over the code fails the case.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    ws.depart_if(_is_refused(closure), f"{code} is refused, as if the RFC of 2011 listed all codes: {closure}")


@case("6455-7.4.2-4", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(3000, 3001, 3003, 3008, 3500, 3998, 3999))
async def code_of_a_library_is_accepted(ws: Connection, code: int) -> None:
    """Codes from 3000 to 3999, registered or not, are answered by a normal Close.

    Both ends of the range are included: a target whose limit is off by one replies with 1002.
    """
    await ws.send(Frame.close(code))
    expect_fair_reply(ws, await ws.expect_close_reply(), code)


@case("6455-7.4.2-5", "6455-5.5.1-12", "6455-7.4-1", hint=_HINT, reading="close-reply-codes")
@each(code=(4000, 4001, 4096, 4500, 4998, 4999))
async def private_code_is_accepted(ws: Connection, code: int) -> None:
    """Codes from 4000 to 4999, which are for private use, are answered by a normal Close.

    Both ends of the range are included: a target whose limit is off by one replies with 1002.
    """
    await ws.send(Frame.close(code))
    expect_fair_reply(ws, await ws.expect_close_reply(), code)


@case("6455-7.4.1-10", hint="answer 1005, 1006 and 1015 with Close 1002, and never send them")
@each(code=(1005, 1006, 1015))
async def code_that_must_not_be_sent_is_not_sent_back(ws: Connection, code: int) -> None:
    """A code that no endpoint may send is an error when it is received, and is not sent back.

    APIs report these codes for connections that ended without one. A target that echoes every code
    sends the forbidden code itself.
    """
    await ws.send(Frame.close(code))
    expect_code_not_returned(ws, await ws.expect_ended(), code)


@case("6455-7.4.2-1", hint="answer codes below 1000 with Close 1002", reading="close-codes-without-a-meaning")
@each(code=(0, 1, 2, 255, 500, 998, 999))
async def code_below_every_range_is_not_sent_back(ws: Connection, code: int) -> None:
    """Codes from 0 to 999 are not used: they are refused, and never sent back.

    A target that reads the octets in the wrong order, or whose ranges are open at the lower end, accepts some of them.
    """
    await ws.send(Frame.close(code))
    expect_code_not_returned(ws, await ws.expect_ended(), code)


@case("6455-7.4.1-6", reading="close-codes-without-a-meaning")
async def reserved_1004_ends_the_connection(ws: Connection) -> None:
    """A Close with the reserved code 1004 ends the connection, whether the target refuses or accepts the code.

    The RFC forbids 1005, 1006 and 1015 in a Close frame, but not 1004.
    """
    await ws.send(Frame.close(1004))
    await ws.expect_ended()


@case("6455-7.4.2-2", reading="close-codes-without-a-meaning")
@each(code=(1016, 1017, 1099, 1100, 1999, 2000, 2998, 2999))
async def unassigned_code_ends_the_connection(ws: Connection, code: int) -> None:
    """A code that is reserved for future versions ends the connection, whether the target refuses or accepts it.

    A later specification may have assigned the code, so both a normal reply and 1002 are allowed. A target that
    does not handle the code at all stalls.
    """
    await ws.send(Frame.close(code))
    await ws.expect_ended()


@case("6455-7.4.2-6", reading="close-codes-without-a-meaning")
@each(code=(5000, 5001, 9999, 10000, 32768, 65535))
async def code_above_every_range_ends_the_connection(ws: Connection, code: int) -> None:
    """A code of 5000 or more ends the connection, whether the target refuses or accepts it.

    The RFC defines no range for such codes. 32768 and 65535 are negative if they are read as signed numbers;
    the target must not crash or stall.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_ended()
    refused = closure.close is None or closure.status_code in ACCUSING
    ws.choose("refuses codes from 5000 on" if refused else "accepts codes from 5000 on")


def _is_refused(closure: Closure) -> bool:
    return closure.close is None or closure.status_code in ACCUSING
