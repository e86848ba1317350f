"""A strict parser of HTML into a tree: every element has to be closed, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "path", "rect", "wbr"})


@dataclass
class Element:
    """An element: its tag, attributes, and children (elements and texts) in order."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Element]:
        """Iterate over all descendants, in the order of the document."""
        waiting = self.children[::-1]
        while waiting:
            child = waiting.pop()
            if isinstance(child, Element):
                yield child
                waiting += child.children[::-1]

    @property
    def text(self) -> str:
        """The text of all descendants, with runs of whitespace replaced by one space."""
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        """The text of all descendants, unchanged."""
        return "".join(child if isinstance(child, str) else child.raw for child in self.children)

    @property
    def classes(self) -> frozenset[str]:
        """The classes of the element."""
        return frozenset(self.attributes.get("class", "").split())

    def all(self, tag: str = "", css: str = "", **attributes: str) -> list[Element]:
        """Return all descendants with this tag, class, and attributes."""
        return [
            each
            for each in self
            if (not tag or each.tag == tag)
            and (not css or css in each.classes)
            and all(each.attributes.get(name) == value for name, value in attributes.items())
        ]

    def one(self, tag: str = "", css: str = "", **attributes: str) -> Element:
        """Return the only such element; raises ValueError unless there is exactly one."""
        (found,) = self.all(tag, css, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("#document")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"<{tag}/> is not closed in HTML"
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def read(text: str) -> Element:
    """Return the document in `text`; raises AssertionError if it is not well formed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert [each.tag for each in reader.open] == ["#document"], "something is left open"
    return reader.open[0]
