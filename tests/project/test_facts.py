"""Facts are fields: no module compares with, splits or searches a text that another module wrote for people."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("suite/wsconform", "cases", "reports")

#: Attributes that hold sentences for people: of findings, transcript entries, exceptions, samples and outcomes.
SENTENCES = frozenset({"observed", "summary", "words", "sentences", "problem", "title", "hint", "label"})

#: Methods and functions that look into a text.
SEARCHES = frozenset({
    "startswith", "endswith", "split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix", "find",
    "index", "match", "search", "fullmatch", "findall",
})  # fmt: skip

_PHRASE = re.compile(r"[a-z]{2,} [A-Za-z]{2,}")

#: Uses that do not read a fact: file and reason.
ALLOWED = {
    "suite/wsconform/serving/listener.py": "the reason of a failed TLS handshake is a text of OpenSSL",
    "reports/behaviour.py": "the steps of a behaviour are texts that this module itself makes",
}


def is_phrase(node: ast.expr) -> bool:
    """Return whether `node` is a literal of two or more words."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_PHRASE.search(node.value))


def is_sentence(node: ast.expr) -> bool:
    """Return whether `node` is an attribute that holds a sentence."""
    return isinstance(node, ast.Attribute) and node.attr in SENTENCES


def read_facts(tree: ast.AST) -> Iterator[int]:
    """Yield the lines on which a sentence is compared, split or searched, or a phrase is compared with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            literals = [each.value for each in sides if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if any(map(is_phrase, sides)) or (any(map(is_sentence, sides)) and any(literals)):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEARCHES:
            texts = [node.func.value, *node.args]
            if any(is_phrase(each) or is_sentence(each) for each in texts):
                yield node.lineno


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_reads_a_fact_out_of_a_sentence(folder: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in read_facts(ast.parse(path.read_text(encoding="utf-8")))
        if str(path.relative_to(ROOT)) not in ALLOWED
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "if entry.summary == 'our FIN': pass",
        "if 'not tested' in record.notes: pass",
        "if phrase.startswith('attempts disagree'): pass",
        "if entry.summary.split(' ')[-1] == 'FIN': pass",
        "found = PATTERN.search(result.finding.observed)",
    ],
)
def test_the_check_finds_such_code(code: str) -> None:
    assert list(read_facts(ast.parse(code))) != []


@pytest.mark.parametrize("code", ["if entry.kind is EntryKind.FIN: pass", "if not outcome.problem: pass", "a == 'fin'"])
def test_the_check_ignores_other_code(code: str) -> None:
    assert list(read_facts(ast.parse(code))) == []
