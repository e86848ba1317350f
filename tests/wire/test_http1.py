"""HTTP/1.1 heads: round trips, tolerant reading, and defects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsconform.wire.fields import TCHAR, Fields, is_token
from wsconform.wire.http1 import Head, Request, Response, chunked_end, head_end, parse_head

tokens = st.lists(st.sampled_from(sorted(TCHAR)), min_size=1, max_size=12).map(bytes)
values = st.binary(max_size=24).map(lambda octets: bytes(octet for octet in octets if octet >= 0x20).strip())
fields = st.lists(st.tuples(tokens, values), max_size=6).map(lambda lines: Fields(tuple(lines)))
# Octets that resemble a head enough to reach every branch of the parser.
heads = st.lists(
    st.sampled_from(
        (b"HTTP/1.1 101 OK", b"\r\n", b"\n", b"\r", b"Name", b":", b" ", b"\t", b"\0", b"\xff", b"5", b";")
    ),
    max_size=20,
).map(b"".join)


def cut(octets: bytes, sizes: list[int]) -> list[bytes]:
    """Return `octets` in pieces of `sizes`; the rest is the last piece."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(octets[start : start + size])
        start += size
    return [*pieces, octets[start:]]


class TestTokens:
    @pytest.mark.parametrize("octets", [b"websocket", b"!#$%&'*+-.^_`|~", b"a"])
    def test_tokens(self, octets: bytes) -> None:
        assert is_token(octets)

    @pytest.mark.parametrize("octets", [b"", b"a b", b"a,", b'"a"', b"a\x7f", b"\xe9"])
    def test_octets_that_are_not_a_token(self, octets: bytes) -> None:
        assert not is_token(octets)


class TestFields:
    FIELDS = Fields.of((("Upgrade", "h2c, ,"), ("Host", " a\t"), ("UPGRADE", b"websocket")))

    def test_look_up_ignores_case_and_trims_values(self) -> None:
        assert self.FIELDS.get_all("upgrade") == (b"h2c, ,", b"websocket")
        assert self.FIELDS.get("HOST") == b"a"
        assert self.FIELDS.get("Origin") is None
        assert "host" in self.FIELDS
        assert "origin" not in self.FIELDS

    def test_elements_are_the_non_empty_ones_of_all_lines(self) -> None:
        assert self.FIELDS.elements("Upgrade") == (b"h2c", b"websocket")

    def test_without_removes_every_line_of_the_name(self) -> None:
        assert self.FIELDS.without("upgrade").lines == ((b"Host", b" a\t"),)

    def test_replacing_keeps_the_position_of_the_first_line(self) -> None:
        assert self.FIELDS.replacing("upgrade", "x", b"y").lines == (
            (b"Upgrade", b"x"),
            (b"Upgrade", b"y"),
            (b"Host", b" a\t"),
        )

    def test_replacing_a_missing_field_adds_it(self) -> None:
        assert Fields().replacing("A", "1").lines == ((b"A", b"1"),)

    def test_text_is_encoded_as_latin_1(self) -> None:
        assert Fields.of((("A", "é"),)).encode() == b"A: \xe9\r\n"

    @given(fields)
    def test_encoded_fields_are_read_back(self, fields: Fields) -> None:
        head = parse_head(Response(fields=fields).encode())
        assert head.fields == fields
        assert head.defects == ()


class TestMessages:
    def test_a_request_is_written_unchanged(self) -> None:
        request = Request(fields=Fields.of((("Host", "a"),)), body=b"body")
        assert request.encode() == b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"

    def test_a_request_may_lack_parts_and_use_other_line_ends(self) -> None:
        request = Request(version=b"", line_end=b"\n", separator=b":").with_field("Host", "a")
        assert request.encode() == b"GET /\nHost:a\n\n"

    def test_changes_return_copies(self) -> None:
        request = Request().with_field("Host", "a")
        assert request.without("host").fields == Fields()
        assert request.replacing("HOST", "b").fields.get("Host") == b"b"
        assert request.fields.get("Host") == b"a"

    @given(
        st.integers(100, 999), st.binary(max_size=12).filter(lambda octets: not set(octets) & set(b"\r\n\0")), fields
    )
    def test_a_response_is_read_back(self, status: int, reason: bytes, fields: Fields) -> None:
        head = parse_head(Response(status=status, reason=reason, fields=fields).encode())
        assert (head.version, head.status, head.reason, head.fields) == (b"HTTP/1.1", status, reason, fields)

    def test_a_response_changes_like_a_request(self) -> None:
        response = Response().with_field("A", "1").replacing("A", "2").with_field("B", "3").without("B")
        assert response.fields.lines == ((b"A", b"2"),)


