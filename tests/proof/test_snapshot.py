"""The snapshot of the mutants' failures: its format, and how it is compared."""

from __future__ import annotations

import re

import pytest

from wsconform.fixtures.mutants.snapshot import SNAPSHOT, Snapshot, parse_snapshot, render_snapshot

IDS = {
    "b.Mutant-server": ["x.one", "x.two[0x3]", "x.two[0xB]", "x.two[0xC]"],
    "a.Mutant-client": ["x.one", "x.two[0x3]"],
}
FAILURES = {
    "b.Mutant-server": {"x.two[0xC]", "x.one", "x.two[0x3]"},
    "a.Mutant-client": {"x.two[0x3]"},
}
TEXT = """
["a.Mutant-client"]
"x.two" = "all"

["b.Mutant-server"]
"x.one" = "all"
"x.two" = ["0x3", "0xC"]
"""


def test_is_sorted_and_names_a_whole_family_once() -> None:
    head, _, tables = render_snapshot(FAILURES, IDS).partition("\n\n")
    assert "make proof-snapshot" in head
    assert "\n" + tables == TEXT


def test_is_read_as_it_was_written() -> None:
    snapshot = parse_snapshot(render_snapshot(FAILURES, IDS))
    assert {name: snapshot.claimed(name, ids) for name, ids in IDS.items()} == FAILURES
    assert "a.Mutant-client" in snapshot
    assert "a.Mutant-server" not in snapshot


def test_all_includes_members_that_are_added_later() -> None:
    assert parse_snapshot(TEXT).claimed("a.Mutant-client", ["x.two[0x4]", "x.three"]) == {"x.two[0x4]"}


def test_a_mutant_without_an_entry_claims_nothing() -> None:
    assert parse_snapshot(TEXT).claimed("c.Mutant-server", ["x.one"]) == frozenset()


def test_long_lists_are_wrapped() -> None:
    ids = [f"x.long[{'value' * 4}-{number:02}]" for number in range(20)]
    text = render_snapshot({"a.Mutant-server": ids[:19]}, {"a.Mutant-server": ids})
    assert max(map(len, text.splitlines())) <= 120
    assert parse_snapshot(text).claimed("a.Mutant-server", ids) == frozenset(ids[:19])


def test_labels_may_hold_any_character() -> None:
    ids = {"a.Mutant-server": ['x.one["quoted"]', "x.one[back\\slash]", "x.one[é[1]]", "x.one[other]"]}
    failures = {"a.Mutant-server": set(ids["a.Mutant-server"][:3])}
    snapshot = parse_snapshot(render_snapshot(failures, ids))
    assert snapshot.claimed("a.Mutant-server", ids["a.Mutant-server"]) == failures["a.Mutant-server"]


def test_stale_entries_are_named() -> None:
    ids = {"b.Mutant-server": ["x.two[0x3]", "x.two[0xB]"]}
    assert parse_snapshot(TEXT).stale(ids) == [
        "a.Mutant-client: there is no such mutant",
        "b.Mutant-server: no case x.one runs against it",
        "b.Mutant-server: x.two has no member [0xC]",
    ]
    assert parse_snapshot(TEXT).stale(IDS) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"x.one" = "all"', "x.one: expected a table"),
        ('["a.Mutant-client"]\n"x.one" = "some"', 'a.Mutant-client: x.one: expected "all" or a list of labels'),
        ('["a.Mutant-client"]\n"x.one" = [3]', 'a.Mutant-client: x.one: expected "all" or a list of labels'),
    ],
)
def test_rejects_a_file_of_another_form(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_snapshot(text)


def test_the_stored_snapshot_is_in_the_form_that_is_generated() -> None:
    text = SNAPSHOT.read_text(encoding="utf-8")
    snapshot = parse_snapshot(text)
    ids, failures = _with_one_more_member(snapshot)
    assert render_snapshot(failures, ids) == text


def _with_one_more_member(snapshot: Snapshot) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return ids and failures that `render_snapshot` renders as `snapshot`: families with labels have a member more."""
    ids: dict[str, list[str]] = {}
    failures: dict[str, list[str]] = {}
    for mutant, families in snapshot.failures.items():
        failures[mutant] = [
            family if labels is None else f"{family}[{label}]"
            for family, labels in families.items()
            for label in (sorted(labels) if labels is not None else ("",))
        ]
        ids[mutant] = failures[mutant] + [
            f"{family}[passes]" for family, labels in families.items() if labels is not None
        ]
    return ids, failures
