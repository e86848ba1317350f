"""The catalogue of cases, and the selection that the settings of a run make from it."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalogue.case import Item, Profile
from ..catalogue.load import load_catalogue
from ..catalogue.selection import Selection, UnknownPattern
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from .config import Settings

__all__ = ["catalogue", "selected", "selection"]


def catalogue(*, aliases: bool = True) -> tuple[Item, ...]:
    """Return every case and monitor, with their earlier names and Autobahn ids if `aliases`.

    Reading the aliases takes time, so a caller that needs none leaves them out. Raises Problem (exit code SUITE).
    """
    try:
        return load_catalogue(aliases=aliases)
    except (ImportError, ValueError) as problem:
        raise Problem(f"the catalogue cannot be loaded: {problem}", Exit.SUITE) from None


def selection(settings: Settings) -> Selection:
    """Return the selection that `settings` describe: patterns, sections, levels, profile, shard."""
    return Selection(
        cases=settings.case,
        excluded=settings.exclude,
        sections=settings.section,
        levels=settings.level,
        profile=Profile[settings.profile.upper()],
        shard=settings.shard,
    )


def selected(selection: Selection, items: Sequence[Item], role: Role, registry: Registry) -> tuple[Item, ...]:
    """Return the `items` for targets of `role` that `selection` takes; raises Problem if a selector matches nothing."""
    try:
        return selection.select(items, role, registry)
    except UnknownPattern as problem:
        raise Problem(str(problem)) from None
