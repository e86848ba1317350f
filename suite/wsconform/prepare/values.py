"""The syntax of single values in the configuration file, in environment variables and after options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ..problem import Problem, meant

__all__ = [
    "COMMAND",
    "DURATION",
    "FIELDS",
    "FLAG",
    "PATH",
    "SHARD",
    "TABLE",
    "TEXT",
    "TEXTS",
    "Choice",
    "Count",
    "Kind",
    "Texts",
    "field_problem",
    "filled",
]


class Kind(Protocol):
    """One kind of value. Both methods raise ValueError; the caller adds the place of the value before its text."""

    def value(self, raw: object) -> object:
        """Return the value that TOML represents as `raw`."""

    def text(self, raw: str) -> object:
        """Return the value that an option or an environment variable represents as `raw`."""


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class _Duration:
    """A duration with a unit, such as "5s"; the value is in seconds."""

    def value(self, raw: object) -> float:
        if not isinstance(raw, str):
            raise ValueError(f'must be a text with a unit, such as "5s"; got {raw}')
        return self.text(raw)

    def text(self, raw: str) -> float:
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)", raw.strip())
        if found is None:
            raise ValueError(f'{raw!r} is not a duration; write "5s", "0.5s" or "5m"')
        seconds = float(found[1]) * _UNITS[found[2]]
        if not seconds:
            raise ValueError(f'{raw!r} is zero; write a longer time, such as "5s" or "0.5s"')
        return seconds


class Choice:
    """One of a few words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def value(self, raw: object) -> str:
        """Return the value that TOML represents as `raw`; raises ValueError."""
        if not isinstance(raw, str):
            raise ValueError(f"must be one of {', '.join(self.words)}")
        return self.text(raw)

    def text(self, raw: str) -> str:
        """Return `raw`; raises ValueError unless it is one of the words."""
        if raw not in self.words:
            raise ValueError(f"{raw!r} is not one of {', '.join(self.words)}{meant(raw, self.words)}")
        return raw


class Count:
    """A whole number that is at least `least`."""

    def __init__(self, least: int) -> None:
        self.least = least

    def value(self, raw: object) -> int:
        """Return the value that TOML represents as `raw`; raises ValueError."""
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise ValueError("must be a whole number, without quotes")
        if raw < self.least:
            raise ValueError(f"{raw} is too small; use {self.least} or more")
        return raw

    def text(self, raw: str) -> int:
        """Return the number that `raw` represents; raises ValueError."""
        if not re.fullmatch(r"-?[0-9]{1,18}", raw.strip()):
            raise ValueError(f"{raw!r} is not a whole number")
        return self.value(int(raw))


class Texts:
    """A list of texts, only from `words` if there are any; separated by commas in an environment variable."""

    def __init__(self, words: tuple[str, ...] = ()) -> None:
        self.words = words

    def value(self, raw: object) -> tuple[str, ...]:
        """Return the value that TOML represents as `raw`; raises ValueError."""
        if not isinstance(raw, list) or not all(isinstance(each, str) and each for each in raw):
            raise ValueError("must be a list of texts" + (f", of {', '.join(self.words)}" if self.words else ""))
        for each in raw:
            if self.words:
                Choice(self.words).text(each)
        return tuple(raw)

    def text(self, raw: str) -> tuple[str, ...]:
        """Return the texts that `raw` holds, without empty ones; raises ValueError."""
        return self.value([each.strip() for each in raw.split(",") if each.strip()])


class _Text:
    def value(self, raw: object) -> str:
        if not isinstance(raw, str) or not raw:
            raise ValueError("must be a text that is not empty")
        return raw

    def text(self, raw: str) -> str:
        return self.value(raw)


class _Path:
    def value(self, raw: object) -> Path:
        if not isinstance(raw, str) or not raw or "\0" in raw:
            raise ValueError("must be the path of a file or folder")
        return Path(raw).expanduser()

    def text(self, raw: str) -> Path:
        return self.value(raw)


