"""Targets: address, role, declared features, and the command that starts them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..endpoint.session import Address
from ..registry.requirement import Role
from ..transport.stream import Dialer, Stream
from ..transport.tcp import dial_tcp
from ..transport.tls import dial_tls, tls_context


class TargetError(ValueError):
    """A target's declaration cannot be used; the message is one line: place, fault and remedy."""


def _port(port: int | None, scheme: str) -> int:
    return port if port is not None else 443 if scheme == "wss" else 80


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a ws or wss URL (RFC 6455 section 3); `target` is the request-target."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Parse `text`; raises TargetError if it is not a ws or wss URL."""
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as problem:
            raise TargetError(f"{text}: {problem}; write ws://HOST:PORT/PATH") from None
        if parts.scheme not in ("ws", "wss"):
            near = {"http": "ws", "https": "wss"}.get(parts.scheme)
            meant = f'; did you mean "{near}{text[len(parts.scheme) :]}"?' if near else "; write ws://HOST:PORT/PATH"
            raise TargetError(f"{text}: not a ws or wss URL{meant}")
        if not parts.hostname:
            raise TargetError(f"{text}: there is no host; write {parts.scheme}://HOST:PORT/PATH")
        if parts.fragment or text.endswith("#"):
            raise TargetError(
                f"{text}: a WebSocket URL has no fragment (RFC 6455 section 3); leave out #{parts.fragment}"
            )
        if parts.username or parts.password:
            raise TargetError(f"{text}: no user in the URL; use --header 'Authorization: ...'")
        if not parts.hostname.isascii():
            raise TargetError(f"{text}: write the host in ASCII, as its name begins with xn-- in DNS")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not all("!" <= character <= "~" for character in path):
            raise TargetError(f"{text}: write the path in ASCII, with other characters percent-encoded")
        return cls(parts.scheme, parts.hostname, _port(port, parts.scheme), path)

    @property
    def authority(self) -> str:
        """Host and port as in the Host field: the port is omitted if it is the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == _port(None, self.scheme)
        return host if default else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target as configured. `app` is "echo", "none", or None if the probe has to find out; `start` its command."""

    name: str
    url: Url
    role: Role = Role.SERVER
    app: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    subprotocol: str | None = None
    cacert: str | None = None
    insecure: bool = False
    start: tuple[str, ...] = ()
    ready_within: float = 10.0
    info: Mapping[str, str] = field(default_factory=dict)
    #: The name for SNI and certificate verification, if it is not the URL's host.
    server_name: str | None = None

    @property
    def tls(self) -> bool:
        """Whether the target is reached over TLS."""
        return self.url.scheme == "wss"

    def address(self) -> Address:
        """Return the address of this target as requests name it."""
        url, subprotocol = self.url, self.subprotocol
        return Address(
            host=url.authority, target=url.target, headers=self.headers, subprotocol=subprotocol, scheme=url.scheme
        )

    def dialer(self) -> Dialer:
        """Return the function that opens streams to this target; raises TargetError if its CA file cannot be used."""
        try:
            context = tls_context(cacert=self.cacert, insecure=self.insecure) if self.tls else None
        except (OSError, ssl.SSLError) as problem:
            raise TargetError(f"--cacert {self.cacert}: no certificates in PEM form: {problem}") from None
        host, port = self.url.host, self.url.port

        async def dial(*, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
            if context is None or not tls:
                return await dial_tcp(host, port)
            chosen = context if verify else tls_context(insecure=True)
            return await dial_tls(host, port, chosen, server_name or self.server_name)

        return dial
