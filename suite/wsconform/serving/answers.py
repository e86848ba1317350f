"""Plain HTTP answers on the suite's port: refusals, and what a browser loads."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ..endpoint.accepted import Visit, farewell
from ..transport.stream import Reset
from ..wire.fields import Fields
from ..wire.http1 import Response
from .routes import Refusal

#: Scripts, styles and connections of the page's own origin alone, and WebSockets to wherever the suite listens.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def answer(
    status: int, reason: str, body: bytes, kind: str = "text/plain; charset=utf-8", *fields: tuple[str, str]
) -> Response:
    """Return a whole answer with `body` of media type `kind`, after which the connection ends."""
    always = (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Response(status=status, reason=reason.encode(), fields=Fields.of((*always, *fields)), body=body)


def page(body: bytes, kind: str) -> Response:
    """Return `body` as part of the browser page, under a policy that lets it load nothing of others."""
    return answer(200, "OK", body, kind, ("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer"))


def text(value: Any) -> str:
    """Return `value` as JSON on one line."""
    return json.dumps(value)


def data(value: Any) -> Response:
    """Return `value` as JSON."""
    return answer(200, "OK", text(value).encode(), "application/json")


def refused(refusal: Refusal) -> Response:
    """Return the answer that tells a client why its request was refused."""
    fields = (("Allow", "GET, HEAD"),) if refusal.status == 405 else ()
    return answer(refusal.status, refusal.reason, f"{refusal.text}\n".encode(), "text/plain; charset=utf-8", *fields)


async def reply(visit: Visit, response: Response) -> None:
    """Send `response` (less its body to a HEAD request) and end the connection; a client that is gone is no error."""
    octets = response.encode()
    if visit.head.method == b"HEAD":
        octets = octets[: len(octets) - len(response.body)]
    with contextlib.suppress(Reset):
        await visit.stream.send(octets)
    await farewell(visit.stream)
