"""Plain HTTP answers on the suite's port: refusals, and the files of the browser page."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ..endpoint.accepted import ClientRequest, farewell
from ..transport.stream import Reset
from ..wire.fields import Fields
from ..wire.http1 import Response
from .routes import RequestRefused

#: Allows scripts, styles and connections of the page's own origin, and WebSockets to any address of the suite.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def answer(
    status: int, reason: str, body: bytes, kind: str = "text/plain; charset=utf-8", *fields: tuple[str, str]
) -> Response:
    """Return a whole answer with `body` of media type `kind`; the connection ends after it."""
    always = (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Response(status=status, reason=reason.encode(), fields=Fields.of((*always, *fields)), body=body)


def page(body: bytes, kind: str) -> Response:
    """Return `body` as a part of the browser page, with a policy that forbids content from elsewhere."""
    return answer(200, "OK", body, kind, ("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer"))


def text(value: Any) -> str:
    """Return `value` as JSON on one line."""
    return json.dumps(value)


def data(value: Any) -> Response:
    """Return `value` as JSON."""
    return answer(200, "OK", text(value).encode(), "application/json")


def refused(refusal: RequestRefused) -> Response:
    """Return the answer to a refused request, with the reason."""
    fields = (("Allow", "GET, HEAD"),) if refusal.status == 405 else ()
    return answer(refusal.status, refusal.reason, f"{refusal.text}\n".encode(), "text/plain; charset=utf-8", *fields)


async def reply(request: ClientRequest, response: Response) -> None:
    """Send `response` (without its body if the request is HEAD) and end the connection; ignores a lost client."""
    octets = response.encode()
    if request.head.method == b"HEAD":
        octets = octets[: len(octets) - len(response.body)]
    with contextlib.suppress(Reset):
        await request.stream.send(octets)
    await farewell(request.stream)
