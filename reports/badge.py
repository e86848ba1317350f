"""A badge for each target: the JSON that badge services read from an endpoint, and a picture as SVG."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wsconform.escape import shown, xml
from wsconform.evidence.result import Mark
from wsconform.journal.journal import Journal
from wsconform.journal.tally import passed_of_run

from .columns import Column, gather

__all__ = ["LABEL", "Badge", "badge", "endpoint", "markdown", "render", "svg"]

LABEL = "WebSocket"
# White letters on any of these have a contrast of at least 4.5 to 1.
_COLORS = {"green": "#1a7f37", "orange": "#a85400", "red": "#c4202b", "lightgrey": "#626b76"}
_LABEL_COLOR = "#3a424c"
# Widths of the letters of a sans-serif face at 11 px, in tenths of a pixel. The text is fitted to their sum.
_WIDTHS = {**dict.fromkeys("ijltfrI/ .,:'|", 38), **dict.fromkeys("mwMW", 104), **dict.fromkeys("0123456789", 70)}
_USUAL = 72
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Badge:
    """The text of a badge, such as "MUST 412/415", and the name of its colour."""

    message: str
    color: str

    @property
    def text(self) -> str:
        """The whole badge as text, for readers who cannot see the picture."""
        return f"{LABEL}: {self.message}"


def badge(column: Column) -> Badge:
    """Return the badge of a target: MUST (passed / run).

    Red if a violation is not in expected.toml. Otherwise grey if no case ran, a case ended in an error or the run ended
    early, because such a run proves nothing; orange if the only violations are expected; green if every case passed.
    """
    passed, run = passed_of_run(column.cases.values(), "must")
    if not run:
        return Badge("not tested", "lightgrey")
    message = f"MUST {passed}/{run}"
    if column.counts[Mark.VIOLATION] > column.known:
        return Badge(message, "red")
    if column.cut_off or column.counts[Mark.ERROR]:
        return Badge(f"{message}, incomplete", "lightgrey")
    return Badge(message, "orange" if passed < run else "green")


def endpoint(value: Badge) -> dict[str, str | int]:
    """Return `value` as the JSON that badge services read; `wsconform schema badge` prints its schema."""
    return {"schemaVersion": 1, "label": LABEL, "message": value.message, "color": value.color}


def svg(value: Badge) -> str:
    """Return `value` as SVG, 20 px high.

    It holds no script or font, fetches nothing, and has no id that could collide with one of the page around it.
    """
    left, right = _width(LABEL) + 12, _width(value.message) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{xml(value.text)}"><title>{xml(value.text)}</title>'
        f'<rect width="{left + right}" height="20" rx="4" fill="{_LABEL_COLOR}"/>'
        f'<path d="M{left} 0h{right - 4}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4h-{right - 4}z" fill="{_COLORS[value.color]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{left - 12}">{xml(LABEL)}</text>'
        f'<text x="{left + 6}" y="14" textLength="{right - 12}">{xml(value.message)}</text></g></svg>'
    )


def markdown(value: Badge, place: str) -> str:
    """Return the Markdown that shows the picture at the address `place`, which must not need escapes."""
    return f"![{value.text}]({place})"


def _width(text: str) -> int:
    return round(sum(_WIDTHS.get(letter, _USUAL) for letter in text) / 10)


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write the JSON and the picture of each target, badge.json and badge.svg in `folder`.

    A `path` that ends in .json or .svg names that one file; any other `path` replaces `folder`. With several targets
    each file name contains its target's name: badge-echo-go.svg. Returns the file if one was written, else the folder.
    Raises OSError.
    """
    stem, kinds = "badge", ["json", "svg"]
    if path is not None and path.suffix.lower() in (".json", ".svg"):
        folder, stem, kinds = path.parent, path.stem, [path.suffix[1:].lower()]
    elif path is not None:
        folder = path
    columns = gather(journals).columns
    folder.mkdir(parents=True, exist_ok=True)
    names = [stem] if len(columns) == 1 else _names(stem, columns)
    written = []
    for name, column in zip(names, columns, strict=True):
        value = badge(column)
        for kind in kinds:
            text = svg(value) if kind == "svg" else json.dumps(endpoint(value))
            written.append(folder / f"{name}.{kind}")
            written[-1].write_text(text + "\n", encoding="utf-8", newline="\n")
    return written[0] if len(written) == 1 else folder


def _names(stem: str, columns: Sequence[Column]) -> list[str]:
    names, used = [], set[str]()
    for column in columns:
        plain = _UNSAFE.sub("-", shown(column.name)).strip("-.")[:80] or "x"
        found, number = f"{stem}-{plain}", 1
        while found.lower() in used:
            number += 1
            found = f"{stem}-{plain}-{number}"
        used.add(found.lower())
        names.append(found)
    return names
