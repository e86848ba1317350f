"""The ids of Autobahn: each names a case of ours, which sends the same frames as the case of Autobahn."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.proof import run_cases
from wsconform.catalogue.aliases import AUTOBAHN, ask_for_aliases, load_aliases
from wsconform.catalogue.case import Case, Item, Monitor, Sample
from wsconform.catalogue.load import load_catalogue, with_aliases
from wsconform.catalogue.selection import Selection, UnknownPattern
from wsconform.evidence.transcript import Conversation
from wsconform.fixtures.reference import ReferenceServer
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.wire.frame import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

STIMULI = tomllib.loads((Path(__file__).parent / "stimuli.toml").read_text(encoding="utf-8"))
FRAMES: Mapping[str, str] = STIMULI["frames"]
OPCODES = {"TEXT": TEXT, "BINARY": BINARY, "CONT": CONTINUATION, "CLOSE": CLOSE, "PING": PING, "PONG": PONG}

#: The number of ids in each group of Autobahn. There is no group 8; 9, 12 and 13 are about volume and compression.
GROUPS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "10": 1}

#: The ids of groups 9, 12 and 13, whose stimuli `test_volumes.py` checks.
VOLUMES = [*STIMULI["volumes"], *(f"{group}.{row}" for group in STIMULI["offers"] for row in STIMULI["rows"])]

#: Intended differences, by id: the Pings that our case sends and Autobahn does not.
DIFFERENT = dict.fromkeys(("6.4.1", "6.4.2"), "a Ping asks whether the target has failed, in place of a second's wait")

Sent = tuple[int, bool, int, bytes]


def _payload(text: str) -> bytes:
    head, _, tail = text.rpartition("+")
    octets, _, size = tail.partition("*")
    repeated = bytes.fromhex(octets)
    whole = (repeated * (int(size) // len(repeated) + 1))[: int(size)] if size else repeated
    return bytes.fromhex(head) + whole


def _frames(text: str) -> Iterator[Sent]:
    """Read a row of `older_stimuli.toml`."""
    for part in filter(None, text.split("; ")):
        matched = re.fullmatch(r"(?:(\d+) x )?(0x[0-9A-F]|[A-Z]+)(-?)(?:/(\d))?(?: (\S+))?", part)
        assert matched, part
        count, name, open_ended, rsv, payload = matched.groups()
        opcode = OPCODES[name] if name in OPCODES else int(name, 16)
        yield from [(opcode, not open_ended, int(rsv or 0), _payload(payload or ""))] * int(count or 1)


def sent_frame(frame: Frame) -> Sent:
    # Autobahn can send only frames with the shortest form of the length.
    assert frame.announced is None
    return (frame.opcode, frame.fin, frame.rsv if frame.is_minimal else -1, frame.payload)


@functools.cache
def named() -> Mapping[str, Case]:
    """Return the cases by id of Autobahn."""
    cases = [entry for entry in load_catalogue() if isinstance(entry, Case)]
    found = {alias.removeprefix(AUTOBAHN): case for case in cases for alias in case.aliases}
    return {id: case for id, case in found.items() if id in FRAMES}


@functools.cache
def stimuli() -> Mapping[str, Sequence[Sequence[Sent]]]:
    """Return the frames that each named case sends to the reference, by connection."""
    seen: dict[str, list[list[Sent]]] = {}

    def record(conversation: Conversation) -> Iterator[Sample]:
        seen.setdefault(conversation.case, []).append([sent_frame(frame) for frame in conversation.sent])
        return iter(())

    cases: list[Item] = list({case.id: case for case in named().values()}.values())
    recorder = Monitor(id="test.recorder", function=record, requirements=("6455-5.2-3",), title="Records.", why="")
    run_cases([*cases, recorder], ReferenceServer, heavy=True)
    return seen


def test_the_table_has_every_id() -> None:
    assert len(FRAMES) == 247
    assert {group: sum(id.startswith(f"{group}.") for id in FRAMES) for group in GROUPS} == GROUPS


def test_every_id_names_a_case() -> None:
    aliases = {alias.removeprefix(AUTOBAHN) for entry in load_catalogue() for alias in entry.aliases}
    assert len(aliases) == 517
    assert sorted(aliases) == sorted([*FRAMES, *VOLUMES])


@pytest.mark.parametrize("id", FRAMES)
def test_the_case_sends_the_same_frames(id: str) -> None:
    """The frames are the first of one connection, in the same order, with the same octets; more may follow."""
    wanted = list(_frames(FRAMES[id]))
    connections = [list(sent) for sent in stimuli()[named()[id].id]]
    if id in DIFFERENT:
        connections = [[frame for frame in sent if frame[0] != PING] for sent in connections]
    assert wanted in [sent[: len(wanted)] for sent in connections]


def test_listed_differences_exist() -> None:
    for id in DIFFERENT:
        wanted = list(_frames(FRAMES[id]))
        assert all(list(sent[: len(wanted)]) != wanted for sent in stimuli()[named()[id].id]), id


@pytest.mark.parametrize(("id", "size"), [row for row in STIMULI["pieces"].items() if row[0] in FRAMES])
def test_the_case_sends_the_frames_in_the_same_pieces(id: str, size: int) -> None:
    assert named()[id].parameters["pieces"] == (size,)


@pytest.mark.parametrize(("pattern", "count"), [("autobahn:7.1.5", 1), ("autobahn:10.*", 1), ("autobahn:2.*", 11)])
def test_ids_of_autobahn_select_cases(pattern: str, count: int) -> None:
    chosen = Selection(cases=(pattern,)).select(load_catalogue(), Role.SERVER, load_registry())
    assert len(chosen) == count


def test_a_pattern_without_a_colon_matches_our_ids_only() -> None:
    with pytest.raises(UnknownPattern):
        Selection(cases=("auto*",)).select(load_catalogue(), Role.SERVER, load_registry())


def test_aliases_are_read_only_for_patterns_with_a_colon() -> None:
    assert not ask_for_aliases(("framing.*", "closing.codes.*[1005]"))
    assert ask_for_aliases(("framing.*", "autobahn:1.*"))
    assert not any(entry.aliases for entry in load_catalogue(aliases=False))


def test_a_table_with_an_unknown_case_is_refused() -> None:
    with pytest.raises(ValueError, match=r"autobahn:\S+ refers to \S+, which does not exist"):
        with_aliases([], ["wsconform.cases"])


def test_a_package_without_a_table_has_no_aliases() -> None:
    assert load_aliases("wsconform.reports") == {}
