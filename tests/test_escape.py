"""Escaping of untrusted text, tested with properties and with hostile characters."""

from __future__ import annotations

import html.parser
import re
import unicodedata
import xml.etree.ElementTree as etree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsconform import escape

PIECES = [b"\x1b[2J", b"\x1b]0;x\x07", b"\x9b31m", b"<script>", b"-->", b"]]>", b"'\"", b"|", b"`", b"\\"]
PIECES += [b"\r\n", b"\xe2\x80\xae", b"\xed\xa0\x80", b"&lt;", b"&#60;", b"**", b"[a](b)", b"\0", b"1. ", b"- "]
OCTETS = st.one_of(st.binary(max_size=60), st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join))
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn")), max_size=20),
    OCTETS.map(lambda octets: octets.decode(errors="replace")),
    OCTETS.map(lambda octets: octets.decode("latin-1")),
    OCTETS.map(lambda octets: octets.decode(errors="surrogateescape")),
)


def unseen(text: str) -> list[str]:
    return [
        character
        for character in text
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in BIDI
    ]


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(HOSTILE)
def test_a_terminal_gets_no_invisible_characters(text: str) -> None:
    assert unseen(escape.terminal(text)) == []
    assert escape.terminal(text).encode().decode() == escape.terminal(text)  # no lone surrogate is left


@given(HOSTILE)
def test_ascii_output_is_ascii(text: str) -> None:
    shown = escape.terminal(text, ascii=True)
    assert shown.isascii()
    assert unseen(shown) == []


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(HOSTILE)
def test_html_is_text_without_markup(text: str) -> None:
    page = _Page()
    page.feed(f"<p title=\"{escape.html(text)}\" lang='{escape.html(text)}'>{escape.html(text)}</p>")
    page.close()
    shown = escape.terminal(text)
    assert page.tags == [("p", [("title", shown), ("lang", shown)])]
    assert page.text == shown


@given(HOSTILE)
def test_xml_is_well_formed_and_has_the_same_text(text: str) -> None:
    document = f'<a b="{escape.xml(text)}">{escape.xml(text)}</a>'
    root = etree.fromstring(document)
    assert root.get("b") == (root.text or "")
    kept = re.sub(r"[\r\n\t]", "", root.text or "")
    assert kept == escape.terminal(re.sub(r"[\r\n\t]", "", text))


def test_xml_keeps_line_ends_and_tabs() -> None:
    text = "1\r\n\t2"
    assert etree.fromstring(f"<a>{escape.xml(text)}</a>").text == text


MARKDOWN_SPECIAL = re.compile(r"(?<!\\)(?:\\\\)*(?:[`*_\[\]!~#{}$]|[<>|&])")
ENTITY = re.compile("&(?:amp|lt|gt|#124);")


@given(HOSTILE)
def test_markdown_has_no_special_characters(text: str) -> None:
    shown = escape.markdown(text)
    assert unseen(shown) == []
    assert MARKDOWN_SPECIAL.search(ENTITY.sub("", shown)) is None
    assert not re.match(r"[-+=>#|]|\d+[.)]|\s", shown)
    # A backslash before the colon keeps Markdown from making a link of the text after it.
    assert not re.search(r"(?<!\\)://", shown)


@given(HOSTILE)
def test_a_markdown_code_span_is_one_element_in_one_cell(text: str) -> None:
    shown = escape.markdown_code(text)
    inside = shown.removeprefix("<code>").removesuffix("</code>")
    assert shown == f"<code>{inside}</code>"
    assert not re.search(r"[<>|\n]", inside)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\U0001fffe", "\\U0001fffe"),
        ("grüße ✓ 你好", "grüße ✓ 你好"),
    ],
)
def test_examples_for_terminals(text: str, shown: str) -> None:
    assert escape.terminal(text) == shown


def test_ascii_output_has_escapes_for_other_characters() -> None:
    assert escape.terminal("ü ✓ 🙂", ascii=True) == "\\xfc \\u2713 \\U0001f642"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("12. of March", "12\\. of March"),
        ("- a | b", "\\- a &#124; b"),
        ("<b> & *c*", "&lt;b&gt; &amp; \\*c\\*"),
        ("http://a.example", "http\\://a.example"),
        ("RFC 6455 5.2", "RFC 6455 5.2"),
    ],
)
def test_examples_for_markdown(text: str, shown: str) -> None:
    assert escape.markdown(text) == shown
