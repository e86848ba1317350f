"""Escaping of untrusted text for terminal, HTML, XML and Markdown. No other module escapes.

Names, findings, summaries and header fields may contain anything that a target sent. Each function accepts any `str`,
lone surrogates included, and returns text without markup or control characters of the output format. Characters that
are invisible, or that change the direction or position of other text, become escapes such as \\x1b or \\u202e. A
backslash is not escaped, so the result cannot be converted back.
"""

from __future__ import annotations

import re

__all__ = ["html", "markdown", "markdown_code", "shown", "terminal", "xml"]

# Controls (C0, DEL, C1), the soft hyphen, characters that change the direction of writing (UAX 9) or the line,
# characters without a width, lone surrogates, interlinear and tag characters, and noncharacters.
_UNSEEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f\xad"
    "\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
    "]"
    "|[" + "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000)) + "]"
)
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_MARKUP = re.compile("[&<>\"']")


def _code(found: re.Match[str]) -> str:
    character = found[0]
    if character in _NAMED:
        return _NAMED[character]
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def shown(text: str) -> str:
    """Return `text` on one line, with an escape for each invisible character."""
    if text.isascii() and text.isprintable():  # nearly all texts, at a tenth of the cost
        return text
    return _UNSEEN.sub(_code, text)


def terminal(text: str, *, ascii: bool = False) -> str:
    """Return `text` for a terminal: one line without control sequences, in ASCII if `ascii`."""
    seen = shown(text)
    return _BEYOND_ASCII.sub(_code, seen) if ascii else seen


def html(text: str) -> str:
    """Return `text` for HTML, between tags or in a quoted attribute."""
    return _MARKUP.sub(lambda found: _ENTITIES[found[0]], shown(text))


# XML 1.0 section 2.2 forbids most controls. The three that it allows are written as references, because line ends and
# attribute values are normalized (sections 2.11, 3.3.3).
_XML_KEPT = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def xml(text: str) -> str:
    """Return `text` for XML 1.0, between tags or in a quoted attribute; line ends and tabs are kept."""
    escaped = _MARKUP.sub(lambda found: _ENTITIES[found[0]], text)
    return _UNSEEN.sub(lambda found: _XML_KEPT.get(found[0]) or _code(found), escaped)


# In CommonMark, a backslash escapes any ASCII punctuation. Characters that open HTML, and the pipe, become entities,
# because a table is split into cells before escapes are read.
_MARKDOWN = re.compile(r"[&<>|]|[\\`*_{}\[\]()#!~$^=@]|^[-+]|:(?=/|\S*:)|(?<=www)\.", re.IGNORECASE)
_MARKDOWN_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_NUMBERED = re.compile(r"^(\d{1,9})\.")


def markdown(text: str) -> str:
    """Return `text` for a line or a table cell of Markdown, without emphasis, links, HTML or line breaks."""
    escaped = _MARKDOWN.sub(lambda found: _MARKDOWN_ENTITIES.get(found[0]) or f"\\{found[0]}", shown(text).strip())
    return _NUMBERED.sub(r"\1\.", escaped)


def markdown_code(text: str) -> str:
    """Return `text` as code, for a line or a table cell of Markdown."""
    return f"<code>{markdown(text)}</code>"
