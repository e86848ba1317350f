"""Parts of a single file that are unpacked on demand: trees of elements as JSON, deflated, in base64.

The output of the templates is split into elements and texts, so that the script builds elements and never parses
markup. Ladders, which are the largest part, are packed as their rows. Equal parts are stored once.
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

#: A text, an element (a list of its tag, its attributes and its children), or a ladder (its rows under a key).
Node = str | dict[str, str] | dict[str, list[list[Packed]]] | list["Node"]

# The most characters in one pack. A pack is unpacked as a whole.
_PACK = 80_000
_VOID = frozenset({"br", "col", "input", "wbr", "rect"})
_TOKEN = re.compile(r"<(/?)([a-z][a-z0-9]*)([^<>]*)>|([^<]+)")
_ATTRIBUTE = re.compile(r'([a-z][a-z-]*)(?:="([^"]*)")?')
# Line ends of templates. Preformatted text has its line ends as character references.
_SPACE = re.compile(r"[ \t]*\n\s*")


def tree(markup: str, ladders: Sequence[list[list[Packed]]] = ()) -> list[Node]:
    """Return the tree of `markup`, an output of our templates.

    An element with the attribute data-rows gets the rows of that index in `ladders`. All values in `markup` are
    escaped, so that every "<" starts a tag. Raises ValueError if the elements are not properly nested.
    """
    top: list[Node] = []
    open_: list[tuple[str, list[Node]]] = [("", top)]
    for slash, tag, attributes, text in _TOKEN.findall(markup):
        inner = open_[-1][1]
        if text:
            joined = _SPACE.sub(" ", text) if "\n" in text else text
            inner.append(html.unescape(joined) if "&" in joined else joined)
        elif slash:
            if len(open_) == 1 or open_.pop()[0] != tag:
                raise ValueError(f"</{tag}> does not close the innermost open element")
        else:
            parsed = _parsed_attributes(attributes)
            element: list[Node] = [tag, parsed]
            if "data-rows" in parsed:
                element[1:] = [{"class": parsed["class"]}, {"rows": ladders[int(parsed["data-rows"])]}]
            inner.append(element)
            if tag not in _VOID:
                open_.append((tag, element))
    if len(open_) > 1:
        raise ValueError(f"<{open_[-1][0]}> is not closed")
    return top


@lru_cache(maxsize=4096)
def _parsed_attributes(attributes: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes.rstrip("/"))}


@dataclass
class Packer:
    """Collects parts and combines them into packs."""

    _packs: list[list[str]] = field(default_factory=list)
    _room: int = 0
    _places: dict[str, str] = field(default_factory=dict)
    _ladders: list[list[list[Packed]]] = field(default_factory=list)

    def rows(self, rows: Iterable[Row], css: str, symbol: str) -> int:
        """Store a ladder and return the value for the attribute data-rows of a part that is added later."""
        self._ladders.append([row.packed(css, symbol) for row in rows])
        return len(self._ladders) - 1

    def add(self, markup: Markup) -> str:
        """Store a part and return "pack:place", the key with which the script finds it."""
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
        """Yield the packs as text for script elements of a type that browsers do not execute."""
        for pack in self._packs:
            deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
            octets = deflater.compress(f"[{','.join(pack)}]".encode()) + deflater.flush()
            yield Markup(base64.b64encode(octets).decode())
