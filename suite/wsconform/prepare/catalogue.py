"""The registry, the catalogue and the selection that a command runs with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..problem import Problem
from .config import Settings

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..catalogue.selection import Selection
    from ..registry.registry import Registry
    from ..registry.requirement import Role


def registry() -> Registry:
    """Return the requirement registry; raises Problem."""
    from ..problem import Exit
    from ..registry.registry import RegistryError, load_registry

    try:
        return load_registry()
    except RegistryError as problem:
        raise Problem(str(problem), Exit.SUITE) from None


def catalogue(*, aliases: bool = True) -> tuple[Item, ...]:
    """Return every case and monitor, their older names left unread unless `aliases`; raises Problem."""
    from ..catalogue.load import load_catalogue
    from ..problem import Exit

    try:
        return load_catalogue(aliases=aliases)
    except (ImportError, ValueError) as problem:
        raise Problem(f"the catalogue cannot be loaded: {problem}", Exit.SUITE) from None


def selection(settings: Settings) -> Selection:
    """Return what the selectors among `settings` ask for."""
    from ..catalogue.case import Profile
    from ..catalogue.selection import Selection

    return Selection(
        cases=settings.case,
        excluded=settings.exclude,
        sections=settings.section,
        levels=settings.level,
        profile=Profile[settings.profile.upper()],
        shard=settings.shard,
    )


def selected(wanted: Selection, entries: Sequence[Item], role: Role, requirements: Registry) -> tuple[Item, ...]:
    """Return the cases that `wanted` takes; raises Problem where a selector takes none at all."""
    from ..catalogue.selection import UnknownPattern

    try:
        return wanted.select(entries, role, requirements)
    except UnknownPattern as problem:
        raise Problem(str(problem)) from None
