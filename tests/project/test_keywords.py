"""Large values are built with keywords: a swapped pair of positional arguments once went unnoticed for months."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.prose import FOLDERS, ROOT

#: Most fields of a dataclass without `kw_only`, and most positional arguments of a constructor.
MOST_POSITIONAL = 4
MOST_ARGUMENTS = 5

#: Dataclasses with more fields that stay positional, and the reason.
EXCEPTIONS = {
    ("suite/wsconform/wire/frame.py", "Frame"): "opcode and payload are positional, the six others keyword-only",
    ("tests/support/scripted.py", "FarEnd"): "one stream is positional; the other fields have defaults",
    ("tests/proof/test_situations.py", "Situation"): "rows of a table",
    ("tests/commands/test_exit_codes.py", "Situation"): "rows of a table",
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and syntax tree of each of our modules."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_bytes())


def large_dataclasses(path: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield path and name of each dataclass that has more fields than may be positional, and is not `kw_only`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if not any("dataclass" in each for each in decorators) or any("kw_only=True" in each for each in decorators):
            continue
        fields = [
            each
            for each in node.body
            if isinstance(each, ast.AnnAssign)
            and "ClassVar" not in ast.unparse(each.annotation)
            and "init=False" not in ast.unparse(each)
        ]
        if len(fields) > MOST_POSITIONAL:
            yield path, node.name


def long_calls(path: str, tree: ast.Module) -> Iterator[str]:
    """Yield the place of each call of a class with more positional arguments than allowed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = str(getattr(node.func, "id", None) or getattr(node.func, "attr", ""))
            positional = [each for each in node.args if not isinstance(each, ast.Starred)]
            if name[:1].isupper() and len(positional) > MOST_ARGUMENTS:
                yield f"{path}:{node.lineno}: {name}"


def test_large_dataclasses_are_keyword_only() -> None:
    found = [each for path, tree in modules() for each in large_dataclasses(path, tree)]
    assert sorted(found) == sorted(EXCEPTIONS)


def test_no_constructor_gets_six_positional_arguments() -> None:
    assert [each for path, tree in modules() for each in long_calls(path, tree)] == []


def test_the_folders_are_read() -> None:
    assert Path(ROOT / FOLDERS[0]).is_dir()
    assert sum(1 for _ in modules()) > 300
