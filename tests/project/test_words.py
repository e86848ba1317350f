"""The project's English: words of its old dialect stay out of identifiers, messages, docstrings, templates and docs.

The rules are in CONTRIBUTING.md, "How we write". Exceptions are listed here with their reason.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prose import FOLDERS, ROOT, USAGES, rates, rooms

#: Words that no identifier has as a part, with the words to use instead.
IDENTIFIERS = {
    "told": "the value that is returned or printed",
    "said": "the value",
    "put": "run, send, or the field's verb",
    "made": "the thing that was made",
    "taken": "the thing, or elapsed for times",
    "wavers": "flaky",
    "leave": "skip, close, or the field's verb",
    "heed": "handle, watch",
    "heeds": "handles, watches",
    "whoever": "the actor",
}

#: Identifiers that may have such a part: (file, identifier) and the reason.
IDENTIFIER_EXCEPTIONS: dict[tuple[str, str], str] = {}

#: Words that are right in a sentence such as `test_a_folder_that_cannot_be_made`, and wrong as a name.
RIGHT_IN_SENTENCES = {"made", "taken", "leave", "put"}

#: Phrases that no text has.
PHRASES = {
    "is no": re.compile(r"(?<!there )\b(?:is|are) no\b(?! (?:longer|more)\b)", re.I),
    "that is none": re.compile(r"\b(?:that|which) (?:is|are) none\b|\bof none\b(?! of)", re.I),
    "told, heed, wavers": re.compile(r"\b(?:told|heeds?|heeded|wavers?|whoever)\b", re.I),
    "put to": re.compile(r"\bput (?:to (?:a|an|the|every|each)\b|again\b|it again\b|alone\b)", re.I),
    "the older suite": re.compile(r"\bolder suite\b", re.I),
}

#: Lines of text that may have such a phrase: a part of the line, and the reason.
PHRASE_EXCEPTIONS = {
    "thing think this those thought": "a list of frequent English words, as data to compress",
    'never "is no"': "the rule itself",
}

#: Folders and files of prose beside the Python sources.
PROSE = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "changes",
    "docs",
    "bench",
    "fixtures",
    "reports",
    "suite/wsconform/serving",
)
PROSE_SUFFIXES = {".md", ".html", ".js", ".css"}

#: This file names the words, and so does the one that counts them.
OWN = {"tests/project/test_words.py", "tests/support/prose.py"}


def sources() -> list[Path]:
    """Return our Python files."""
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if str(path.relative_to(ROOT)) not in OWN and "node_modules" not in path.parts]


def prose_files() -> list[Path]:
    """Return the files of prose, templates and scripts."""
    found: list[Path] = []
    for name in PROSE:
        path = ROOT / name
        found += (
            [path] if path.is_file() else [each for each in sorted(path.rglob("*")) if each.suffix in PROSE_SUFFIXES]
        )
    return [path for path in found if not {"generated", "node_modules", "targets"} & set(path.parts)]


def identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each name that the module at `path` defines, with its line."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each string and comment of the module at `path` line by line, code in backquotes left out."""
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            for number, line in enumerate(token.string.splitlines()):
                yield token.start[0] + number, re.sub(r"`[^`]*`", "", line)


def phrases(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    """Yield the place and text of each forbidden phrase in `lines` of the file at `path`."""
    for number, line in lines:
        if any(part in line for part in PHRASE_EXCEPTIONS):
            continue
        for name, pattern in PHRASES.items():
            if pattern.search(line):
                yield f"{path.relative_to(ROOT)}:{number}: {name}: {line.strip()}"


def test_identifiers_have_plain_names() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}; use {IDENTIFIERS[part]}"
        for path in sources()
        for line, name in identifiers(path)
        for part in name.lower().split("_")
        if part in IDENTIFIERS
        and not (part in RIGHT_IN_SENTENCES and name.count("_") > 2)
        and (str(path.relative_to(ROOT)), name) not in IDENTIFIER_EXCEPTIONS
    ]
    assert found == []


def test_strings_and_comments_are_plain() -> None:
    assert [each for path in sources() for each in phrases(path, texts(path))] == []


def test_documents_and_templates_are_plain() -> None:
    found = [
        each
        for path in prose_files()
        for each in phrases(path, iter(enumerate(path.read_text(encoding="utf-8").splitlines(), 1)))
    ]
    assert found == []


@pytest.mark.parametrize("room", rooms(), ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_and_comments_keep_the_rates(room: Path) -> None:
    """Occurrences per 1,000 words of restricted usages, in every room."""
    _, found = rates([room])
    over = {name: round(rate, 1) for name, rate in found.items() if rate > USAGES[name][1]}
    assert over == {}


def test_every_exception_is_needed() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in (*sources(), *prose_files()))
    assert [part for part in PHRASE_EXCEPTIONS if part not in text] == []
    names = {(str(path.relative_to(ROOT)), name) for path in sources() for _, name in identifiers(path)}
    assert [key for key in IDENTIFIER_EXCEPTIONS if key not in names] == []
