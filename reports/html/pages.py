"""From values to pages: the templates, and every page of a report in its order."""

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
from . import behaviours, disagreements, findings, lenses, marks, matrix, views
from . import changes as changed
from .addresses import Addresses, SingleAddresses
from .pack import Packer

# Lines that templates leave empty. No text is in danger: what keeps its lines has them as references.
_GAPS = re.compile(r"\n(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it is in a site, its id in a single file, its title, and the markup of its body."""

    path: str
    id: str
    title: str
    body: Markup


@dataclass(frozen=True, slots=True)
class Shown:
    """A badge, ready for a page: its picture, and the Markdown that shows it elsewhere."""

    picture: Markup
    markdown: str


def text(name: str) -> str:
    """Return a file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _finalize(value: object) -> Markup:
    """Escape every value on its way into a page, so that control characters and the like are seen, not obeyed."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else escape.html(str(value)))


def _block(lines: tuple[str, ...]) -> Markup:
    return Markup("&#10;".join(escape.html(line) for line in lines))


@cache
def environment() -> jinja2.Environment:
    """Return the templates: every value goes through `escape.html`, and a name that is not there is an error."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
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
    return made


def pages(gathered: Gathered, at: Addresses, packer: Packer | None) -> Iterator[Page]:
    """Yield every page; `at` is told where each lies before it is made. With a `packer` transcripts go there."""

    def page(template: str, path: str, id: str, title: str, **values: object) -> Page:
        at.depth = path.count("/")
        if isinstance(at, SingleAddresses):
            at.page = id
        body = environment().get_template(template).render(gathered=gathered, at=at, packer=packer, **values)
        return Page(path, id, escape.shown(title), Markup(_GAPS.sub("\n", body)))

    def lens(name: str, title: str, **values: object) -> Page:
        return page(f"{name}.html", f"{name}.html", name, title, **values)

    documents = lenses.by_requirement(gathered)
    yield lens("index", _title(gathered), areas=matrix.areas(gathered))
    yield lens("requirements", "Requirements", documents=documents)
    if len(gathered.columns) > 1:
        yield lens("disagreements", "Disagreements", split=disagreements.disagreements(gathered))
    if gathered.changes:
        yield lens("changes", "Changes", lens=changed.changed(gathered))
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
    made = badge(column)
    return {
        "column": column,
        "badge": Shown(Markup(svg(made)), markdown(made, f"badge-{place}.svg")),
        "can": findings.abilities(column),
        "expected": [result for result in column.cases.values() if result.expected is not None],
        "out": findings.out_of_reach(column),
        "strips": findings.area_strips(column),
    }


def _title(gathered: Gathered) -> str:
    if len(gathered.columns) == 1:
        return gathered.columns[0].name
    return f"{len(gathered.columns)} targets"
