"""What an offer or an answer leaves out it promises: a window of 32768 octets, and takeover (RFC 7692 section 7.1)."""

from __future__ import annotations

from wsconform import Connection, Frame, Need, case, each
from wsconform.handshake import DEFLATE
from wsconform.result import Reason
from wsconform.session import Unreached
from wsconform.wire.bits import BlockWriter, Match
from wsconform.wire.frame import RSV1

from .distances import probe
from .negotiated import HELLO, HELLO_AGAIN

_WHOLE_WINDOW = "where nothing is agreed about our window, keep 32768 octets of what was inflated, over messages too"

#: Octets that a reference repeats.
_LENGTH = 24


def _require_window(ws: Connection, octets: int) -> None:
    """Go on where we may refer `octets` back; else Unreached."""
    extension = ws.conversation.deflate
    value = extension.get(f"{ws.role.value}_max_window_bits") if extension else None
    if value is not None and value.isdecimal() and octets > 1 << int(value[:2]):
        raise Unreached(Reason.NOT_OFFERED, f"a window of {value} bits is agreed for us")


def _require_takeover(ws: Connection) -> None:
    """Go on where we may take our window over; else Unreached."""
    extension = ws.conversation.deflate
    if extension is not None and extension.get(f"{ws.role.value}_no_context_takeover") is not None:
        raise Unreached(Reason.NOT_OFFERED, "it is agreed that we do without context takeover")


@case("7692-7.1.2.2-7", "7692-7.1.2.1-4", "7692-5-4", offer=DEFLATE, needs=Need.ECHO, hint=_WHOLE_WINDOW)
@each(distance=(256, 512, 1024, 2048, 4096, 8192, 16384, 32767, 32768))
async def reference_is_read_as_far_back_as_the_window_goes(ws: Connection, distance: int) -> None:
    """Where no smaller window is agreed, a reference up to 32768 octets back is read; else up to the agreed window.

    zlib never refers back quite so far, so that only a message made by hand finds a window that is too small.
    """
    _require_window(ws, distance)
    text = probe()[0][:distance]
    message = BlockWriter().stored(text).fixed(Match(_LENGTH, distance)).message()
    await ws.send(Frame.text(message, rsv=RSV1))
    await ws.expect_echo(Frame.text(text + text[:_LENGTH]))


@case("7692-7.1.2.2-7", "7692-7.1.2.1-4", "7692-5-4", offer=DEFLATE, needs=Need.ECHO, hint=_WHOLE_WINDOW)
@each(distance=(512, 4096, 32768))
async def reference_into_an_earlier_message_is_read_as_far_back(ws: Connection, distance: int) -> None:
    """The window goes on over messages: a reference as far back as it goes may lead into an earlier one."""
    _require_window(ws, distance)
    _require_takeover(ws)
    text = probe()[0][:distance]
    await ws.send(Frame.text(BlockWriter().stored(text).message(), rsv=RSV1))
    await ws.send(Frame.text(BlockWriter().fixed(Match(_LENGTH, distance)).message(), rsv=RSV1))
    await ws.expect_echo(Frame.text(text), Frame.text(text[:_LENGTH]))


@case(
    "7692-7.1.1.2-4",
    "7692-7.1.1.1-6",
    offer=DEFLATE,
    needs=Need.ECHO,
    hint="keep the window from message to message, unless it is agreed that the other end does without takeover",
)
@each(between={"nothing": (), "plain_text": (Frame.text("World"),), "ping": (Frame.ping(b"ping"),)})
async def message_may_refer_to_the_one_before(ws: Connection, between: tuple[Frame, ...]) -> None:
    """Where nothing is agreed about takeover for us, a message may refer to the one before: "Hello" twice.

    A target that begins each message with an empty window has nothing there that the second one could mean.
    """
    _require_takeover(ws)
    await ws.send(Frame.text(HELLO, rsv=RSV1), *between, Frame.text(HELLO_AGAIN, rsv=RSV1))
    texts = [frame for frame in between if not frame.is_control]
    await ws.expect_echo(Frame.text("Hello"), *texts, Frame.text("Hello"))
