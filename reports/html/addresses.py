"""Where each page and each case of a report is: files of a site, or fragments of a single file.

Case ids and target names may hold anything; what becomes part of an address is letters, digits, `_`, `.`, `-`,
and unique even where file names know no upper case.
"""

from __future__ import annotations

import re

from wsconform.journal.tally import parameters

from ..columns import Gathered

_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
#: Ids that the templates use for themselves.
_TAKEN = frozenset({"main", "filter", "keys", "page"})


def slug(text: str, taken: set[str]) -> str:
    """Return an address for `text` that is not in `taken`, letter case aside, and add it there."""
    stem = _OTHER.sub("-", text).strip("-.")[:100] or "x"
    if _RESERVED.fullmatch(stem):
        stem = f"{stem}-"
    found, number = stem, 1
    while found.lower() in taken:
        number += 1
        found = f"{stem}-{number}"
    taken.add(found.lower())
    return found


class Addresses:
    """The addresses of a site, seen from a page that lies `depth` folders deep."""

    def __init__(self, gathered: Gathered) -> None:
        """Give every target, family and case of `gathered` its address."""
        taken: set[str] = set()
        self.targets = {column.name: slug(column.name.lower(), taken) for column in gathered.columns}
        taken = set()
        self.families = {family: slug(family.lower(), taken) for family in gathered.families}
        self.anchors: dict[str, str] = {}
        for cases in gathered.cases.values():
            taken = set(_TAKEN)
            for case in cases:
                self.anchors[case] = slug(parameters(case).strip("[]") or "case", taken)
        taken = set()
        documents = {} if gathered.registry is None else {each.id: None for each in gathered.registry.documents}
        self.documents = {id: slug(id.lower(), taken) for id in (*documents, "unknown")}
        self.depth = 0

    @property
    def top(self) -> str:
        """What leads from the page to the folder of the index."""
        return "../" * self.depth

    def lens(self, name: str) -> str:
        """The address of a page at the top: "index", "requirements", "disagreements", "changes"."""
        return f"{self.top}{name}.html"

    def target(self, name: str) -> str:
        """The address of a target's page."""
        return f"{self.top}targets/{self.targets[name]}.html"

    def document(self, id: str) -> str:
        """The address of a document's page."""
        return f"{self.top}documents/{self.documents[id]}.html"

    def section_anchor(self, id: str, number: str) -> str:
        """The id of the part that tells of a section."""
        return f"section-{_OTHER.sub('-', number)}"

    def section(self, id: str, number: str) -> str:
        """The address of that part."""
        return f"{self.document(id)}#{self.section_anchor(id, number)}"

    def family(self, family: str) -> str:
        """The address of a family's page."""
        return f"{self.top}cases/{self.families[family]}.html"

    def anchor(self, case: str) -> str:
        """The id of the section that tells of `case`."""
        return self.anchors[case]

    def case(self, case: str) -> str:
        """The address of that section."""
        return f"{self.family(case.partition('[')[0])}#{self.anchor(case)}"

    def near(self, case: str) -> str:
        """The address of that section, seen from its own page."""
        return f"#{self.anchor(case)}"

    def local(self, name: str) -> str:
        """The id of something on the page that is not a case."""
        return name


class SingleAddresses(Addresses):
    """The addresses within a single file: every page is a section, and all ids live side by side."""

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
        # A colon is in no slug, so a case's id cannot be a family's.
        return f"c-{self.families[case.partition('[')[0]]}:{self.anchors[case]}"

    def case(self, case: str) -> str:
        return f"#{self.anchor(case)}"

    def local(self, name: str) -> str:
        return f"{self.page}:{name}"
