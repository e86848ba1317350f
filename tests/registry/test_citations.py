"""Citations are checked against the texts of the RFCs: the locator, and the keyword of the level beside it.

Reads unaltered texts of the RFCs, named rfcNNNN.txt, from `../shared/rfc` beside the project or from the
folder in WSCONFORM_RFC_DIR. They are not part of the project; tests of a missing text are skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Actor, Document, Level, Observable, Requirement

REGISTRY = load_registry()
RFCS = [document for document in REGISTRY.documents if document.number]
LONGEST_LOCATOR = 12  # words; a locator finds a sentence, it does not copy it

KEYWORDS = {
    Level.MUST: re.compile(r"\b(MUST|SHALL|REQUIRED)\b(?! NOT\b)"),
    Level.MUST_NOT: re.compile(r"\b(MUST|SHALL) NOT\b"),
    Level.SHOULD: re.compile(r"\bSHOULD\b(?! NOT\b)|(?<!\bNOT )\bRECOMMENDED\b"),
    Level.SHOULD_NOT: re.compile(r"\b(SHOULD NOT|NOT RECOMMENDED)\b"),
    Level.MAY: re.compile(r"\b(MAY|OPTIONAL)\b"),
}

PAGE_BREAK = re.compile(
    r"""(?:\n[ ]*)*\n \S[^\n]*\[Page[ ]\d+\][ ]*   # the footer, and blank lines before it
    (?:[ ]*\n|\f)*                              # the form feed
    RFC[ ]\d+[ ][^\n]*\d{4}[ ]*                  # the header of the next page
    (?:\n[ ]*)*\n""",
    re.VERBOSE,
)
HEADING = re.compile(r"^(?:Appendix )?(\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)\.? +\S")
# RFC 1951 indents the headings of its subsections; elsewhere such a line is one of the table of contents.
INDENTED_HEADING = re.compile(r"^ *(\d+(?:\.\d+)+)\. +\S")
MARKER = re.compile(r"^ *(?:[o*-]|\d+\.|[a-z]\.|\(\d+\)|/\w/) +(?=\S)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a list item: its text on one line, and the column at which the text starts."""

    text: str
    indent: int


@dataclass(frozen=True, slots=True)
class Passage:
    """The text of a section, divided into blocks."""

    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return " ".join(block.text for block in self.blocks)

    def around(self, locator: str) -> str:
        """Return the text of the blocks that contain the locator, which occurs once in the passage."""
        start = self.text.index(locator)
        end, position, found = start + len(locator), 0, []
        for block in self.blocks:
            if position < end and start < position + len(block.text):
                found.append(block)
            position += len(block.text) + 1
        return " ".join(block.text for block in found)

    def introduction(self, locator: str) -> str:
        """Return the sentences that introduce the lists around the located block, the outermost list last."""
        start = self.text.index(locator)
        position, index = 0, 0
        while position + len(self.blocks[index].text) <= start:
            position += len(self.blocks[index].text) + 1
            index += 1
        indent, sentences = self.blocks[index].indent, []
        for block in reversed(self.blocks[:index]):
            if block.indent < indent:
                indent = block.indent
                sentences.append(re.split(r"(?<=[.:]) (?=[A-Z])", block.text)[-1])
        return " ".join(sentences)


def blocks(lines: list[str]) -> tuple[Block, ...]:
    """Divide lines into blocks at blank lines and before list markers."""
    groups: list[list[str]] = [[]]
    for line in lines:
        if not line.strip() or MARKER.match(line):
            groups.append([])
        if line.strip():
            groups[-1].append(line)
    return tuple(Block(" ".join(" ".join(group).split()), indentation(group[0])) for group in groups if group)


def indentation(line: str) -> int:
    match = MARKER.match(line)
    return match.end() if match else len(line) - len(line.lstrip())


def close_page_break(match: re.Match[str]) -> str:
    """Return the replacement for a page break: the paragraph goes on unless the page ends with a full stop or colon."""
    return "\n\n" if match.string[: match.start()].rstrip()[-1:] in ".:" else "\n"


@cache
def sections(document: Document) -> dict[str, Passage]:
    """Return the sections of an RFC by number; skips the test if the text is not available."""
    named = os.environ.get("WSCONFORM_RFC_DIR")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "rfc"
    path = folder / f"rfc{document.number}.txt"
    if named and not folder.is_dir():
        pytest.fail(f"WSCONFORM_RFC_DIR is {named}, which is not a folder")
    if not path.is_file():
        pytest.skip(f"{document.id} not checked: set WSCONFORM_RFC_DIR to a folder with {path.name} in it")
    lines = PAGE_BREAK.sub(close_page_break, path.read_text(encoding="utf-8").replace("\r", "")).split("\n")
    at_margin = any(re.match(r"\d+\.\d+", line) for line in lines)
    heading = HEADING if at_margin else re.compile(f"{HEADING.pattern}|{INDENTED_HEADING.pattern}")
    starts = [(match[match.lastindex or 0], at) for at, line in enumerate(lines) if (match := heading.match(line))]
    # A later heading replaces an earlier one of the same number, which was a line of the table of contents.
    return {
        number: Passage(blocks(lines[at + 1 : end]))
        for (number, at), (_, end) in pairwise([*starts, ("end", len(lines))])
    }


def passage(requirement: Requirement) -> Passage | None:
    """Return the text of the section, with its subsections if the locator is not in its own text."""
    texts = sections(requirement.document)
    own = texts.get(requirement.section)
    if own is None or requirement.locator in own.text:
        return own
    below = [text for number, text in texts.items() if number.startswith(f"{requirement.section}.")]
    return Passage(own.blocks + tuple(block for text in below for block in text.blocks))


