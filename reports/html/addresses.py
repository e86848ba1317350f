"""The address of each page and each case of a report: files of a site, or fragments of a single file.

Case ids and target names may hold any character. Addresses consist of letters, digits, `_`, `.` and `-`, and remain
unique on file systems that ignore letter case.
"""

from __future__ import annotations

import re

from wsconform.journal.tally import parameters

from ..columns import Gathered

_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
#: Ids that the templates use.
_RESERVED_IDS = frozenset({"main", "filter", "keys", "page"})


def slug(text: str, used: set[str]) -> str:
    """Return an address for `text` that differs from all in `used` in more than letter case, and add it to `used`."""
    stem = _OTHER.sub("-", text).strip("-.")[:100] or "x"
    if _RESERVED.fullmatch(stem):
        stem = f"{stem}-"
    found, number = stem, 1
    while found.lower() in used:
        number += 1
        found = f"{stem}-{number}"
    used.add(found.lower())
    return found


class Addresses:
    """The addresses of a site, seen from a page that lies `depth` folders deep."""

    def __init__(self, gathered: Gathered) -> None:
        """Give every target, family and case of `gathered` its address."""
        used: set[str] = set()
        self.targets = {column.name: slug(column.name.lower(), used) for column in gathered.columns}
        used = set()
        self.families = {family: slug(family.lower(), used) for family in gathered.families}
        self.anchors: dict[str, str] = {}
        for cases in gathered.cases.values():
            used = set(_RESERVED_IDS)
            for case in cases:
                self.anchors[case] = slug(parameters(case).strip("[]") or "case", used)
        used = set()
        documents = {} if gathered.registry is None else {each.id: None for each in gathered.registry.documents}
        self.documents = {id: slug(id.lower(), used) for id in (*documents, "unknown")}
        self.depth = 0

    @property
    def top(self) -> str:
        """The path from the page to the folder of the index, "" or "../"."""
        return "../" * self.depth

    def lens(self, name: str) -> str:
        """Return the address of a page at the top: "index", "requirements", "disagreements", "changes"."""
        return f"{self.top}{name}.html"

    def target(self, name: str) -> str:
        """Return the address of a target's page."""
        return f"{self.top}targets/{self.targets[name]}.html"

    def document(self, id: str) -> str:
        """Return the address of a document's page."""
        return f"{self.top}documents/{self.documents[id]}.html"

    def section_anchor(self, id: str, number: str) -> str:
        """Return the id of the element that shows section `number` of document `id`."""
        return f"section-{_OTHER.sub('-', number)}"

    def section(self, id: str, number: str) -> str:
        """Return the address of that element."""
        return f"{self.document(id)}#{self.section_anchor(id, number)}"

    def family(self, family: str) -> str:
        """Return the address of a family's page."""
        return f"{self.top}cases/{self.families[family]}.html"

    def anchor(self, case: str) -> str:
        """Return the id of the element that shows `case`."""
        return self.anchors[case]

    def case(self, case: str) -> str:
        """Return the address of that element."""
        return f"{self.family(case.partition('[')[0])}#{self.anchor(case)}"

    def near(self, case: str) -> str:
        """Return the address of that element for a link on its own page."""
        return f"#{self.anchor(case)}"

    def local(self, name: str) -> str:
        """Return the id for an element of the page that is not a case."""
        return name


class SingleAddresses(Addresses):
    """The addresses within a single file: every page is a section, and all pages share one set of ids."""

    page = ""

    def lens(self, name: str) -> str:
        return f"#{name}"

    def target(self, name: str) -> str:
        return f"#t-{self.targets[name]}"

    def document(self, id: str) -> str:
        return f"#d-{self.documents[id]}"

    def section_anchor(self, id: str, number: str) -> str:
        return f"d-{self.documents[id]}:{_OTHER.sub('-', number)}"

    def section(self, id: str, number: str) -> str:
        return f"#{self.section_anchor(id, number)}"

    def family(self, family: str) -> str:
        return f"#c-{self.families[family]}"

    def anchor(self, case: str) -> str:
        # Slugs contain no colon, so the id of a case cannot equal that of a family.
        return f"c-{self.families[case.partition('[')[0]]}:{self.anchors[case]}"

    def case(self, case: str) -> str:
        return f"#{self.anchor(case)}"

    def local(self, name: str) -> str:
        return f"{self.page}:{name}"
