"""Renders the pages of a report from its values with the Jinja templates of this package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from wsconform import escape
from wsconform.evidence.result import Mark
from wsconform.journal.tally import headline, mark_counts, mark_words, passed_of_run

from ..badge import badge, markdown, svg
from ..columns import Column, Gathered
from . import behaviours, changes, disagreements, findings, lenses, marks, matrix, views
from .addresses import Addresses, SingleAddresses
from .pack import Packer

# Lines that templates leave empty. Preformatted text is safe: its line ends are character references.
_GAPS = re.compile(r"\n(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One page: its path in a site, its id in a single file, its title, and the markup of its body."""

    path: str
    id: str
    title: str
    body: Markup


@dataclass(frozen=True, slots=True)
class BadgeView:
    """A badge for a page: its picture, and the Markdown that shows it elsewhere."""

    picture: Markup
    markdown: str


def text(name: str) -> str:
    """Return the text of a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _finalize(value: object) -> Markup:
    """Escape a value for a page, so that control characters and markup in it are visible and have no effect."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else escape.html(str(value)))


def _block(lines: tuple[str, ...]) -> Markup:
    return Markup("&#10;".join(escape.html(line) for line in lines))


@cache
def environment() -> jinja2.Environment:
    """Return the templates. Every value passes through `escape.html`, and an undefined name is an error."""
    templates = jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(
        FORMS=views.FORMS,
        MARKS=list(marks.CLASSES.items()),
        Mark=Mark,
        bar=marks.bar,
        block=_block,
        css=marks.css,
        findings=findings.findings,
        headline=headline,
        mark_counts=mark_counts,
        mark_words=mark_words,
        passed_of_run=passed_of_run,
        short=marks.short,
    )
    return templates


def pages(gathered: Gathered, at: Addresses, packer: Packer | None) -> Iterator[ReportPage]:
    """Yield every page. `at` is set to the address of each page before it is rendered; `packer` stores transcripts."""

    def page(template: str, path: str, id: str, title: str, **values: object) -> ReportPage:
        at.depth = path.count("/")
        if isinstance(at, SingleAddresses):
            at.page = id
        body = environment().get_template(template).render(gathered=gathered, at=at, packer=packer, **values)
        return ReportPage(path, id, escape.shown(title), Markup(_GAPS.sub("\n", body)))

    def lens(name: str, title: str, **values: object) -> ReportPage:
        return page(f"{name}.html", f"{name}.html", name, title, **values)

    documents = lenses.by_requirement(gathered)
    yield lens("index", _title(gathered), areas=matrix.areas(gathered))
    yield lens("requirements", "Requirements", documents=documents)
    if len(gathered.columns) > 1:
        yield lens("disagreements", "Disagreements", split=disagreements.disagreements(gathered))
    if gathered.changes:
        yield lens("changes", "Changes", lens=changes.changes_view(gathered))
    for number, column in enumerate(gathered.columns):
        place = at.targets[column.name]
        values = _target(column, place) | {"tiles": lenses.strip(documents, number)}
        yield page("target.html", f"targets/{place}.html", f"t-{place}", column.name, **values)
    for each in documents:
        place = at.documents[each.id]
        yield page("document.html", f"documents/{place}.html", f"d-{place}", each.name, view=each)
    for family in gathered.families:
        place, view = at.families[family], behaviours.family_view(gathered, family)
        yield page("case.html", f"cases/{place}.html", f"c-{place}", view.title, view=view)


def _target(column: Column, place: str) -> dict[str, object]:
    target_badge = badge(column)
    return {
        "column": column,
        "badge": BadgeView(Markup(svg(target_badge)), markdown(target_badge, f"badge-{place}.svg")),
        "abilities": findings.abilities(column),
        "expected": [result for result in column.cases.values() if result.expected is not None],
        "skipped": findings.skipped(column),
        "strips": findings.area_strips(column),
    }


def _title(gathered: Gathered) -> str:
    if len(gathered.columns) == 1:
        return gathered.columns[0].name
    return f"{len(gathered.columns)} targets"
