"""Full duplex: both ends may send at any time (RFC 6455 section 5.1)."""

from __future__ import annotations

from wsconform import Connection, Frame, Need, case, each


@case("6455-5.1-8", needs=Need.ECHO)
@each(octets={"10_octets": 10, "100_octets": 100})
async def messages_sent_before_reading_are_all_answered(ws: Connection, octets: int) -> None:
    """Two hundred messages that are sent before we read anything are all echoed, in order.

    A target that stops reading until its last echo has been fetched, or that buffers one message only, loses some.
    """
    messages = [Frame.text(f"{number}".rjust(octets, "-")) for number in range(200)]
    await ws.echo(*messages)


@case("6455-5.1-8", needs=Need.ECHO, alone=True, allow=10)
async def both_ends_send_at_once(ws: Connection) -> None:
    """Sixteen messages of 64 KiB are echoed while we are still sending: none is lost, and neither end blocks.

    We read while we send, so a target that reads and writes is never held up. The buffers between
    the two ends hold less than all of the messages.
    """
    messages = [Frame.binary(bytes((number,)) * 65536) for number in range(16)]
    await ws.echo(*messages)
