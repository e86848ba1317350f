"""The rows of a ladder: header fields, the text of heads, and hex dumps."""

from __future__ import annotations

import hashlib

import pytest

from tests.support.journals import came, happened, opened, result, sent
from wsconform.evidence.result import Direction, EntryKind, Finding, Octets, TranscriptEntry, Verdict
from wsconform.reports.html.ladder import Row, rows
from wsconform.wire.frame import RSV1, Frame, LengthForm


def row(entry: TranscriptEntry) -> Row:
    (only,) = rows(result(transcript=(entry,)))
    return only


def fields(frame: Frame) -> dict[str, str]:
    return dict(row(came(1, frame)).fields)


def test_sides_times_and_the_entry_that_decided() -> None:
    recorded = result(
        verdict=Verdict.FAILED,
        finding=Finding("a", "b", 1),
        transcript=(
            sent(40, Frame.ping()),
            came(1250, Frame.pong()),
            happened(2000, "FIN", Direction.TARGET),
            happened(2100, "our FIN"),
        ),
    )
    assert [(each.side, each.time, each.decided) for each in rows(recorded)] == [
        ("ours", "0.0 ms", False),
        ("target", "1.2 ms", True),
        ("target", "2.0 ms", False),
        ("event", "2.1 ms", False),
    ]


def test_header_fields_of_a_masked_frame() -> None:
    (only,) = rows(result(transcript=(sent(1, Frame.text("Hello", rsv=RSV1, fin=False)),)))
    assert dict(only.fields) == {
        "FIN": "0",
        "RSV1-3": "100",
        "opcode": "0x1 Text",
        "MASK": "1",
        "length": "5 in 7 bits",
        "masking key": "37 fa 21 3d",
        "payload data": "48 65 6c 6c 6f",
    }


@pytest.mark.parametrize(
    ("frame", "name", "value"),
    [
        (Frame(0x3), "opcode", "0x3"),
        (Frame.pong(), "opcode", "0xa Pong"),
        (Frame.text("grüße"), "payload data", "“grüße”"),
        (Frame.text(b"a\xff\x1b"), "payload data", "“a\\xff\\x1b”"),
        (Frame.binary(b"\x00\xff"), "payload data", "00 ff"),
        (Frame.binary(bytes(65)), "payload data", "00 " * 63 + "00 …"),
        (Frame.close(1002, "no"), "status code", "1002"),
        (Frame.close(1002, "no"), "reason", "“no”"),
        (Frame(0x8, b"\x03"), "status code", "malformed"),
        (Frame(0x1, b"x", form=LengthForm.LONG), "length", "1 in 64 bits, more than it needs"),
        (Frame.binary(bytes(200)), "length", "200 in 16 bits"),
    ],
)
def test_header_fields(frame: Frame, name: str, value: str) -> None:
    assert fields(frame)[name] == value


def test_a_frame_without_payload_has_no_payload_field() -> None:
    assert "payload data" not in fields(Frame.ping())
    assert "masking key" not in fields(Frame.ping())


def test_a_payload_that_was_cut_ends_with_an_ellipsis() -> None:
    assert fields(Frame.text("a" * 1000))["payload data"].endswith("” …")


def test_octets_in_hexadecimal() -> None:
    dump = row(
        TranscriptEntry(
            micros=1,
            direction=Direction.TARGET,
            kind=EntryKind.OCTETS,
            summary="20 octets",
            octets=Octets.of(b"\x81\x05Hello" + bytes(13)),
        )
    ).dump
    assert dump == (
        "0000  81 05 48 65 6c 6c 6f 00 00 00 00 00 00 00 00 00  ··Hello·········",
        "0010  00 00 00 00                                      ····",
    )


def test_a_dump_counts_cut_octets_and_shows_their_digest() -> None:
    octets = bytes(range(256)) * 4
    dump = row(
        TranscriptEntry(
            micros=1, direction=Direction.TARGET, kind=EntryKind.OCTETS, summary="1024 octets", octets=Octets.of(octets)
        )
    ).dump
    digest = hashlib.sha256(octets).hexdigest()
    assert dump[8].strip() == f"… 832 octets are not kept; all 1024 have SHA-256 {digest[:16]}…"
    assert dump[7].startswith("0070  70 71")
    assert dump[9].startswith("03c0  c0 c1")
    assert len(dump) == 8 + 1 + 4


def test_a_plain_head_is_text_alone() -> None:
    request, _ = rows(result(transcript=opened()))
    assert request.lines[:2] == ("GET /chat HTTP/1.1", "Host: 127.0.0.1:9001")
    assert request.dump == ()


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\n\n", b"HTTP/1.1 200 OK\r\nA: \xff\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"A: \x1b[m\r\n\r\n"],
    ids=["bare LF", "not ASCII", "cut off", "control"],
)
def test_a_head_with_unusual_octets_also_has_a_dump(head: bytes) -> None:
    shown = row(
        TranscriptEntry(
            micros=1,
            direction=Direction.TARGET,
            kind=EntryKind.RESPONSE,
            summary="HTTP/1.1 200 OK",
            octets=Octets.of(head),
        )
    )
    assert shown.lines
    assert shown.dump
    assert not any(ord(letter) < 0x20 for line in shown.lines for letter in line)


def test_a_long_head_shows_both_ends() -> None:
    head = b"GET / HTTP/1.1\r\nA: " + b"a" * 400 + b"\r\nLast: field\r\n\r\n"
    shown = row(
        TranscriptEntry(
            micros=1, direction=Direction.OURS, kind=EntryKind.REQUEST, summary="GET / HTTP/1.1", octets=Octets.of(head)
        )
    )
    assert shown.lines[0] == "GET / HTTP/1.1"
    assert shown.lines[-1] == "Last: field"
    assert any("octets are not kept" in line for line in shown.lines)
    assert shown.dump == ()


def test_an_event_cannot_be_opened() -> None:
    assert not row(happened(1, "our FIN")).opens
    assert row(came(1, Frame.ping())).opens
