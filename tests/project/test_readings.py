"""Readings: every case's reading has a page, every page belongs to a case, and no page names a case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsconform.catalogue.case import Case
from wsconform.catalogue.load import load_catalogue

ROOT = Path(__file__).parents[2]
READINGS = ROOT / "docs" / "readings"

#: Pages of the folder that are not readings.
OTHERS = {"README", "findings", "findings-clients", "findings-compression"}
PAGES = sorted(path for path in READINGS.glob("*.md") if path.stem not in OTHERS)

#: Readings that no case names, and the reason.
WITHOUT_A_CASE = {"text-only-targets": "applies to every case that sends a binary message; run/judge.py implements it"}


def readings() -> set[str]:
    """Return the readings that cases name."""
    return {entry.reading for entry in load_catalogue() if isinstance(entry, Case) and entry.reading}


def test_the_reading_of_every_case_has_a_page() -> None:
    assert readings() - {page.stem for page in PAGES} == set()


def test_every_page_is_named_by_a_case_or_listed_with_a_reason() -> None:
    assert {page.stem for page in PAGES} - readings() == set(WITHOUT_A_CASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_names_a_case(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    families = {entry.family for entry in load_catalogue()}
    assert sorted(family for family in families if family in text) == []
    assert re.findall(r"[a-z0-9]+(?:_[a-z0-9]+){4,}", text) == []


def test_the_list_of_readings_links_every_page() -> None:
    linked = re.findall(r"^- \[[^\]]+\]\(([^)]+)\.md\)$", (READINGS / "README.md").read_text(encoding="utf-8"), re.M)
    assert sorted(linked) == [page.stem for page in PAGES]
