"""Monitors that compare a client's connections: keys and masking keys do not repeat."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from wsconform import Conversation, Sample, Verdict, monitor

#: Fewer connections than this are not judged, because octets may be equal by chance.
_ENOUGH = 8

#: How many masking keys at the beginning of a connection are compared.
_FIRST = 5


@monitor("6455-4.1-28")
class KeyIsNewForEveryConnection:
    """Sec-WebSocket-Key is chosen at random: it is never repeated, and no octet of it is constant."""

    def __init__(self) -> None:
        self._seen: list[bytes] = []

    def __call__(self, conversation: Conversation) -> Iterator[Sample]:
        """Judge the keys of the run so far, from the eighth connection on."""
        for entry, head in conversation.heads[:1]:
            try:
                nonce = base64.b64decode(head.fields.get("Sec-WebSocket-Key") or b"", validate=True)
            except binascii.Error:
                return
            repeated = nonce in self._seen
            self._seen.append(nonce)
            if len(self._seen) >= _ENOUGH or repeated:
                yield self._sample(entry, repeated)

    def _sample(self, entry: int, repeated: bool) -> Sample:
        if repeated:
            return Sample("a key that was used before", Verdict.FAILED, entry)
        constant = [at for at, octets in enumerate(zip(*self._seen, strict=False)) if len(set(octets)) == 1]
        if constant:
            return Sample(f"octet {constant[0]} of the key is the same in every connection", Verdict.FAILED, entry)
        return Sample()


@monitor("6455-5.3-6")
class MaskingKeysDifferBetweenConnections:
    """The masking keys of two connections do not begin with the same sequence, as with a fixed seed."""

    def __init__(self) -> None:
        self._beginnings: set[tuple[bytes, ...]] = set()

    def __call__(self, conversation: Conversation) -> Iterator[Sample]:
        """Judge a connection with at least two masked frames."""
        keyed = [(entry, frame.key) for entry, frame in conversation.frames if frame.key is not None]
        # A single key repeats by chance once in 2^32; two keys in a row practically never do.
        beginning = tuple(key for _, key in keyed[:_FIRST])
        if len(beginning) < 2:
            return
        repeated = beginning in self._beginnings
        self._beginnings.add(beginning)
        label = "the same masking keys as in another connection"
        yield Sample(label, Verdict.FAILED, keyed[0][0]) if repeated else Sample()
