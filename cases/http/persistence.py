"""Several requests on one connection: later requests, and an announced end (RFC 9112 section 9)."""

from __future__ import annotations

from wsconform import Answer, HttpConnection, Opening, case, each

from .steps import (
    BAD_HANDSHAKES,
    Change,
    accept_if_switched,
    announces_close,
    exchange_refused,
    expect_http_or_end,
    expect_reaction,
    ordinary_request,
)


@case("9112-9.3-2", reading="connection-after-a-refusal")
@each(change=BAD_HANDSHAKES)
async def connection_stays_http_or_ends_after_a_refused_handshake(opening: Opening, change: Change) -> None:
    """After a refused handshake the connection ends or still speaks HTTP: a correct handshake gets 101 or no answer."""
    first, wire = await exchange_refused(opening, change)
    opening.note("first answer", first)
    good = opening.fresh_request()
    second, _ = await opening.exchange(good, wire=wire)
    expect_http_or_end(opening, first, second, good)
    accept_if_switched(opening, second, wire, good)


@case(
    "6455-7.2.2-2",
    reading="connection-after-a-refusal",
    hint="after a refusal close, or answer later requests in order",
)
@each(change=BAD_HANDSHAKES)
async def request_behind_a_refused_handshake_is_not_read_as_frames(opening: Opening, change: Change) -> None:
    """A GET sent right after a bad handshake is answered as HTTP, in order, or the connection ends.

    A target that treats the connection as open after its own error response reads "GET " as a frame header.
    """
    other = ordinary_request(opening, b"/wsconform-other-path").encode()
    first, wire = await exchange_refused(opening, change, tail=other)
    opening.note("first answer", first)
    expect_http_or_end(opening, first, await wire.answer())


@case("9112-9.3-3", hint="accept a handshake as a later request on a persistent connection")
async def handshake_may_be_the_second_request(opening: Opening) -> None:
    """A handshake after an ordinary request and its response on the same connection is accepted."""
    with opening.arranging("an ordinary GET"):
        first, wire = await opening.exchange(ordinary_request(opening))
        expect_reaction(opening, first, "an ordinary GET")
    opening.note("first answer", first)
    second, _ = await opening.exchange(wire=wire)
    _expect_upgrade_or_closed(opening, wire, first, second)


@case("9112-9.3.2-1", hint="answer pipelined requests in the order in which they arrived")
async def request_before_the_handshake_is_answered_first(opening: Opening) -> None:
    """A request pipelined before a handshake is answered first.

    A parser that looks for Upgrade first answers 101 at once.
    """
    with opening.arranging("an ordinary GET"):
        alone, _ = await opening.exchange(ordinary_request(opening))
        expect_reaction(opening, alone, "an ordinary GET")
    first, wire = await opening.exchange(ordinary_request(opening), tail=opening.request.encode())
    expect_reaction(opening, first, "two requests in one segment")
    opening.expect(not first.accepted, "the answer to the ordinary GET first", str(first), first.entry)
    opening.note("first answer", first)
    _expect_upgrade_or_closed(opening, wire, first, await wire.answer())


def _expect_upgrade_or_closed(opening: Opening, wire: HttpConnection, first: Answer, second: Answer) -> None:
    """Expect `second` to accept the handshake, unless `first` announced the end; an unannounced end departs."""
    if second.head is None and second.ending is not None:
        after = (
            "after the first response, without an announcement"
            if first.head
            else "without a response to the first request"
        )
        opening.depart_if(not announces_close(first.head), f"the connection ends {after}")
        opening.note("after the first response", "closed")
        return
    opening.accept(second, wire, opening.request)


@case("9112-9.6-1", hint="close the connection after a response with Connection: close")
@each(change=BAD_HANDSHAKES)
async def connection_ends_after_an_announced_close(opening: Opening, change: Change) -> None:
    """A server that sends Connection: close in an error response ends the connection after it.

    Without that announcement the server may end the connection or leave it open.
    """
    first, wire = await exchange_refused(opening, change)
    announced = announces_close(first.head)
    opening.note("Connection: close", "sent" if announced else "not sent")
    ending = await wire.expect_end() if announced else first.ending
    opening.note("ended with", ending.value if ending else "nothing; the connection stays open")
    limit = f"{opening.session.limits.patience:g} s"
    opening.expect(not announced or ending is not None, "the connection to end", f"still open after {limit}")
