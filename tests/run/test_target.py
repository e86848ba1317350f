"""Declarations of targets: URLs and their errors, the address in requests, and the dialer."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsconform.endpoint.session import Address
from wsconform.run.target import Target, TargetError, Url


class TestUrl:
    @pytest.mark.parametrize(
        ("text", "url", "authority"),
        [
            ("ws://a", Url("ws", "a", 80, "/"), "a"),
            ("wss://a/", Url("wss", "a", 443, "/"), "a"),
            ("ws://a:80/x", Url("ws", "a", 80, "/x"), "a"),
            ("ws://a:443/", Url("ws", "a", 443, "/"), "a:443"),
            ("wss://a:80/", Url("wss", "a", 80, "/"), "a:80"),
            ("ws://a:0/", Url("ws", "a", 0, "/"), "a:0"),
            ("ws://A.Example:9001/chat?x=%20&y", Url("ws", "a.example", 9001, "/chat?x=%20&y"), "a.example:9001"),
            ("ws://a?x", Url("ws", "a", 80, "/?x"), "a"),
            ("ws://[::1]:9001/", Url("ws", "::1", 9001, "/"), "[::1]:9001"),
            ("wss://[::1]/", Url("wss", "::1", 443, "/"), "[::1]"),
        ],
    )
    def test_parts(self, text: str, url: Url, authority: str) -> None:
        assert Url.parse(text) == url
        assert url.authority == authority
        assert Url.parse(str(url)) == url

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("http://a/x", 'not a ws or wss URL; did you mean "ws://a/x"?'),
            ("https://a/x", 'not a ws or wss URL; did you mean "wss://a/x"?'),
            ("a:9001", "not a ws or wss URL; write ws://HOST:PORT/PATH"),
            ("", "not a ws or wss URL; write ws://HOST:PORT/PATH"),
            ("ws:///x", "there is no host; write ws://HOST:PORT/PATH"),
            ("wss://:1/", "there is no host; write wss://HOST:PORT/PATH"),
            ("ws://a:70000/", "Port out of range 0-65535; write ws://HOST:PORT/PATH"),
            ("ws://a:x/", "Port could not be cast to integer value as 'x'; write ws://HOST:PORT/PATH"),
            ("ws://[::1/", "Invalid IPv6 URL; write ws://HOST:PORT/PATH"),
            ("ws://a/#x", "a WebSocket URL has no fragment (RFC 6455 section 3); leave out #x"),
            ("ws://a/#", "a WebSocket URL has no fragment (RFC 6455 section 3); leave out #"),
            ("ws://u:p@a/", "no user in the URL; use --header 'Authorization: ...'"),
            ("ws://a/b c", "write the path in ASCII, with other characters percent-encoded"),
            ("ws://a/é", "write the path in ASCII, with other characters percent-encoded"),
            ("ws://a/\x01", "write the path in ASCII, with other characters percent-encoded"),
            ("ws://例え/", "write the host in ASCII, as its name begins with xn-- in DNS"),
        ],
    )
    def test_errors_are_one_line_with_advice(self, text: str, words: str) -> None:
        with pytest.raises(TargetError) as caught:
            Url.parse(text)
        assert str(caught.value) == f"{text}: {words}"


class TestTarget:
    def test_requests_name_the_target_as_configured(self) -> None:
        url = Url.parse("wss://a:9001/x")
        target = Target(name="a", url=url, headers=(("Authorization", "x"),), subprotocol="chat")
        assert target.tls
        assert target.address() == Address(
            host="a:9001", target="/x", headers=(("Authorization", "x"),), subprotocol="chat", scheme="wss"
        )
        assert target.address().fields == (("Sec-WebSocket-Protocol", "chat"), ("Authorization", "x"))

    def test_without_a_subprotocol_the_request_has_no_field(self) -> None:
        assert Target(name="a", url=Url.parse("ws://a/")).address().fields == ()

    def test_a_missing_ca_file(self, tmp_path: Path) -> None:
        target = Target(name="a", url=Url.parse("wss://a/"), cacert=str(tmp_path / "none.pem"))
        with pytest.raises(TargetError, match=r"^--cacert .*none\.pem: no certificates in PEM form: "):
            target.dialer()

    def test_a_file_without_certificates(self, tmp_path: Path) -> None:
        (tmp_path / "empty.pem").write_text("nothing")
        target = Target(name="a", url=Url.parse("wss://a/"), cacert=str(tmp_path / "empty.pem"))
        with pytest.raises(TargetError, match=r"^--cacert .*empty\.pem: no certificates in PEM form: "):
            target.dialer()
