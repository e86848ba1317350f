"""The documentation names existing commands, options, pages and cases; generated pages list every case."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from wsconform.catalogue.load import load_catalogue
from wsconform.cli import COMMANDS, wsconform
from wsconform.registry.registry import load_registry

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
by_name = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def commands_in(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of each wsconform command that `page` shows, in a code block or within a line."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console|yaml)?\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    inline = re.findall(r"(?<!`)`(wsconform [^`]+)`(?!`)", text)
    for line in (*lines, *inline):
        command = re.match(r"(?:\$ |run: )?(?:\S*/)?(wsconform(?: .*)?)$", line.strip())
        if command:
            yield shlex.split(command[1], comments=True)[1:]


def problem(words: list[str]) -> str:
    """Return the error in a command line, or "" if its command and options exist."""
    name, *rest = words
    if name.startswith("-"):
        return ""
    if name not in COMMANDS:
        return f"no command {name}"
    with click.Context(wsconform) as context:
        command = wsconform.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            command = command.commands.get(rest[0]) if rest and not rest[0].startswith("-") else command
            if command is None:
                return f"no command {name} {rest[0]}"
    known = {flag for parameter in command.params for flag in parameter.opts} | {"--help", "-h"}
    ours = rest[: rest.index("--")] if "--" in rest else rest
    given = [word.partition("=")[0] for word in ours if re.match(r"--?[a-z]", word)]
    return next((f"{name} has no option {flag}" for flag in given if flag not in known), "")


@by_name
def test_every_command_exists(page: Path) -> None:
    for words in commands_in(page):
        assert words, page
        assert problem(words) == "", f"{page.name}: wsconform {' '.join(words)}"


def test_commands_are_found_and_checked() -> None:
    assert sum(len(list(commands_in(page))) for page in PAGES) >= 40
    assert problem(["runn"]) == "no command runn"
    assert problem(["run", "--profil", "quick"]) == "run has no option --profil"
    assert problem(["serve", "--", "./driver", "--any"]) == ""


@by_name
def test_every_linked_page_and_picture_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text) + re.findall(r"\{(?:image|include)\} (\S+)", text)
    for link in linked:
        assert (page.parent / link).exists(), f"{page.name}: {link}"


#: A case id, or a pattern of case ids, in the text between backquotes.
_CASE = re.compile(r"(?<![\w./-])[a-z0-9_]+(?:\.[a-z0-9_*]+)+(?:\[[^\]`]*\])?")

#: The name of a case or of its parameters without the module: words joined by underscores.
_BARE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+){3,}")

#: Names of the same form that belong to permessage-deflate.
_PARAMETERS = {f"{side}_{name}" for side in ("server", "client") for name in ("max_window_bits", "no_context_takeover")}


def test_every_case_in_the_documentation_exists() -> None:
    """Whole ids, families, patterns, and names without their module."""
    ids = {entry.id for entry in load_catalogue()}
    families = {id.partition("[")[0] for id in ids}
    names = {family.rpartition(".")[2] for family in families} | set(re.findall(r"[a-z0-9_]+", " ".join(ids)))
    areas = {id.partition(".")[0] for id in ids}
    pages = [*PAGES, ROOT / "bench" / "README.md", *sorted((ROOT / "docs" / "readings").glob("*.md"))]
    unknown = []
    for page in pages:
        for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
            for id in _CASE.findall(code):
                parts = id.replace("[", "[[]").split(".")
                if id.partition(".")[0] in areas and not any(
                    fnmatch.filter(known, ".".join(parts)) or fnmatch.filter(known, ".".join(parts) + ".*")
                    for known in (ids, families)
                ):
                    unknown.append(f"{page.name}: {id}")
            if _BARE.fullmatch(code) and code not in names | _PARAMETERS:
                unknown.append(f"{page.name}: {code}")
    assert unknown == []


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalogue_pages", ROOT / "docs/extension/catalogue_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_have_every_family_and_every_requirement(tmp_path: Path) -> None:
    generator().write(tmp_path)
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "generated").rglob("*.md"))
    labels = set(re.findall(r"^\(case-(\S+)\)=$", text, re.M))
    assert labels == {entry.family for entry in load_catalogue()}
    assert set(re.findall(r"\(#case-([^)]+)\)", text)) <= labels
    assert all(f"<code>{id}</code>" in text.replace("\\", "") for id in load_registry())


def test_a_generated_page_lists_the_cases_of_each_reading(tmp_path: Path) -> None:
    generator().write(tmp_path)
    text = (tmp_path / "generated" / "readings.md").read_text(encoding="utf-8")
    listed = generator().cases_by_reading(load_catalogue())
    assert re.findall(r"^## \[([^\]]+)\]", text, re.M) == sorted(listed)
    assert "invalid-keys" in listed
    assert all(f"(#case-{family})" in text for families in listed.values() for family in families)