class TestDefects:
    @pytest.mark.parametrize(
        ("octets", "defect"),
        [
            (b"HTTP/1.1 101 x\nA: 1\n\n", "bare LF"),
            (b"HTTP/1.1 101 x\r\nA: 1\r2\r\n\r\n", "bare CR"),
            (b"HTTP/1.1 101 x\r\nA: \x00\r\n\r\n", "NUL"),
            (b"HTTP/1.1 101 x\r\nA: 1\r\n 2\r\n\r\n", "obs-fold"),
            (b"HTTP/1.1 101 x\r\nnonsense\r\n\r\n", "field line without a name"),
            (b"HTTP/1.1 101 x\r\nA : 1\r\n\r\n", "field line without a name"),
            (b"HTTP/1.1 101\r\n\r\n", "no space after the status code"),
        ],
    )
    def test_each_defect_is_listed_once(self, octets: bytes, defect: str) -> None:
        assert parse_head(octets).defects == (defect,)

    def test_a_folded_line_continues_the_value_before_it(self) -> None:
        assert parse_head(b"HTTP/1.1 101 x\r\nA: 1\r\n\t 2\r\n\r\n").fields.lines == ((b"A", b"1 2"),)

    def test_an_empty_reason_needs_its_space(self) -> None:
        assert parse_head(b"HTTP/1.1 101 \r\n\r\n").defects == ()

    @pytest.mark.parametrize("code", [b"", b"1", b"1010", b"+10", b"abc", "٣٣٣".encode()])
    def test_a_status_that_is_not_three_digits_is_0(self, code: bytes) -> None:
        assert parse_head(b"HTTP/1.1 " + code + b" x\r\n\r\n").status == 0

    def test_a_request_is_read_in_the_same_way(self) -> None:
        head = parse_head(b"GET /chat HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (head.method, head.target, head.fields.get("host"), head.defects) == (b"GET", b"/chat", b"a", ())


class TestBodyLength:
    @staticmethod
    def head(status: int, *lines: bytes) -> Head:
        return parse_head(b"\r\n".join((b"HTTP/1.1 %d x" % status, *lines, b"", b"")))

    def test_statuses_without_a_body(self) -> None:
        assert [self.head(status, b"Content-Length: 5").body_length() for status in (101, 204, 304)] == [0, 0, 0]

    def test_the_response_to_head_has_no_body(self) -> None:
        assert self.head(200, b"Content-Length: 5").body_length(to_head=True) == 0

    def test_chunked_overrides_content_length(self) -> None:
        assert self.head(400, b"Content-Length: 5", b"Transfer-Encoding: gzip, Chunked").body_length() == -1

    def test_content_length(self) -> None:
        assert self.head(400, b"Content-Length: 5").body_length() == 5

    @pytest.mark.parametrize("value", [b"", b"-1", b"5, 5", b"five", b"9" * 5000])
    def test_with_an_invalid_length_the_body_ends_with_the_connection(self, value: bytes) -> None:
        assert self.head(400, b"Content-Length: " + value).body_length() is None

    def test_without_a_length_the_body_ends_with_the_connection(self) -> None:
        assert self.head(400).body_length() is None


class TestReading:
    @given(heads)
    def test_parsing_never_raises(self, octets: bytes) -> None:
        head = parse_head(octets)
        assert head.octets == octets
        assert 0 <= head.status <= 999
        assert head.body_length() is None or head.body_length() in range(-1, 10**19)

    @given(heads)
    def test_a_head_ends_with_its_first_empty_line(self, octets: bytes) -> None:
        end = head_end(octets)
        marks = (b"\r\n\r\n", b"\n\n", b"\n\r\n")
        if end < 0:
            assert not any(mark in octets for mark in marks)
        else:
            assert octets[:end].endswith(marks)
            assert head_end(octets[: end - 1]) == -1

    @given(heads.map(lambda octets: octets + b"\r\n\r\nrest"), st.lists(st.integers(0, 9), max_size=12))
    def test_the_end_of_a_head_does_not_depend_on_the_pieces_it_arrives_in(
        self, octets: bytes, sizes: list[int]
    ) -> None:
        received = bytearray()
        for piece in cut(octets, sizes):
            received += piece
            if head_end(received) >= 0:
                break
        assert head_end(received) == head_end(octets)


class TestChunks:
    BODY = b"5;x=y\r\nhello\r\nA \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"

    def test_a_chunked_body_ends_after_the_trailer(self) -> None:
        assert chunked_end(self.BODY + b"more") == len(self.BODY)
        assert chunked_end(b"0\r\n\r\n") == 5

    def test_every_shorter_piece_is_incomplete(self) -> None:
        assert {chunked_end(self.BODY[:length]) for length in range(len(self.BODY))} == {-1}

    @pytest.mark.parametrize("size", [b"-6", b"-1", b"+5", b"0x5", b"1_0", b"", b"five", b"\xb2"])
    def test_an_invalid_size_is_malformed(self, size: bytes) -> None:
        """A negative size would otherwise cause an endless loop."""
        assert chunked_end(size + b"\r\nhello\r\n0\r\n\r\n") == -1

    @given(st.lists(st.sampled_from((b"5", b"0", b"-", b"\r\n", b"f", b";", b"x")), max_size=14).map(b"".join))
    def test_the_end_is_never_past_the_octets(self, octets: bytes) -> None:
        assert -1 <= chunked_end(octets) <= len(octets)
