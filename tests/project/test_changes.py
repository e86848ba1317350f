"""News fragments: each file in `changes/` has a name that towncrier takes, and a sentence."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "changes"
NAME = re.compile(r"(?:\d+|\+[a-z0-9-]+)\.(?:verdict|feature|fix)(?:\.\d+)?\.md")


def test_fragments_have_a_number_and_a_kind() -> None:
    names = [path.name for path in FOLDER.iterdir() if path.name != "README.md"]
    assert [name for name in names if not NAME.fullmatch(name)] == []


def test_fragments_are_sentences() -> None:
    texts = {path.name: path.read_text(encoding="utf-8").strip() for path in FOLDER.glob("*.md")}
    assert [name for name, text in texts.items() if not text.endswith(".") and name != "README.md"] == []


def test_the_change_log_has_the_place_for_new_sections() -> None:
    assert "<!-- towncrier -->\n" in (FOLDER.parent / "CHANGELOG.md").read_text(encoding="utf-8")
