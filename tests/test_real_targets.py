"""Real implementations, in their current versions: what we accuse them of is what has been read and found to stand.

The list below names, for each, the families at which it is known to violate or to depart, each looked at with the
sentence that it cites (docs/readings/findings.md). Anything beyond it is a new accusation, which has to be read first.
Packages are installed by name into a cached folder; WSCONFORM_REQUIRE_TARGETS makes a missing one a failure, and
chooses those that `prepare all` leaves out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.command import wsconform
from wsconform.fixtures.targets import Unavailable, find, launch, prepare
from wsconform.journal import read
from wsconform.result import Mark, Reason, Verdict
from wsconform.selection import matches

pytestmark = pytest.mark.targets

#: What compressed data mean (docs/readings/findings-compression.md); the bombs go with the limits.
COMPRESSED = tuple(
    f"deflate.{module}.*"
    for module in (
        "offers",
        "answers",
        "measured",
        "rsv1",
        "mixing",
        "fragments",
        "blocks",
        "streams",
        "takeover",
        "windows",
        "text",
    )
)

#: What frames mean, for all; the opening handshake depends on the HTTP library below and changes with it.
CHOICE = ("closing.*", "control.*", "fragmentation.*", "framing.*", "masking.*", "utf8.*", *COMPRESSED)

#: Where zlib is asked for nothing but its output.
CUT = "deflate.streams.message_that_ends_inside_a_block_fails_the_connection*"
FINAL = (
    CUT,
    "deflate.blocks.blocks_behind_a_final_one_are_inflated*",
    "deflate.blocks.block_behind_a_final_one_may_refer_to_it",
    "deflate.blocks.window_goes_on_behind_a_final_block*",
)
#: Where one inflater serves a connection, and is deaf behind a final block.
DEAF = (
    *FINAL,
    "deflate.blocks.final_block_is_inflated*",
    "deflate.blocks.empty_message_is_delivered[empty_final_*",
)
LOST_BIT = (
    "deflate.mixing.control_frame_inside_a_compressed_message_changes_nothing*",
    "fragmentation.assembly.control_frame_inside_a_compressed_message_disturbs_nothing",
)
CONTROL_BIT = ("deflate.rsv1.control_frame_with_the_bit_*", "deflate.rsv1.close_with_the_bit_is_an_error*")
ASYNC = ("closing.tcp.tcp_is_closed_cleanly_with_frames_in_flight*",)
WSPROTO = ("closing.codes.code_registered_later_is_accepted[1014]", *LOST_BIT, *DEAF)
CONTINUATION_BIT = "deflate.rsv1.continuation_with_the_bit_fails_the_connection*"
#: What stands behind a final block is not read, whatever it is.
BEHIND = (
    "deflate.streams.reserved_block_type_fails_the_connection[behind_a_final_block]",
    "deflate.streams.octets_that_are_no_deflate_fail_the_connection[octets_behind_a_final_block]",
)
REGISTERED = tuple(f"closing.codes.code_registered_later_is_accepted[{code}]" for code in (1014, 1012, 1013))
#: Negotiation: offers that are not declined, or the handshake refused instead; offers behind them that are lost.
OFFERS, ANSWERS, MEASURED = "deflate.offers.", "deflate.answers.", "deflate.measured."
NO_WINDOW = (OFFERS + "window_of_the_server_that_is_none_*", OFFERS + "window_of_the_client_that_is_none_*")
REPEATED, LATER = OFFERS + "repeated_parameter_is_declined*", OFFERS + "later_offer_is_open_behind_a_bad_one*"
BAD_OFFERS = (
    OFFERS + "undefined_parameter_is_declined*",
    OFFERS + "value_against_the_definition_is_declined*",
    *NO_WINDOW,
    REPEATED,
)
FIRST = OFFERS + "first_offer_that_is_supported_is_taken*"
WINDOW_UNSAID = ANSWERS + "window_of_the_server_is_acknowledged*"
LARGEST_UNSAID = (WINDOW_UNSAID.replace("*", "[15-*"), LATER.replace("*", "[large_window]"))
SMALLEST_REFUSED = (
    MEASURED + "small_window_is_declined_or_kept[8]",
    ANSWERS + "window_of_the_server_may_be_offered[8]",
    ANSWERS + "window_of_the_client_may_be_offered[8]",
)
KNOWN: dict[str, tuple[str, ...]] = {
    "websockets": ("closing.handshake.close_inside_a_message_is_answered*", *DEAF),
    "aiohttp": (
        "masking.wrongly_masked_*",
        "closing.codes.code_banned_from_the_wire_is_not_sent_back*",
        *ASYNC,
        CUT,
        *FINAL[2:],
        *CONTROL_BIT,
        OFFERS + "value_against_the_definition_is_declined[server_window_missing]",
        *NO_WINDOW,
        REPEATED,
        LATER,
        *LARGEST_UNSAID,
    ),
    "tornado": (
        "masking.wrongly_masked_*",
        "framing.opcodes.unknown_opcode_without_fin_fails_the_connection*",
        "closing.codes.code_banned_from_the_wire_is_not_sent_back*",
        "closing.codes.code_below_every_range_is_not_sent_back*",
        *ASYNC,
        *LOST_BIT,
        *DEAF,
        *CONTROL_BIT,
        *BAD_OFFERS,
        LATER,
        FIRST,
        ANSWERS + "server_no_context_takeover_is_acknowledged*",
        WINDOW_UNSAID.replace("*", "[8-*"),
        *SMALLEST_REFUSED,
    ),
    "uvicorn-wsproto": (*WSPROTO, *ASYNC, *BAD_OFFERS, FIRST),
    "hypercorn": (*WSPROTO, *ASYNC, *BAD_OFFERS, FIRST),
    "autobahn": (REGISTERED[0], *ASYNC, *DEAF, *BAD_OFFERS, LATER, *SMALLEST_REFUSED),
    "ws": (*ASYNC, *FINAL, *BAD_OFFERS, LATER),
    "granian": (REGISTERED[0], "framing.reserved_bits.reserved_bit_of_a_close_frame_is_an_error*", *ASYNC),
    "faye-websocket": (*REGISTERED, *ASYNC, *DEAF, *BEHIND, *NO_WINDOW, *LARGEST_UNSAID),
    "websocket-node": (
        "masking.wrongly_masked_*",
        "closing.bodies.reason_that_is_not_utf8_is_an_error*",
        "closing.codes.code_banned_from_the_wire_is_not_sent_back*",
        *ASYNC,
    ),
    "bun": (
        *ASYNC,
        *FINAL,
        *BEHIND,
        "deflate.streams.invalid_code_fails_the_connection[length_code_28*",
        "deflate.streams.impossible_dynamic_block_fails_the_connection[287_literal_codes]",
    ),
    "deno": (
        REGISTERED[0],
        "masking.wrongly_masked_*",
        "control.framing.ping_or_pong_of_more_than_125_octets_fails_the_connection*",
        "control.framing.control_frame_that_is_too_long_is_known_by_its_header[pong_126]",
        "fragmentation.order.first_fragment_inside_a_message_fails_the_connection*",
        "closing.failing.*[long_pong]",
        "utf8.messages.reassembled_text_is_checked*",
        *ASYNC,
    ),
    "gorilla": (
        REGISTERED[0],
        *ASYNC,
        *FINAL,
        *BEHIND,
        *CONTROL_BIT,
        CONTINUATION_BIT,
        *BAD_OFFERS,
        LATER,
        FIRST,
        WINDOW_UNSAID,
    ),
    "jetty": (
        "closing.bodies.reason_that_is_not_utf8_is_an_error*",
        *ASYNC,
        *DEAF,
        *BEHIND,
        *CONTROL_BIT,
        CONTINUATION_BIT,
        *BAD_OFFERS,
        LATER,
        FIRST,
        WINDOW_UNSAID,
        ANSWERS + "accepted_configuration_is_supported[server_takeover]",
        MEASURED + "server_starts_with_an_empty_window*",
        MEASURED + "window_of_the_server_is_kept[9_no_takeover]",
    ),
    "faye-ruby": (*REGISTERED, *ASYNC),
    "silent": ("closing.handshake.close_inside_a_message_is_answered*", CUT),
    "greeter": ("closing.handshake.close_inside_a_message_is_answered*", CUT),
}


#: Targets that take system packages or long downloads are tested where somebody asks for them by name.
REQUIRED = os.environ.get("WSCONFORM_REQUIRE_TARGETS", "").split(",")
CHOSEN = [name for name in KNOWN if not find(name).extra or name in REQUIRED]


#: Clients, of which two are enough: what is in each of the many is told in docs/readings/findings-clients.md.
CLIENTS: dict[str, tuple[str, ...]] = {
    "ws-client": ASYNC,
    "faye-client": (*REGISTERED, *ASYNC, "masking.wrongly_masked_*"),
}
CLIENT_CHOICE = ("closing.*", "control.*", "fragmentation.*", "framing.*", "masking.*", "utf8.*")


def prepared(name: str) -> None:
    """Prepare a target; skip the test where it cannot be had, or fail it where it is required."""
    try:
        prepare(find(name))
    except Unavailable as problem:
        if name in REQUIRED or REQUIRED == ["all"]:
            pytest.fail(f"{name} is required and cannot be had: {problem}")
        pytest.skip(f"{name} cannot be had here: {problem}; connect the package registry, or take it as not tested")


def accusations(folder: Path, known: tuple[str, ...]) -> list[str]:
    """Return the cases of the one journal in `folder` that accuse its target of what is not in `known`."""
    (target,) = read(folder / "wsconform-out" / "journal.jsonl").targets
    assert sum(result.verdict is Verdict.PASSED for result in target.results) > 500
    return [
        result.case
        for result in target.results
        if result.mark in (Mark.VIOLATION, Mark.DEPARTURE, Mark.SUITE_ERROR, Mark.NOT_REACHED)
        and result.reason is not Reason.LIMIT
        and not any(matches(pattern, result.case) for pattern in known)
    ]


def choice(patterns: tuple[str, ...]) -> list[str]:
    """Return the words that choose these cases."""
    return [word for pattern in patterns for word in ("-c", pattern)]


@pytest.mark.parametrize("name", CHOSEN)
def test_a_real_server_is_accused_of_what_stands(name: str, tmp_path: Path) -> None:
    prepared(name)
    with launch(find(name)) as running:
        ended = wsconform("run", running.url, *choice(CHOICE), folder=tmp_path)
    assert ended.code in (0, 1), ended.err
    assert accusations(tmp_path, KNOWN[name]) == [], "accusations that nobody has read"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_real_client_is_accused_of_what_stands(name: str, tmp_path: Path) -> None:
    prepared(name)
    start = [sys.executable, "-m", "wsconform.fixtures.targets", "start", name, "--url", "{url}", "--agent", "{agent}"]
    words = ["--port", "0", "--driver", "--agent", name, *choice(CLIENT_CHOICE)]
    ended = wsconform("serve", *words, "--", *start, folder=tmp_path)
    assert ended.code in (0, 1), ended.err
    assert accusations(tmp_path, CLIENTS[name]) == [], "accusations that nobody has read"
