"""The values of the opening handshake: key, accept, extensions, compared with `websockets`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.headers import build_extension, parse_extension
from websockets.typing import ExtensionName
from websockets.utils import accept_key

from wsconform.wire.fields import TCHAR, Fields
from wsconform.wire.handshake import (
    Extension,
    MalformedExtensions,
    accept_value,
    decodes_to_16_octets,
    deflate_answers,
    deflate_problem,
    encode_key,
    offered,
    parse_extensions,
)
from wsconform.wire.http1 import base_request, base_response

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
tokens = st.text(st.sampled_from([chr(octet) for octet in sorted(TCHAR)]), min_size=1, max_size=8)
extensions = st.builds(Extension, tokens, st.lists(st.tuples(tokens, st.none() | tokens), max_size=3).map(tuple))


def deflate(text: str = "") -> Extension:
    """Return permessage-deflate with the parameters in `text`."""
    return parse_extensions(b"permessage-deflate" + (f"; {text}".encode() if text else b""))[0]


class TestKey:
    def test_the_example_of_section_1_3(self) -> None:
        assert accept_value(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    def test_the_key_of_the_example_is_an_encoded_nonce(self) -> None:
        assert encode_key(b"the sample nonce") == KEY

    @given(st.binary(min_size=16, max_size=16))
    def test_websockets_computes_the_same_accept_value(self, nonce: bytes) -> None:
        key = encode_key(nonce)
        assert decodes_to_16_octets(key)
        assert accept_key(key.decode()) == accept_value(key).decode()

    @pytest.mark.parametrize(
        "key",
        [b"", b"AAAA", KEY[:-2], KEY[:-1], KEY + b"=", KEY + b"A", b" " + KEY, KEY.replace(b"G", b"*"), b"\xff" * 24],
    )
    def test_invalid_keys(self, key: bytes) -> None:
        assert not decodes_to_16_octets(key)


class TestExtensions:
    @given(st.lists(extensions, min_size=1, max_size=3))
    def test_written_extensions_are_read_by_us_and_by_websockets(self, listed: list[Extension]) -> None:
        text = ", ".join(map(str, listed))
        assert parse_extensions(text.encode()) == tuple(listed)
        assert parse_extension(text) == [(each.name, list(each.parameters)) for each in listed]

    @given(st.lists(extensions, min_size=1, max_size=3))
    def test_extensions_written_by_websockets_are_read(self, listed: list[Extension]) -> None:
        text = build_extension([(ExtensionName(each.name), list(each.parameters)) for each in listed])
        assert parse_extensions(text.encode()) == tuple(listed)

    def test_quoted_values_white_space_and_empty_elements(self) -> None:
        value = b' ,foo ; a = "b\\c" ;d,\t, bar,'
        assert parse_extensions(value) == (Extension("foo", (("a", "bc"), ("d", None))), Extension("bar"))

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (b"", "the list is empty"),
            (b" , ,", "the list is empty"),
            (b"foo;", "a parameter's name is missing at octet 4"),
            (b"foo; a=", "a parameter's value is missing at octet 7"),
            (b"foo; =a", "a parameter's name is missing at octet 5"),
            (b";a", "an extension's name is missing at octet 0"),
            (b"foo bar", "octet 4 is not a separator"),
            (b'foo; a="b', "a quoted string is not closed"),
            (b'foo; a="b\\', "a quoted string is not closed"),
            (b'foo; a="b c"', "the quoted value b'b c' is not a token"),
            (b'foo; a=""', "the quoted value b'' is not a token"),
            (b"f\xf6o", "octet 1 is not a separator"),
        ],
    )
    def test_malformed(self, value: bytes, words: str) -> None:
        with pytest.raises(MalformedExtensions) as caught:
            parse_extensions(value)
        assert str(caught.value) == words

    @given(st.lists(st.sampled_from((b"a", b";", b",", b"=", b'"', b"\\", b" ", b"\xff")), max_size=14).map(b"".join))
    def test_any_octets_are_read_or_malformed(self, value: bytes) -> None:
        with contextlib.suppress(MalformedExtensions):
            read = parse_extensions(value)
            assert parse_extensions(", ".join(map(str, read)).encode()) == read

    def test_several_lines_are_one_list(self) -> None:
        fields = Fields.of((("Sec-WebSocket-Extensions", "a"), ("Host", "x"), ("sec-websocket-extensions", "b; c")))
        assert offered(fields) == (Extension("a"), Extension("b", (("c", None),)))
        assert offered(Fields()) == ()

    def test_a_parameter_is_looked_up(self) -> None:
        extension = deflate("a; b=1; b=2")
        assert [extension.get(name) for name in ("a", "b", "c")] == ["", "1", None]


class TestDeflateParameters:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "server_no_context_takeover; client_no_context_takeover",
            "server_max_window_bits=8; client_max_window_bits=15",
        ],
    )
    def test_good_in_offer_and_answer(self, text: str) -> None:
        assert deflate_problem(deflate(text), answer=False) is None
        assert deflate_problem(deflate(text), answer=True) is None

    def test_client_max_window_bits_needs_a_value_in_an_answer_alone(self) -> None:
        assert deflate_problem(deflate("client_max_window_bits"), answer=False) is None
        assert deflate_problem(deflate("client_max_window_bits"), answer=True) == "client_max_window_bits has no value"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("unknown", "the parameter unknown is not defined"),
            ("client_max_window_bits=9; client_max_window_bits", "the parameter client_max_window_bits appears twice"),
            ("server_max_window_bits", "server_max_window_bits has no value"),
            ("server_no_context_takeover=1", "server_no_context_takeover has a value"),
            ("server_max_window_bits=7", "server_max_window_bits=7 is outside 8 to 15"),
            ("server_max_window_bits=16", "server_max_window_bits=16 is outside 8 to 15"),
            ("server_max_window_bits=010", "server_max_window_bits=010 is outside 8 to 15"),
            ("client_max_window_bits=+9", "client_max_window_bits=+9 is outside 8 to 15"),
            ("client_max_window_bits=x", "client_max_window_bits=x is outside 8 to 15"),
        ],
    )
    def test_bad_in_either(self, text: str, words: str) -> None:
        assert deflate_problem(deflate(text), answer=False) == words
        assert deflate_problem(deflate(text), answer=True) == words

    @pytest.mark.parametrize(
        ("offer", "answer", "words"),
        [
            ("", "", None),
            ("", "server_max_window_bits=9; client_no_context_takeover", None),
            ("client_max_window_bits", "client_max_window_bits=9", None),
            ("server_max_window_bits=10", "server_max_window_bits=10", None),
            ("", "nonsense", "the parameter nonsense is not defined"),
            ("", "client_max_window_bits=9", "client_max_window_bits was not offered"),
            ("server_max_window_bits=10", "", "server_max_window_bits=15 is more than the requested 10"),
            (
                "server_max_window_bits=10",
                "server_max_window_bits=11",
                "server_max_window_bits=11 is more than the requested 10",
            ),
            ("server_no_context_takeover", "", "server_no_context_takeover was requested and is missing"),
        ],
    )
    def test_answer_to_offer(self, offer: str, answer: str, words: str | None) -> None:
        assert deflate_answers(deflate(answer), deflate(offer)) == words


class TestMessages:
    def test_the_request_has_the_fields_of_section_4_1_and_the_extra_ones(self) -> None:
        request = base_request("a:1", "/chat?x", KEY, (("Origin", "http://a"),))
        assert request.encode() == (
            b"GET /chat?x HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\nOrigin: http://a\r\n\r\n"
        )

    def test_the_response_has_the_fields_of_section_4_2_2(self) -> None:
        assert base_response(KEY).encode() == (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
