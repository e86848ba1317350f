"""Parts of a single file that are opened on demand: trees of elements, as JSON, deflated, in base64.

What the templates make is taken apart into elements and texts, so that the script puts elements together and has
no markup to read. Ladders, which are most of it, are packed as their rows. Equal parts are kept once.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from markupsafe import Markup

from .ladder import Packed, Row

#: A text, an element (a list of its tag, its attributes, and what is in it), or a ladder (its rows, in a table).
Node = str | dict[str, str] | dict[str, list[list[Packed]]] | list["Node"]

# Parts are packed together up to so many characters; one pack is unpacked as a whole.
_PACK = 80_000
_VOID = frozenset({"br", "col", "input", "wbr", "rect"})
_TOKEN = re.compile(r"<(/?)([a-z][a-z0-9]*)([^<>]*)>|([^<]+)")
_ATTRIBUTE = re.compile(r'([a-z][a-z-]*)(?:="([^"]*)")?')
# Line ends of templates; what keeps its lines and blanks has them as references, or in one line.
_SPACE = re.compile(r"[ \t]*\n\s*")


def tree(markup: str, ladders: Sequence[list[list[Packed]]] = ()) -> list[Node]:
    """Return what `markup` of our templates is made of; ValueError if an element is not closed in its place.

    An element with the attribute data-rows has the rows of the ladder in that place of `ladders`.

    Values in it are escaped (a "<" or ">" of theirs is a reference), so that no more than tags has to be told.
    """
    top: list[Node] = []
    open_: list[tuple[str, list[Node]]] = [("", top)]
    for slash, tag, attributes, text in _TOKEN.findall(markup):
        inner = open_[-1][1]
        if text:
            told = _SPACE.sub(" ", text) if "\n" in text else text
            inner.append(html.unescape(told) if "&" in told else told)
        elif slash:
            if len(open_) == 1 or open_.pop()[0] != tag:
                raise ValueError(f"</{tag}> closes another element, or none")
        else:
            given = _given(attributes)
            element: list[Node] = [tag, given]
            if "data-rows" in given:
                element[1:] = [{"class": given["class"]}, {"rows": ladders[int(given["data-rows"])]}]
            inner.append(element)
            if tag not in _VOID:
                open_.append((tag, element))
    if len(open_) > 1:
        raise ValueError(f"<{open_[-1][0]}> is not closed")
    return top


@lru_cache(maxsize=4096)
def _given(attributes: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes.rstrip("/"))}


@dataclass
class Packer:
    """Collects parts, and makes packs of them."""

    _packs: list[list[str]] = field(default_factory=list)
    _room: int = 0
    _places: dict[str, str] = field(default_factory=dict)
    _ladders: list[list[list[Packed]]] = field(default_factory=list)

    def rows(self, rows: Iterable[Row], css: str, symbol: str) -> int:
        """Take a ladder and return what the attribute data-rows has to say in a part that is added later."""
        self._ladders.append([row.packed(css, symbol) for row in rows])
        return len(self._ladders) - 1

    def add(self, markup: Markup) -> str:
        """Take a part and return "pack:place", by which the script finds it."""
        key = str(markup)
        if key not in self._places:
            part = json.dumps(tree(key, self._ladders), ensure_ascii=True, separators=(",", ":"))
            if self._room < len(part):
                self._packs.append([])
                self._room = _PACK
            self._packs[-1].append(part)
            self._room -= len(part)
            self._places[key] = f"{len(self._packs) - 1}:{len(self._packs[-1]) - 1}"
        return self._places[key]

    def texts(self) -> Iterator[Markup]:
        """The packs as text that may stand in a script element of no executable type."""
        for pack in self._packs:
            deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
            octets = deflater.compress(f"[{','.join(pack)}]".encode()) + deflater.flush()
            yield Markup(base64.b64encode(octets).decode())
