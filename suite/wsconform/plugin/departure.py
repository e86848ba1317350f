"""The warning that a departure is to pytest."""

from __future__ import annotations

__all__ = ["DepartureWarning"]


class DepartureWarning(UserWarning):
    """A target departs from the behaviour that the RFC recommends, which breaks no gate at MUST."""

    __module__ = "wsconform.plugin"