class _Flag:
    def value(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise ValueError("must be true or false, without quotes")
        return raw

    def text(self, raw: str) -> bool:
        known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if raw.lower() not in known:
            raise ValueError(f"{raw!r} is neither true nor false")
        return known[raw.lower()]


class _Shard:
    """A part of the cases: (2, 4) for "2/4", the second of four."""

    def value(self, raw: object) -> tuple[int, int]:
        if not isinstance(raw, str):
            raise ValueError('must be a text such as "2/4"')
        return self.text(raw)

    def text(self, raw: str) -> tuple[int, int]:
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", raw)
        if found is None:
            raise ValueError(f'{raw!r} is not a shard; write "2/4" for the second of four')
        which, of = int(found[1]), int(found[2])
        if not 1 <= which <= of:
            raise ValueError(f"{raw!r} is not a shard; count from 1/{max(of, 1)} to {max(of, 1)}/{max(of, 1)}")
        return which, of


class _Command:
    """A command as a list of words."""

    def value(self, raw: object) -> tuple[str, ...]:
        if isinstance(raw, str):
            return self.text(raw)
        if not isinstance(raw, list) or not raw or not all(isinstance(word, str) for word in raw) or not raw[0]:
            raise ValueError('must be a command as a list of words, such as ["./echo", "--port", "9001"]')
        return tuple(raw)

    def text(self, raw: str) -> tuple[str, ...]:
        try:
            words = shlex.split(raw)
        except ValueError as problem:
            raise ValueError(f"{raw!r} is not a command: {problem}") from None
        if not words:
            raise ValueError("must be a command that is not empty")
        return tuple(words)


class _Table:
    """A table of texts; only TOML can represent it."""

    def value(self, raw: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(raw, dict) or not all(isinstance(each, str) for each in raw.values()):
            raise ValueError('must be a table of texts, such as { language = "Go" }')
        return tuple(raw.items())

    def text(self, raw: str) -> tuple[tuple[str, str], ...]:
        raise ValueError("must be a table in the configuration file")


class _Fields:
    """Header fields: a table in TOML, one "Name: value" after an option."""

    def value(self, raw: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(raw, dict) or not all(isinstance(each, str) for each in raw.values()):
            raise ValueError('must be a table of texts, such as { Authorization = "${TOKEN}" }')
        for name, value in raw.items():
            if problem := field_problem(name, value):
                raise ValueError(problem)
        return tuple(raw.items())

    def text(self, raw: str) -> tuple[tuple[str, str], ...]:
        name, colon, value = raw.partition(":")
        if not colon:
            raise ValueError(f"{raw!r} is not a header field; write 'Name: value'")
        if problem := field_problem(name.strip(), value.strip()):
            raise ValueError(problem)
        return ((name.strip(), value.strip()),)


DURATION, TEXT, TEXTS, PATH, FLAG = _Duration(), _Text(), Texts(), _Path(), _Flag()
SHARD, COMMAND, TABLE, FIELDS = _Shard(), _Command(), _Table(), _Fields()


def field_problem(name: str, value: str) -> str:
    """Return why a header field cannot be sent as it is (RFC 9110 section 5); "" if it can."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        return f"{name!r} is not the name of a header field"
    if name.lower() in ("sec-websocket-key", "sec-websocket-version", "upgrade", "connection", "host"):
        return f"{name} is a field of the opening handshake, which the cases set themselves; leave it out"
    if any(character < " " and character != "\t" for character in value) or "\x7f" in value:
        return "the value holds control characters; leave them out"
    if any(ord(character) > 0xFF for character in value):
        return "the value holds characters beyond Latin-1; encode them"
    return ""


_NAME = re.compile(r"\$\{([^}]*)\}")


def filled(text: str, environment: Mapping[str, str], where: str) -> str:
    """Return `text` with each `${NAME}` replaced by the variable; raises Problem, at `where`, if one is not set."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in environment:
            raise Problem(f"{where}: ${{{found[1]}}} is not set in the environment; set it, or write the value")
        return environment[found[1]]

    return _NAME.sub(value, text)