def complaint(requirement: Requirement) -> str | None:
    """Return the error in a citation in a few words, or None."""
    locator = requirement.locator
    text = passage(requirement)
    if text is None:
        return "has no such section"
    if not locator:
        return "has no locator"
    if len(locator.split()) > LONGEST_LOCATOR:
        return f"has a locator of more than {LONGEST_LOCATOR} words"
    if (times := text.text.count(locator)) != 1:
        return f"has its locator {locator!r} {times} times"
    keyword = KEYWORDS.get(requirement.level)
    if keyword is None:
        return "is PROSE and needs no keyword_elsewhere" if requirement.keyword_elsewhere else None
    if requirement.keyword_elsewhere:
        return "has its keyword beside it after all" if keyword.search(text.around(locator)) else None
    if keyword.search(text.around(locator)) or keyword.search(text.introduction(locator)):
        return None
    return f"has no {requirement.level.value} beside {locator!r}"


@pytest.mark.parametrize("document", RFCS, ids=lambda document: document.id)
def test_every_citation_is_found_in_its_section(document: Document) -> None:
    cited = [requirement for requirement in REGISTRY.values() if requirement.document == document]
    found = {requirement.id: complaint(requirement) for requirement in cited}
    assert {id: problem for id, problem in found.items() if problem} == {}


@pytest.mark.parametrize("document", RFCS, ids=lambda document: document.id)
def test_every_supporting_section_exists(document: Document) -> None:
    texts = sections(document)
    refs = {ref for requirement in REGISTRY.values() for ref in requirement.refs}
    named = {ref.removeprefix(f"{document.prefix}-") for ref in refs if ref.startswith(f"{document.prefix}-")}
    assert named - texts.keys() == set()


def test_only_requirements_of_rfcs_have_locators() -> None:
    living = [requirement for requirement in REGISTRY.values() if not requirement.document.number]
    assert living
    assert [requirement.id for requirement in living if requirement.locator] == []


# The checks above depend on the parser of the texts, which is tested here with an invented text.

SPECIMEN = """RFC 99999                        A Specimen                   January 2000

   1.  Colours . . . . . . . . . . . . . . . . . . . . . . . . . . .   1
     1.1.  Shades  . . . . . . . . . . . . . . . . . . . . . . . . .   2

1.  Colours

   A painter MUST use blue and, where the light is bad on most days of
   the week, green.  Red is not needed.

   A painter SHOULD NOT do any of these:

   o  mix yellow into the sky, whatever the



Somebody                     Informational                      [Page 1]
\f
RFC 99999                        A Specimen                   January 2000


      season may be;

   o  paint at night.  A lamp MAY help.

1.1.  Shades

   Grey is REQUIRED, black NOT RECOMMENDED.
"""


@pytest.fixture
def specimen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    (tmp_path / "rfc99999.txt").write_text(SPECIMEN)
    monkeypatch.setenv("WSCONFORM_RFC_DIR", str(tmp_path))
    sections.cache_clear()
    yield Document("RFC99999", "A Specimen", "https://www.rfc-editor.org/rfc/rfc99999")
    sections.cache_clear()


@pytest.mark.parametrize(
    ("level", "locator", "problem"),
    [
        (Level.MUST, "use blue and", None),
        (Level.MUST, "Red is not needed", None),
        (Level.MUST_NOT, "use blue and", "has no MUST NOT beside 'use blue and'"),
        (Level.SHOULD, "yellow into the sky", "has no SHOULD beside 'yellow into the sky'"),
        (Level.SHOULD_NOT, "whatever the season may", None),
        (Level.SHOULD_NOT, "paint at night", None),
        (Level.MAY, "paint at night", None),
        (Level.MUST, "paint at night", "has no MUST beside 'paint at night'"),
        (Level.MUST, "A painter", "has its locator 'A painter' 2 times"),
        (Level.MUST, "purple", "has its locator 'purple' 0 times"),
        (Level.MUST, "", "has no locator"),
        (Level.MUST, "Grey is", None),
        (Level.SHOULD_NOT, "black NOT", None),
        (Level.SHOULD, "black NOT", "has no SHOULD beside 'black NOT'"),
        (Level.PROSE, "Red is", None),
    ],
)
def test_a_wrong_citation_is_detected(specimen: Document, level: Level, locator: str, problem: str | None) -> None:
    assert complaint(requirement_of(specimen, level, locator)) == problem


def test_a_missing_section_is_detected(specimen: Document) -> None:
    requirement = requirement_of(specimen, Level.MUST, "use blue and", section="2")
    assert complaint(requirement) == "has no such section"


def test_keyword_elsewhere_is_an_error_if_the_keyword_is_beside_the_locator(specimen: Document) -> None:
    excused = replace(requirement_of(specimen, Level.MUST, "use blue and"), keyword_elsewhere=True)
    assert complaint(excused) == "has its keyword beside it after all"
    assert complaint(replace(excused, level=Level.MAY)) is None


def test_a_long_locator_is_an_error(specimen: Document) -> None:
    copied = "A painter MUST use blue and, where the light is bad on most days"
    assert complaint(requirement_of(specimen, Level.MUST, copied)) == "has a locator of more than 12 words"


def requirement_of(document: Document, level: Level, locator: str, section: str = "1") -> Requirement:
    return Requirement(
        id=f"{document.number}-{section}-1",
        document=document,
        section=section,
        level=level,
        actor=Actor.ENDPOINT,
        observable=Observable.WIRE,
        category="framing",
        text="A paraphrase.",
        how="No stimulus.",
        locator=locator,
        roles=Actor.ENDPOINT.roles,
        errata=(),
        refs=(),
        same_as=(),
        autobahn=(),
        keyword_elsewhere=False,
    )
