"""The requirement registry for a command: its errors end the command in one line."""

from __future__ import annotations

from ..problem import Exit, Problem
from ..registry.registry import Registry, RegistryError, load_registry

__all__ = ["registry"]


def registry() -> Registry:
    """Return the requirement registry; raises Problem (exit code SUITE) if a requirement file is invalid."""
    try:
        return load_registry()
    except RegistryError as problem:
        raise Problem(str(problem), Exit.SUITE) from None
