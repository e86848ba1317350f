"""Writing TOML: keys and strings for tables that wsconform adds to a configuration."""

from __future__ import annotations

import json
import re

__all__ = ["toml_key", "toml_value"]


def toml_key(name: str) -> str:
    """Return `name` as a key of TOML, quoted if it has characters that a bare key cannot have."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def toml_value(value: str | list[str]) -> str:
    """Return a string, or a list of strings, as a value of TOML.

    It is the value in JSON, except that characters beyond U+FFFF are written out (TOML has no surrogate pairs) and
    DEL is escaped (TOML does not allow it in a string).
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
