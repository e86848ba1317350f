"""Unpacks the packed parts of a single-file report, as its script does."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from tests.support.markup import Element
from wsconform.evidence.result import Octets
from wsconform.reports.html.ladder import Row
from wsconform.reports.html.pack import Node
from wsconform.wire.frame import apply_mask


def element(node: Node) -> list[Element | str]:
    """Return a packed part as the script builds it: an element or a text, or the rows of a ladder."""
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        return [rung(row) for row in node["rows"]]
    tag, attributes, *children = node
    assert isinstance(tag, str)
    assert isinstance(attributes, dict)
    return [Element(tag, attributes, [each for child in children for each in element(child)])]  # type: ignore[arg-type]


def rung(row: Sequence[Any]) -> Element:
    """Return a packed row as the script builds it, with its masked octets masked again."""
    side, time, summary, connection, decided, fields, head, octets, masked, cut = row
    whole = bytes.fromhex(octets)
    if masked:
        whole = whole[:masked] + apply_mask(whole[masked:], whole[masked - 4 : masked])
    kept = Octets.of(whole, whole=True)
    if cut:
        kept = Octets(whole, bytes.fromhex(cut[2]), int(cut[0]), cut[1])
    read = Row(
        side=side,
        time=time,
        summary=summary,
        connection=connection,
        decided=bool(decided),
        fields=tuple((name, value) for name, value in fields),
        lines=(),
        octets=kept,
    )
    texts = [time, f"{side}:" if side != "event" else "", f"#{connection} " if connection > 1 else "", summary]
    texts += [*([decided[1], "this decided"] if decided else []), *(part for field in read.fields for part in field)]
    pres = [Element("pre", {}, [text]) for text in (head, "\n".join(read.dump)) if text]
    return Element("li", {"class": f"{side} decided {decided[0]}" if decided else side}, [*texts, *pres])


def unpacked(page: Element) -> Element:
    """Return the page with every part unpacked in its place."""
    packs = [
        json.loads(zlib.decompress(base64.b64decode(each.raw), -15)) for each in page.all("script", type="text/plain")
    ]

    def fill(holder: Element) -> None:
        for each in [holder, *holder]:
            if "data-pack" in each.attributes:
                pack, place = map(int, each.attributes.pop("data-pack").split(":"))
                each.children = [child for node in packs[pack][place] for child in element(node)]
                fill(each)

    fill(page)
    return page
