"""A badge for each target: JSON as badge services read it from an endpoint, and a picture of our own in SVG."""

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
# Widths of letters of a sans-serif face at 11 px, in tenths of a pixel; the picture's text is fitted to their sum.
_WIDTHS = {**dict.fromkeys("ijltfrI/ .,:'|", 38), **dict.fromkeys("mwMW", 104), **dict.fromkeys("0123456789", 70)}
_USUAL = 72
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says: "MUST 412/415", and its colour by name."""

    message: str
    color: str

    @property
    def words(self) -> str:
        """All of it, for those who do not see the picture."""
        return f"{LABEL}: {self.message}"


def badge(column: Column) -> Badge:
    """Return the badge of a target: MUST (passed / run); green if all are met, orange if what is not is expected.

    Grey where nothing was put, where the run broke, and where it ended before its time: that proves nothing.
    """
    met, put = passed_of_run(column.cases.values(), "must")
    if not put:
        return Badge("not tested", "lightgrey")
    message = f"MUST {met}/{put}"
    if column.counts[Mark.VIOLATION] > column.known:
        return Badge(message, "red")
    if column.cut_off or column.counts[Mark.ERROR]:
        return Badge(f"{message}, incomplete", "lightgrey")
    return Badge(message, "orange" if met < put else "green")


def endpoint(made: Badge) -> dict[str, str | int]:
    """Return the JSON that badge services understand; its schema is `wsconform schema badge`."""
    return {"schemaVersion": 1, "label": LABEL, "message": made.message, "color": made.color}


def svg(made: Badge) -> str:
    """Return the picture: 20 px high, no script, no font, nothing fetched, and no id that a page could have too."""
    left, right = _width(LABEL) + 12, _width(made.message) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{xml(made.words)}"><title>{xml(made.words)}</title>'
        f'<rect width="{left + right}" height="20" rx="4" fill="{_LABEL_COLOR}"/>'
        f'<path d="M{left} 0h{right - 4}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4h-{right - 4}z" fill="{_COLORS[made.color]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{left - 12}">{xml(LABEL)}</text>'
        f'<text x="{left + 6}" y="14" textLength="{right - 12}">{xml(made.message)}</text></g></svg>'
    )


def markdown(made: Badge, place: str) -> str:
    """Return the Markdown that shows the picture at `place`, an address of letters that need no escape."""
    return f"![{made.words}]({place})"


def _width(text: str) -> int:
    return round(sum(_WIDTHS.get(letter, _USUAL) for letter in text) / 10)


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write JSON and picture of each target and return where: badge.json and badge.svg in `folder`.

    A `path` that ends in .json or .svg names that one file, any other the folder. Of several targets each file
    has the target's name in its own: badge-echo-go.svg. Raises OSError.
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
        made = badge(column)
        for kind in kinds:
            text = svg(made) if kind == "svg" else json.dumps(endpoint(made))
            written.append(folder / f"{name}.{kind}")
            written[-1].write_text(text + "\n", encoding="utf-8", newline="\n")
    return written[0] if len(written) == 1 else folder


def _names(stem: str, columns: Sequence[Column]) -> list[str]:
    names, taken = [], set[str]()
    for column in columns:
        plain = _UNSAFE.sub("-", shown(column.name)).strip("-.")[:80] or "x"
        found, number = f"{stem}-{plain}", 1
        while found.lower() in taken:
            number += 1
            found = f"{stem}-{plain}-{number}"
        taken.add(found.lower())
        names.append(found)
    return names
