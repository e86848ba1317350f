"""Test a WebSocket endpoint against the RFCs and show what it violates, with evidence.

The package exports the names that cases, and tests of other projects, import. Each name is loaded at its first use, so
that importing the package is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .version import __version__

if TYPE_CHECKING:
    from .catalogue.case import Need, Profile, Sample, case, each, monitor
    from .endpoint.channel import Received
    from .endpoint.connection import Connection
    from .endpoint.handshake_with_client import Incoming
    from .endpoint.handshake_with_server import (
        BROWSER_OFFER,
        Answer,
        HttpConnection,
        Opening,
        expect_target_alive,
        open_connection,
    )
    from .endpoint.session import Unreached
    from .endpoint.volume.exchange import echo_volume, refusal
    from .endpoint.volume.message import Message, RepeatedOctets, replayed
    from .evidence.compression import GLANCE, Compressed, CompressedState, compressed_messages, whole_messages
    from .evidence.result import Capability, Finding, Reason, Result, Verdict
    from .evidence.transcript import Closure, Conversation, Ending, Provocation
    from .registry.requirement import Level, Role
    from .transport.stream import TlsFacts, TlsFailed
    from .wire.bits import BlockItem, BlockWriter, Code, Match
    from .wire.blocks import LARGEST_WINDOW, TAIL, PayloadEnd
    from .wire.close import FORBIDDEN_CODES, CloseBody, is_sendable
    from .wire.deflate import Deflater, InflateError, Inflater
    from .wire.fields import CRLF, Fields, is_token
    from .wire.frame import (
        BINARY,
        CLOSE,
        CONTINUATION,
        DEFINED_OPCODES,
        PING,
        PONG,
        RSV1,
        RSV2,
        RSV3,
        TEXT,
        Frame,
        LengthForm,
        opcode_name,
    )
    from .wire.handshake import (
        DEFLATE,
        GUID,
        Extension,
        MalformedExtensions,
        accept_value,
        decodes_to_16_octets,
        deflate_answers,
        deflate_problem,
        offered,
        parse_extensions,
    )
    from .wire.http1 import Defect, Head, Request, Response, head_end, parse_head
    from .wire.utf8 import is_utf8

__all__ = [
    "BINARY",
    "BROWSER_OFFER",
    "CLOSE",
    "CONTINUATION",
    "CRLF",
    "DEFINED_OPCODES",
    "DEFLATE",
    "FORBIDDEN_CODES",
    "GLANCE",
    "GUID",
    "LARGEST_WINDOW",
    "PING",
    "PONG",
    "RSV1",
    "RSV2",
    "RSV3",
    "TAIL",
    "TEXT",
    "Answer",
    "BlockItem",
    "BlockWriter",
    "Capability",
    "CloseBody",
    "Closure",
    "Code",
    "Compressed",
    "CompressedState",
    "Connection",
    "Conversation",
    "Defect",
    "Deflater",
    "Ending",
    "Extension",
    "Fields",
    "Finding",
    "Frame",
    "Head",
    "HttpConnection",
    "Incoming",
    "InflateError",
    "Inflater",
    "LengthForm",
    "Level",
    "MalformedExtensions",
    "Match",
    "Message",
    "Need",
    "Opening",
    "PayloadEnd",
    "Profile",
    "Provocation",
    "Reason",
    "Received",
    "RepeatedOctets",
    "Request",
    "Response",
    "Result",
    "Role",
    "Sample",
    "TlsFacts",
    "TlsFailed",
    "Unreached",
    "Verdict",
    "__version__",
    "accept_value",
    "case",
    "compressed_messages",
    "decodes_to_16_octets",
    "deflate_answers",
    "deflate_problem",
    "each",
    "echo_volume",
    "expect_target_alive",
    "head_end",
    "is_sendable",
    "is_token",
    "is_utf8",
    "monitor",
    "offered",
    "opcode_name",
    "open_connection",
    "parse_extensions",
    "parse_head",
    "refusal",
    "replayed",
    "whole_messages",
]

_HOMES = {
    "catalogue.case": (
        "Need",
        "Profile",
        "Sample",
        "case",
        "each",
        "monitor",
    ),
    "endpoint.channel": ("Received",),
    "evidence.compression": (
        "GLANCE",
        "Compressed",
        "CompressedState",
        "compressed_messages",
        "whole_messages",
    ),
    "endpoint.connection": ("Connection",),
    "wire.handshake": (
        "DEFLATE",
        "GUID",
        "Extension",
        "MalformedExtensions",
        "accept_value",
        "decodes_to_16_octets",
        "deflate_answers",
        "deflate_problem",
        "offered",
        "parse_extensions",
    ),
    "endpoint.handshake_with_client": ("Incoming",),
    "endpoint.volume.message": (
        "Message",
        "RepeatedOctets",
        "replayed",
    ),
    "endpoint.handshake_with_server": (
        "BROWSER_OFFER",
        "Answer",
        "HttpConnection",
        "Opening",
        "expect_target_alive",
        "open_connection",
    ),
    "registry.requirement": (
        "Level",
        "Role",
    ),
    "evidence.result": (
        "Capability",
        "Finding",
        "Reason",
        "Result",
        "Verdict",
    ),
    "endpoint.session": ("Unreached",),
    "evidence.transcript": (
        "Closure",
        "Conversation",
        "Ending",
        "Provocation",
    ),
    "transport.stream": (
        "TlsFacts",
        "TlsFailed",
    ),
    "endpoint.volume.exchange": (
        "echo_volume",
        "refusal",
    ),
    "wire.bits": (
        "BlockItem",
        "BlockWriter",
        "Code",
        "Match",
    ),
    "wire.blocks": (
        "LARGEST_WINDOW",
        "TAIL",
        "PayloadEnd",
    ),
    "wire.close": (
        "FORBIDDEN_CODES",
        "CloseBody",
        "is_sendable",
    ),
    "wire.deflate": (
        "Deflater",
        "InflateError",
        "Inflater",
    ),
    "wire.frame": (
        "BINARY",
        "CLOSE",
        "CONTINUATION",
        "DEFINED_OPCODES",
        "PING",
        "PONG",
        "RSV1",
        "RSV2",
        "RSV3",
        "TEXT",
        "Frame",
        "LengthForm",
        "opcode_name",
    ),
    "wire.fields": (
        "CRLF",
        "Fields",
        "is_token",
    ),
    "wire.http1": (
        "Defect",
        "Head",
        "Request",
        "Response",
        "head_end",
        "parse_head",
    ),
    "wire.utf8": ("is_utf8",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
