"""Autobahn's groups about volume, 9, 12 and 13: the target receives at least the same from our cases."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from tests.autobahn.test_stimuli import STIMULI, VOLUMES, _frames
from tests.support.proof import run_cases
from wsconform.catalogue.aliases import AUTOBAHN
from wsconform.catalogue.case import Case, Profile
from wsconform.catalogue.load import load_catalogue
from wsconform.catalogue.selection import Selection
from wsconform.fixtures.reference import ReferenceServer
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.wire.frame import BINARY, CONTINUATION, RSV1, TEXT, Frame
from wsconform.wire.handshake import Extension, deflate_mirrored, parse_extensions

SIZES: Mapping[str, str] = STIMULI["volumes"]
OFFERS: Mapping[str, tuple[str, str]] = STIMULI["offers"]
ROWS: Mapping[str, tuple[int, int]] = STIMULI["rows"]

#: A received frame: opcode, FIN, reserved bits, length, and a hash of the payload.
Came = tuple[int, bool, int, int, int]


@dataclass
class Log:
    """The frames and the messages that a recording server received."""

    frames: list[Came] = field(default_factory=list)
    messages: list[tuple[int, bytes]] = field(default_factory=list)


def recorded(case: Case) -> Log:
    """Run `case` against the reference, and return the frames and messages that it received."""
    log = Log()

    class Recorder(ReferenceServer):
        """The reference, which records frames and messages."""

        async def on_data(self, frame: Frame) -> None:
            log.frames.append((frame.opcode, frame.fin, frame.rsv, len(frame.payload), hash(frame.payload)))
            await super().on_data(frame)

        async def on_message(self, opcode: int, payload: bytes) -> None:
            log.messages.append((opcode, payload))
            await super().on_message(opcode, payload)

    (result,) = run_cases([case], Recorder, heavy=True).values()
    assert result.verdict.name == "PASSED", result.finding
    return log


@functools.cache
def named() -> Mapping[str, Sequence[Case]]:
    """Return the cases of each id, in the order of the catalogue."""
    found: dict[str, list[Case]] = {}
    for entry in load_catalogue():
        for alias in entry.aliases:
            if isinstance(entry, Case) and alias.removeprefix(AUTOBAHN) in VOLUMES:
                found.setdefault(alias.removeprefix(AUTOBAHN), []).append(entry)
    return found


@pytest.mark.parametrize("id", SIZES)
def test_large_messages_arrive_in_the_same_frames(id: str) -> None:
    (case,) = named()[id]
    wanted = [(opcode, fin, rsv, len(payload), hash(payload)) for opcode, fin, rsv, payload in _frames(SIZES[id])]
    assert recorded(case).frames == wanted


@pytest.mark.parametrize(("id", "size"), [row for row in STIMULI["pieces"].items() if row[0] in SIZES])
def test_large_messages_are_sent_in_the_same_writes(id: str, size: int) -> None:
    (case,) = named()[id]
    assert case.parameters["write"] == size


@pytest.mark.parametrize("group", OFFERS)
def test_the_compression_offer_is_the_same(group: str) -> None:
    offers = {case.offer for row in ROWS for case in named()[f"{group}.{row}"]}
    assert offers == {OFFERS[group][1]}


@pytest.mark.parametrize(("group", "bits"), [("13.3", 9), ("13.4", 15), ("13.5", 9), ("13.6", 15)])
def test_a_client_is_requested_to_limit_its_window(group: str, bits: int) -> None:
    answer = _answer(group, "permessage-deflate; client_max_window_bits")
    assert answer is not None
    assert answer.get("client_max_window_bits") == str(bits)
    assert (answer.get("client_no_context_takeover") is not None) is (group in ("13.5", "13.6"))
    assert _answer(group, "permessage-deflate") is None


def test_a_client_with_several_offers_gets_the_preferred_answer() -> None:
    assert str(_answer("13.2", "permessage-deflate")) == "permessage-deflate; client_no_context_takeover"
    assert str(_answer("13.7", "permessage-deflate")) == "permessage-deflate; client_no_context_takeover"
    both = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9"
    assert str(_answer("13.7", "permessage-deflate; client_max_window_bits")) == both
    assert str(_answer("12.1", "permessage-deflate; client_max_window_bits")) == "permessage-deflate"


def _answer(group: str, offer: str) -> Extension | None:
    return deflate_mirrored(parse_extensions(OFFERS[group][1].encode()), parse_extensions(offer.encode()))


@pytest.mark.parametrize("group", OFFERS)
def test_the_short_variant_has_the_same_lengths_and_frames(group: str) -> None:
    for row, (length, most) in ROWS.items():
        few, _ = named()[f"{group}.{row}"]
        log = recorded(few)
        opcode = {"TEXT": TEXT, "BINARY": BINARY}[OFFERS[group][0]]
        assert [kind for kind, _ in log.messages] == [opcode] * 4
        assert [_length(*message) for message in log.messages] == [length] * 4
        assert len({payload for _, payload in log.messages}) == 4
        _check_frames(log.frames, most)


def _length(opcode: int, payload: bytes) -> int:
    return len(payload.decode()) if opcode == TEXT else len(payload)


def _check_frames(frames: Sequence[Came], most: int) -> None:
    for message in _messages(frames):
        rsv = [frame[2] for frame in message]
        assert rsv == [RSV1] + [0] * (len(message) - 1)
        if most:
            # Every frame is full except the last, which may be empty.
            assert [frame[3] for frame in message[:-1]] == [most] * (len(message) - 1)
            assert message[-1][3] < most
        else:
            assert len(message) == 1


def _messages(frames: Sequence[Came]) -> Iterator[list[Came]]:
    message: list[Came] = []
    for frame in frames:
        assert (frame[0] == CONTINUATION) is bool(message)
        message.append(frame)
        if frame[1]:
            yield message
            message = []
    assert not message


@pytest.mark.parametrize("id", ["12.1.1", "12.4.3", "13.1.2", "13.5.1"])
def test_the_long_variant_has_a_thousand_messages(id: str) -> None:
    """Lengths and frames are checked with the short variants."""
    _, many = named()[id]
    log = recorded(many)
    length = ROWS[id.rpartition(".")[2]][0]
    assert [_length(*message) for message in log.messages] == [length] * 1000
    # The data compresses well because it repeats; shorter messages repeat more often.
    assert len({payload for _, payload in log.messages}) > 100


@pytest.mark.parametrize("id", [f"{group}.{row}" for group in OFFERS for row in ROWS])
def test_short_and_long_variants_differ_only_in_number(id: str) -> None:
    few, many = named()[id]
    assert (few.parameters, few.offer) == (many.parameters, many.offer)
    assert (few.profile, many.profile) == (Profile.STANDARD, Profile.FULL)


@pytest.mark.parametrize(
    ("pattern", "profile", "count"),
    [
        ("autobahn:9.*", Profile.FULL, 54),
        ("autobahn:9.1.6", Profile.STANDARD, 1),
        ("autobahn:12.*", Profile.STANDARD, 90),
        ("autobahn:12.*", Profile.FULL, 180),
        ("autobahn:13.*", Profile.FULL, 252),
        ("autobahn:13.7.18", Profile.QUICK, 2),
    ],
)
def test_ids_of_autobahn_select_cases(pattern: str, profile: Profile, count: int) -> None:
    chosen = Selection(cases=(pattern,), profile=profile).select(load_catalogue(), Role.SERVER, load_registry())
    assert len(chosen) == count
