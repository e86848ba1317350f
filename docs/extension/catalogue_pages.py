"""Pages made of the catalogue and the registry: one for each area of cases, one for each document of requirements."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsconform.catalogue.case import Case, Item, binding
from wsconform.catalogue.load import catalogue_version, families_citing, load_catalogue
from wsconform.escape import markdown, markdown_code
from wsconform.registry.registry import Registry, load_registry
from wsconform.registry.requirement import Requirement, Role

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: Where the pages lie, below the documentation's folder; they are not kept.
FOLDER = "generated"

#: So many members of a family are named; the rest are counted.
_MOST = 12


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the pages written before anything is read."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)))
    return {"parallel_read_safe": True}


def write(docs: Path) -> None:
    """Write every page below `docs`, those that have not changed excepted, so that a build may be quick."""
    entries, registry = load_catalogue(), load_registry()
    pages = {"cases.md": _cases(entries), "requirements.md": _documents(registry)}
    for area, members in _by_area(entries).items():
        pages[f"cases/{area}.md"] = "\n".join(_area(area, members, registry))
    cited = families_citing(entries)
    for document, requirements in _by_document(registry).items():
        pages[f"requirements/{document}.md"] = "\n".join(_document(requirements, cited))
    for name, text in pages.items():
        path = docs / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _by_area(entries: Iterable[Item]) -> dict[str, list[Item]]:
    areas: dict[str, list[Item]] = {}
    for entry in entries:
        areas.setdefault(entry.id.partition(".")[0], []).append(entry)
    return dict(sorted(areas.items()))


def _by_document(registry: Registry) -> dict[str, list[Requirement]]:
    documents: dict[str, list[Requirement]] = {}
    for each in registry.values():
        documents.setdefault(each.document.id, []).append(each)
    return documents


def _tree(names: Iterable[str]) -> list[str]:
    return ["```{toctree}", ":maxdepth: 1", "", *names, "```", ""]


# --- cases


def _cases(entries: Sequence[Item]) -> str:
    areas = _by_area(entries)
    lines = [
        "# Cases",
        "",
        f"Catalogue {catalogue_version(entries)}: {len(entries)} cases and monitors in"
        f" {len({entry.family for entry in entries})} families. `wsconform list cases` has them all,"
        " `wsconform explain CASE` tells one.",
        "",
        *_tree(f"cases/{area}" for area in areas),
    ]
    return "\n".join(lines)


def _area(area: str, entries: Sequence[Item], registry: Registry) -> Iterator[str]:
    yield f"# {area}\n"
    for family, group in itertools.groupby(entries, key=lambda entry: entry.family):
        yield from _family(family, list(group), registry)


def _family(family: str, members: Sequence[Item], registry: Registry) -> Iterator[str]:
    first = members[0]
    yield f"({_label(family)})="
    yield f"## {markdown(family.partition('.')[2])}\n"
    yield f"**{markdown(first.title)}** {markdown(first.why)}\n"
    for role in Role:
        if (needed := binding(first, role, registry)) is not None:
            yield f"- as a {role.value}: {_citation(needed)}: {markdown(needed.text)}"
    if len(members) > 1:
        names = ", ".join(markdown_code(member.id[len(family) :]) for member in members[:_MOST])
        more = f" and {len(members) - _MOST} more" if len(members) > _MOST else ""
        yield f"- {len(members)} members: {names}{more}"
    if isinstance(first, Case) and first.needs:
        yield f"- needs: {', '.join(sorted(need.name.lower() for need in first.needs))}"
    if first.hint:
        yield f"- hint: {markdown(first.hint)}"
    if isinstance(first, Case) and first.reading:
        yield f"- reading: [{first.reading}](../../readings/{first.reading}.md)"
    yield ""


def _label(family: str) -> str:
    return f"case-{family}"


def _citation(requirement: Requirement) -> str:
    return f"[{markdown(requirement.citation)}]({requirement.url})"


# --- requirements


def _documents(registry: Registry) -> str:
    lines = [
        "# Requirements",
        "",
        f"{len(registry)} statements, each with document, section and strength, whom it binds, and which cases put it.",
        "",
        *_tree(f"requirements/{document}" for document in _by_document(registry)),
    ]
    return "\n".join(lines)


def _document(requirements: Sequence[Requirement], cited: Mapping[str, list[str]]) -> Iterator[str]:
    document = requirements[0].document
    yield f"# {markdown(document.name)}\n"
    yield f"{markdown(document.title)}\n" if document.title != document.name else ""
    for section, group in itertools.groupby(requirements, key=lambda each: each.section):
        yield f"## {markdown(section)}\n"
        for each in group:
            yield from _requirement(each, cited.get(each.id, []))
        yield ""


def _requirement(each: Requirement, families: Sequence[str]) -> Iterator[str]:
    roles = ", ".join(sorted(role.value for role in each.roles))
    yield f"- {markdown_code(each.id)} **{each.level.words}** ({roles}) {markdown(each.text)}"
    if families:
        links = ", ".join(f"[{markdown(family)}](#{_label(family)})" for family in families)
        yield f"  Put by {links}."
    else:
        yield f"  *{'No case' if each.observable == 'wire' else 'Not observable on the wire'}.*"
