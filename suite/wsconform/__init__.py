"""wsconform puts a catalogue of cases to a WebSocket endpoint and says what it violates, with evidence.

The names that cases and other people's tests use stand here; they are loaded when they are first asked for,
so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue import Need, Profile, Sample, case, each, monitor
    from .compression import Compressed, compressed_messages
    from .connection import Connection
    from .incoming import Incoming
    from .opening import Opening, expect_target_alive, open_connection
    from .requirement import Level, Role
    from .result import Finding, Result, Verdict
    from .transcript import Closure, Conversation, Ending, Provocation
    from .wire.frame import Frame, LengthForm

__all__ = [
    "Closure",
    "Compressed",
    "Connection",
    "Conversation",
    "Ending",
    "Finding",
    "Frame",
    "Incoming",
    "LengthForm",
    "Level",
    "Need",
    "Opening",
    "Profile",
    "Provocation",
    "Result",
    "Role",
    "Sample",
    "Verdict",
    "__version__",
    "case",
    "compressed_messages",
    "each",
    "expect_target_alive",
    "monitor",
    "open_connection",
]

__version__ = "0.1.0"

_HOMES = {
    "catalogue": ("Need", "Profile", "Sample", "case", "each", "monitor"),
    "compression": ("Compressed", "compressed_messages"),
    "connection": ("Connection",),
    "incoming": ("Incoming",),
    "opening": ("Opening", "expect_target_alive", "open_connection"),
    "requirement": ("Level", "Role"),
    "result": ("Finding", "Result", "Verdict"),
    "transcript": ("Closure", "Conversation", "Ending", "Provocation"),
    "wire.frame": ("Frame", "LengthForm"),
}


def __getattr__(name: str) -> object:
    import importlib

    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
