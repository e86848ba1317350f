"""The two rules for the end of a connection at a limit of the target's own."""

from __future__ import annotations

import pytest

from wsconform.endpoint.own_limit import limit_text, may_be_too_big, stops_a_volume

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    ("octets", "frames", "expected"),
    [(4095, 63, False), (4096, 1, True), (0, 64, True), (MEBIBYTE, 1, True)],
)
def test_1009_counts_from_4096_octets_or_64_frames_on(octets: int, frames: int, expected: bool) -> None:
    assert may_be_too_big(octets, frames) is expected


@pytest.mark.parametrize(
    ("code", "octets", "frames", "expected"),
    [
        (1009, 1, 1, True),
        (1008, MEBIBYTE - 1, 63, False),
        (1008, MEBIBYTE, 1, True),
        (1008, 64, 64, True),
        (None, MEBIBYTE, 1, True),
        (None, 4096, 1, False),
        (1002, MEBIBYTE, 1, False),
        (1002, MEBIBYTE, 64, True),
        (1007, MEBIBYTE, 64, False),
    ],
)
def test_other_ends_of_a_volume_count_from_a_mebibyte_or_64_frames_on(
    code: int | None, octets: int, frames: int, expected: bool
) -> None:
    assert stops_a_volume(code, octets, frames) is expected


def test_the_text_says_how_the_target_stopped() -> None:
    assert limit_text("Close 1009") == "the target stopped at a limit of its own: Close 1009"
    assert limit_text("RST", " after 3 messages") == "the target stopped at a limit of its own after 3 messages: RST"
