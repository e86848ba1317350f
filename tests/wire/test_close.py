"""The body of a Close frame, and the status codes that may be sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import EXTERNAL_CLOSE_CODES

from wsconform.wire.close import ASSIGNED, FORBIDDEN_CODES, CloseBody, is_sendable
from wsconform.wire.frame import Frame


class TestCodes:
    @pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
    def test_codes_that_may_be_sent(self, code: int) -> None:
        assert is_sendable(code)

    @pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65535])
    def test_codes_that_may_not_be_sent(self, code: int) -> None:
        assert not is_sendable(code)

    def test_websockets_has_the_same_assigned_codes(self) -> None:
        assert frozenset(int(code) for code in EXTERNAL_CLOSE_CODES) == ASSIGNED

    def test_no_forbidden_code_is_assigned(self) -> None:
        assert FORBIDDEN_CODES.isdisjoint(ASSIGNED)


class TestBody:
    @given(st.integers(0, 0xFFFF), st.binary(max_size=123))
    def test_code_and_reason_of_a_close_frame(self, code: int, reason: bytes) -> None:
        body = CloseBody(Frame.close(code, reason).payload)
        assert (body.code, body.reason, body.is_malformed) == (code, reason, False)

    def test_an_empty_body(self) -> None:
        assert (CloseBody(b"").code, CloseBody(b"").reason, CloseBody(b"").is_malformed) == (None, b"", False)

    def test_a_body_of_one_octet_has_no_code(self) -> None:
        assert (CloseBody(b"\x03").code, CloseBody(b"\x03").is_malformed) == (None, True)

    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            (b"", "empty"),
            (b"\x03", "1 octet"),
            (b"\x03\xe8", "1000"),
            (b"\x03\xeabye", '1002 "bye"'),
            (b"\x03\xea\xff", '1002 "\ufffd"'),
        ],
    )
    def test_words(self, octets: bytes, words: str) -> None:
        assert str(CloseBody(octets)) == words
