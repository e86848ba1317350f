"""The agreement bench: what counts as a difference, and which ruling explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.agreement import Difference, Ruling, Said, differences, markdown, rulings
from wsconform.autobahn.ids import Selected
from wsconform.catalogue.aliases import autobahn_cases

READINGS = Path(__file__).parents[2] / "docs" / "readings"


def entry(behavior: str, closing: str = "OK", code: int | None = 1000) -> dict[str, object]:
    """Return what an index says of a case."""
    return {"behavior": behavior, "behaviorClose": closing, "remoteCloseCode": code}


def difference(id: str, theirs: str, ours: str, target: str = "ws") -> Difference:
    """Return a difference; verdicts are written "FAILED/OK"."""
    (mine, my_closing), (other, other_closing) = theirs.split("/"), ours.split("/")
    return Difference(target, id, Said(mine, my_closing, None), Said(other, other_closing, None))


def test_verdicts_and_absent_ids_differ_and_codes_do_not() -> None:
    theirs = {
        "1.1.1": entry("OK"),
        "10.1.1": entry("OK"),
        "2.1": entry("OK", "UNCLEAN"),
        "9.1.1": entry("OK", code=None),
    }
    ours = {"1.1.1": entry("OK", code=1001), "10.1.1": entry("FAILED"), "2.1": entry("OK"), "3.1": entry("OK")}
    found = [(each.id, str(each.theirs), str(each.ours)) for each in differences("ws", theirs, ours)]
    assert found == [
        ("2.1", "OK/UNCLEAN", "OK/OK"),
        ("3.1", "MISSING", "OK/OK"),
        ("9.1.1", "OK/OK", "MISSING"),
        ("10.1.1", "OK/OK", "FAILED/OK"),
    ]


@pytest.mark.parametrize(
    ("fields", "explains"),
    [
        ({}, True),
        ({"ids": ("3.*",)}, False),
        ({"targets": ("w",)}, False),
        ({"targets": ("aiohttp", "w*")}, True),
        ({"theirs": "NON-STRICT/*"}, True),
        ({"theirs": "*/WRONG CODE"}, False),
        ({"ours": "OK/OK"}, True),
        ({"ours": "OK/WRONG*"}, False),
    ],
)
def test_a_ruling_is_about_ids_targets_and_verdicts(fields: dict[str, object], explains: bool) -> None:
    ruling = Ruling(**{"ids": ("6.4.*",), "why": "", **fields})  # type: ignore[arg-type]
    assert ruling.explains(difference("6.4.1", "NON-STRICT/OK", "OK/OK")) is explains


def test_every_ruling_is_about_ids_that_there_are_and_readings_that_can_be_read() -> None:
    ids = autobahn_cases()
    for ruling in rulings():
        assert all(Selected((pattern,)).of(ids) for pattern in ruling.ids), ruling
        assert ruling.why
        assert not ruling.reading or (READINGS / f"{ruling.reading}.md").is_file(), ruling.reading


def test_no_ruling_excuses_a_violation_that_only_the_older_suite_sees() -> None:
    """FAILED there and OK here is explained for named ids alone, with what the RFC says of them."""
    hidden = [difference(id, "FAILED/FAILED", "OK/OK") for id in autobahn_cases()]
    assert [each.id for each in hidden if any(ruling.explains(each) for ruling in rulings())] == ["2.10", "2.11"]


def test_tables_have_what_is_open_in_bold() -> None:
    found = [
        (difference("6.4.1", "NON-STRICT/OK", "OK/OK"), rulings()[1]),
        (difference("1.1.1", "OK/OK", "FAILED/OK"), None),
    ]
    lines = markdown([["ws", "2", "0", "1", "1", "0"]], found).splitlines()
    assert lines[2] == "| ws | 2 | 0 | 1 | 1 | 0 |"
    assert "([reading](readings/when-text-is-checked.md))" in lines[6]
    assert lines[7] == "| OK/OK | FAILED/OK | 1.1.1 | ws | **none** |"
