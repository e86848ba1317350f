"""Measure the project's English: how often its docstrings and comments use the words that the word rules restrict.

Run as `python -m tests.support.prose [PATH ...]`: prints one row per folder, occurrences per 1,000 words. With `-v` it
also prints every occurrence with its file and line.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: The folders that hold our own Python.
FOLDERS = ("suite/wsconform", "cases", "reports", "fixtures", "tests", "bench", "docs")

#: Each restricted usage, the pattern that finds it, and the most per 1,000 words that a folder may have.
USAGES: dict[str, tuple[re.Pattern[str], float]] = {
    "what": (re.compile(r"\bwhat\b", re.I), 0.6),
    "say": (re.compile(r"\b(?:say|says|said|saying)\b", re.I), 1.0),
    "tell": (re.compile(r"\b(?:tell|tells|told|telling)\b", re.I), 0.4),
    "where": (re.compile(r"\bwhere\b", re.I), 1.5),
    "put": (re.compile(r"\b(?:put|puts|putting)\b", re.I), 0.4),
    "is no": (re.compile(r"(?<!there )\b(?:is|are|was|were|be) no\b(?! (?:longer|more)\b)", re.I), 0.3),
    "none": (re.compile(r"\b(?:is|are|was|were|of) none\b(?! of\b)"), 0.1),
}

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
#: Code in backquotes is not English.
_CODE = re.compile(r"`[^`]*`")


@dataclass(frozen=True, slots=True)
class Passage:
    """One docstring or comment: its file, the number of its first line, and its text."""

    path: Path
    line: int
    text: str

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(_WORD.findall(self.text))


def passages(path: Path) -> Iterator[Passage]:
    """Yield the docstrings and comments of the Python file at `path`."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and isinstance(node.body[0], ast.Expr):
                yield Passage(path, node.body[0].lineno, _CODE.sub("", text))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Passage(path, token.start[0], _CODE.sub("", token.string.lstrip("#: ")))


def occurrences(passage: Passage) -> Iterator[tuple[str, int, str]]:
    """Yield each restricted usage in `passage`: its name, its line, and the text of that line."""
    for number, line in enumerate(passage.text.splitlines()):
        for name, (pattern, _) in USAGES.items():
            for _ in pattern.finditer(line):
                yield name, passage.line + number, line.strip()


def python_files(paths: Iterable[Path]) -> list[Path]:
    """Return the Python files at or below `paths`."""
    found = {file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))}
    return sorted(file for file in found if "node_modules" not in file.parts and ".venv" not in file.parts)


def rates(paths: Iterable[Path]) -> tuple[int, dict[str, float]]:
    """Return the number of words in the files at or below `paths`, and each usage's occurrences per 1,000 of them."""
    words, found = 0, Counter[str]()
    for path in python_files(paths):
        for passage in passages(path):
            words += passage.words
            found.update(name for name, _, _ in occurrences(passage))
    return words, {name: 1000 * found[name] / max(1, words) for name in USAGES}


def rooms() -> list[Path]:
    """Return the folders that are measured apart: each package of the engine, and each package beside it."""
    engine = ROOT / "suite/wsconform"
    inner = [path for path in sorted(engine.iterdir()) if path.is_dir() and any(path.glob("*.py"))]
    return [*inner, *(ROOT / name for name in FOLDERS[1:])]


def main(arguments: list[str]) -> int:
    """Print the table for the paths in `arguments`, or for every room; return 1 if any rate is over its limit."""
    verbose = "-v" in arguments
    paths = [Path(word).resolve() for word in arguments if word != "-v"] or rooms()
    print(f"{'':32}{'words':>7}" + "".join(f"{name:>8}" for name in USAGES))
    print(f"{'at most':32}{'':7}" + "".join(f"{limit:8.1f}" for _, limit in USAGES.values()))
    over = False
    for path in paths:
        words, found = rates([path])
        marks = [f"{found[name]:7.1f}{'*' if found[name] > limit else ' '}" for name, (_, limit) in USAGES.items()]
        over |= any(mark.endswith("*") for mark in marks)
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        print(f"{name:32}{words:7}" + "".join(marks))
        if verbose:
            for file in python_files([path]):
                for passage in passages(file):
                    for usage, line, text in occurrences(passage):
                        print(f"  {file.relative_to(ROOT)}:{line}: {usage}: {text}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
