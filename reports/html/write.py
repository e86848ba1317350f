"""Writes the pages of a report as the files of a site, or as a single file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from ..columns import Gathered
from .addresses import Addresses, SingleAddresses
from .pack import Packer
from .pages import environment, pages, text

_SITE_POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:"
_NO_FORMS = "; base-uri 'none'; form-action 'none'"


def _style(gathered: Gathered) -> str:
    """The style sheet with the number of columns, because the content security policy forbids inline styles."""
    return f"{text('style.css')}:root{{--n:{max(1, len(gathered.columns))}}}\n"


def write_site(gathered: Gathered, folder: Path) -> Path:
    """Write a site into `folder` and return its index. Raises OSError."""
    at = Addresses(gathered)
    shell = environment().get_template("shell.html")
    policy = _SITE_POLICY + _NO_FORMS
    for page in pages(gathered, at, None):
        at.depth = page.path.count("/")
        place = folder / page.path
        place.parent.mkdir(parents=True, exist_ok=True)
        document = shell.render(gathered=gathered, at=at, pages=[page], policy=policy, style="", script="", packs=())
        place.write_text(document, encoding="utf-8", newline="\n")
    (folder / "style.css").write_text(_style(gathered), encoding="utf-8", newline="\n")
    (folder / "script.js").write_text(text("script.js"), encoding="utf-8", newline="\n")
    return folder / "index.html"


def write_single(gathered: Gathered, path: Path) -> Path:
    """Write all pages into the file `path` and return `path`. Raises OSError."""
    at, packer = SingleAddresses(gathered), Packer()
    rendered = list(pages(gathered, at, packer))
    style, script = _style(gathered), text("script.js")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:{_NO_FORMS}"
    whole = (
        environment()
        .get_template("shell.html")
        .render(
            gathered=gathered,
            at=at,
            pages=rendered,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            packs=list(packer.texts()),
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(whole, encoding="utf-8", newline="\n")
    return path


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
