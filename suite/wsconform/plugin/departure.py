"""The warning for a departure."""

from __future__ import annotations

__all__ = ["DepartureWarning"]


class DepartureWarning(UserWarning):
    """The target departs from the RFC's preference (a SHOULD); the item passes unless the gate is at SHOULD."""

    __module__ = "wsconform.plugin"
