"""From values to files: the templates, a site of many pages, and the same pages in a single file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from wsconform import escape
from wsconform.result import Mark
from wsconform.tally import headline, mark_counts, mark_words, met_of_put

from ..gathered import Gathered
from . import lenses, views
from .addresses import Addresses, SingleAddresses
from .ladder import Row

_SITE_POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:"
_NO_FORMS = "; base-uri 'none'; form-action 'none'"
# Ladders of passes are packed together by so many; one pack is unpacked as a whole.
_PACK = 150


# Lines that templates leave empty. No text is in danger: what keeps its lines has them as references.
_GAPS = re.compile(r"\n(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it is in a site, its id in a single file, its title, and the markup of its body."""

    path: str
    id: str
    title: str
    body: Markup


@dataclass
class Packer:
    """Collects ladders that a single file opens on demand: JSON, deflated, in base64."""

    packs: list[list[Any]] = field(default_factory=list)

    def add(self, rows: tuple[Row, ...]) -> str:
        """Take a ladder and return "pack:place", by which the script finds it."""
        if not self.packs or len(self.packs[-1]) >= _PACK:
            self.packs.append([])
        self.packs[-1].append([_packed(row) for row in rows])
        return f"{len(self.packs) - 1}:{len(self.packs[-1]) - 1}"

    def texts(self) -> Iterator[str]:
        """The packs as text that may stand in a script element of no executable type."""
        for pack in self.packs:
            octets = json.dumps(pack, ensure_ascii=True, separators=(",", ":")).encode()
            deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
            yield base64.b64encode(deflater.compress(octets) + deflater.flush()).decode()


def _packed(row: Row) -> list[Any]:
    return [
        row.side,
        row.time,
        row.summary,
        row.connection,
        int(row.decided),
        row.fields,
        "\n".join(row.lines),
        "\n".join(row.dump),
    ]


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _finalize(value: object) -> Markup:
    """Escape every value on its way into a page, so that control characters and the like are seen, not obeyed."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else escape.html(str(value)))


def _block(lines: tuple[str, ...]) -> Markup:
    return Markup("&#10;".join(escape.html(line) for line in lines))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        MARKS=[(mark, views.CLASSES[mark]) for mark in Mark],
        Mark=Mark,
        bar=views.bar,
        block=_block,
        css=lambda mark: views.CLASSES[mark],
        headline=headline,
        mark_counts=mark_counts,
        mark_words=mark_words,
        met_of_put=met_of_put,
        short=views.short,
    )
    return environment


def _pages(gathered: Gathered, at: Addresses, packer: Packer | None) -> Iterator[Page]:
    """Yield every page; `at` is told where each lies before it is made."""

    def page(template: str, path: str, id: str, title: str, **values: object) -> Page:
        at.depth = path.count("/")
        if isinstance(at, SingleAddresses):
            at.page = id
        body = _environment().get_template(template).render(gathered=gathered, at=at, packer=packer, **values)
        return Page(path, id, escape.shown(title), Markup(_GAPS.sub("\n", body)))

    yield page("index.html", "index.html", "index", _title(gathered), areas=views.areas(gathered), views=views)
    yield page(
        "requirements.html",
        "requirements.html",
        "requirements",
        "Requirements",
        documents=lenses.by_requirement(gathered),
    )
    if len(gathered.columns) > 1:
        split = lenses.disagreements(gathered)
        yield page("disagreements.html", "disagreements.html", "disagreements", "Disagreements", split=split)
    for column in gathered.columns:
        place = at.targets[column.name]
        yield page("target.html", f"targets/{place}.html", f"t-{place}", column.name, column=column, views=views)
    for family in gathered.families:
        place, view = at.families[family], views.family_view(gathered, family)
        yield page("case.html", f"cases/{place}.html", f"c-{place}", family, view=view)


def _title(gathered: Gathered) -> str:
    if len(gathered.columns) == 1:
        return gathered.columns[0].name
    return f"{len(gathered.columns)} targets"


def _style(gathered: Gathered) -> str:
    """The style sheet, with the number of columns: a policy without inline styles has no other place for it."""
    return f"{_text('style.css')}:root{{--n:{max(1, len(gathered.columns))}}}\n"


def write_site(gathered: Gathered, folder: Path) -> Path:
    """Write a site into `folder` and return its index. Raises OSError."""
    at = Addresses(gathered)
    shell = _environment().get_template("shell.html")
    for page in _pages(gathered, at, None):
        at.depth = page.path.count("/")
        place = folder / page.path
        place.parent.mkdir(parents=True, exist_ok=True)
        policy = _SITE_POLICY + _NO_FORMS
        text = shell.render(gathered=gathered, at=at, pages=[page], policy=policy, style="", script="", packs=())
        place.write_text(text, encoding="utf-8", newline="\n")
    (folder / "style.css").write_text(_style(gathered), encoding="utf-8", newline="\n")
    (folder / "script.js").write_text(_text("script.js"), encoding="utf-8", newline="\n")
    return folder / "index.html"


def write_single(gathered: Gathered, path: Path) -> Path:
    """Write everything into the one file `path` and return it. Raises OSError."""
    at, packer = SingleAddresses(gathered), Packer()
    pages = list(_pages(gathered, at, packer))
    style, script = _style(gathered), _text("script.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:{_NO_FORMS}"
    text = (
        _environment()
        .get_template("shell.html")
        .render(
            gathered=gathered,
            at=at,
            pages=pages,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            packs=[Markup(text) for text in packer.texts()],
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
