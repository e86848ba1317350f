"""Real implementations, in their current versions: what we accuse them of is what has been read and found to stand.

The list below names, for each, the families at which it is known to violate or to depart, each looked at with the
sentence that it cites (docs/readings/findings.md). Anything beyond it is a new accusation, which has to be read first.
Packages are installed by name into a cached folder; WSCONFORM_REQUIRE_TARGETS makes a missing one a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command import wsconform
from wsconform.catalogue import matches
from wsconform.fixtures.targets import Unavailable, find, launch, prepare
from wsconform.journal import read
from wsconform.result import Mark, Reason, Verdict

pytestmark = pytest.mark.targets

#: What frames mean, for all; the opening handshake depends on the HTTP library below and changes with it.
CHOICE = ("closing.*", "control.*", "fragmentation.*", "framing.*", "masking.*", "utf8.*")

ASYNC = ("closing.tcp.tcp_is_closed_cleanly_with_frames_in_flight*",)
WSPROTO = (
    "fragmentation.assembly.control_frame_inside_a_compressed_message_disturbs_nothing",
    "closing.codes.code_registered_later_is_accepted[1014]",
)
KNOWN: dict[str, tuple[str, ...]] = {
    "websockets": ("closing.handshake.close_inside_a_message_is_answered*",),
    "aiohttp": ("masking.wrongly_masked_*", "closing.codes.code_banned_from_the_wire_is_not_sent_back*", *ASYNC),
    "tornado": (
        "masking.wrongly_masked_*",
        "framing.opcodes.unknown_opcode_without_fin_fails_the_connection*",
        "closing.codes.code_banned_from_the_wire_is_not_sent_back*",
        "closing.codes.code_below_every_range_is_not_sent_back*",
        *ASYNC,
    ),
    "uvicorn-wsproto": (*WSPROTO, *ASYNC),
    "hypercorn": (*WSPROTO, *ASYNC),
    "autobahn": ("closing.codes.code_registered_later_is_accepted[1014]", *ASYNC),
    "ws": ASYNC,
    "silent": ("closing.handshake.close_inside_a_message_is_answered*",),
    "greeter": ("closing.handshake.close_inside_a_message_is_answered*",),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_real_server_is_accused_of_what_stands(name: str, tmp_path: Path) -> None:
    required = os.environ.get("WSCONFORM_REQUIRE_TARGETS", "").split(",")
    try:
        prepare(find(name))
    except Unavailable as problem:
        if name in required or required == ["all"]:
            pytest.fail(f"{name} is required and cannot be had: {problem}")
        pytest.skip(f"{name} cannot be had here: {problem}; connect the package registry, or take it as not tested")
    with launch(find(name)) as running:
        words = [word for pattern in CHOICE for word in ("-c", pattern)]
        ended = wsconform("run", running.url, *words, folder=tmp_path)
    assert ended.code in (0, 1), ended.err
    (target,) = read(tmp_path / "wsconform-out" / "journal.jsonl").targets
    accused = [
        result.case
        for result in target.results
        if result.mark in (Mark.VIOLATION, Mark.DEPARTURE, Mark.SUITE_ERROR, Mark.NOT_REACHED)
        and result.reason is not Reason.LIMIT
        and not any(matches(pattern, result.case) for pattern in KNOWN[name])
    ]
    assert accused == [], "accusations that nobody has read"
    assert sum(result.verdict is Verdict.PASSED for result in target.results) > 500
