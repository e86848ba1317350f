"""The loop over all cases with the library `websockets`: getCaseCount, runCase, updateReports. Arguments: URL AGENT."""

from __future__ import annotations

import sys

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect


def run(path: str, *, echo: bool) -> list[str | bytes]:
    """Open one connection and read it to its end; return the messages; with `echo`, send each back."""
    messages: list[str | bytes] = []
    try:
        with connect(sys.argv[1] + path, max_size=1 << 26) as ws:
            for message in ws:
                messages.append(message)
                if echo:
                    ws.send(message)
    except (WebSocketException, OSError, EOFError):
        pass
    return messages


def main() -> None:
    """Run the loop."""
    (count,) = run("/getCaseCount", echo=False)
    for number in range(1, int(count) + 1):
        run(f"/runCase?case={number}&agent={sys.argv[2]}", echo=True)
    run(f"/updateReports?agent={sys.argv[2]}", echo=False)


if __name__ == "__main__":
    main()
