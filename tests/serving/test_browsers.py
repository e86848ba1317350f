"""Browsers as clients: how each is started, and the certificates that it accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from wsconform.problem import Problem
from wsconform.serving.browsers import BROWSERS, fresh_profile, page_url
from wsconform.transport import certificate as tls
from wsconform.transport.certificate import Trust

TRUST = Trust("127.0.0.1", 9001, "c3BraQ==", "AA:BB")


def test_chromium_gets_its_own_profile(tmp_path: Path) -> None:
    words = BROWSERS["chromium"].words("/usr/bin/chromium", tmp_path, "http://127.0.0.1:1/", None)
    assert (words[0], words[-1]) == ("/usr/bin/chromium", "http://127.0.0.1:1/")
    assert {"--headless", "--no-first-run", f"--user-data-dir={tmp_path}"} < set(words)
    assert not any("certificate" in word for word in words)


def test_chromium_trusts_only_our_key(tmp_path: Path) -> None:
    words = BROWSERS["chromium"].words("chromium", tmp_path, "https://127.0.0.1:1/", TRUST)
    assert "--ignore-certificate-errors-spki-list=c3BraQ==" in words
    assert "--ignore-certificate-errors" not in words


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_chromium_keeps_its_sandbox_unless_it_runs_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, expected: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert ("--no-sandbox" in BROWSERS["chromium"].words("c", tmp_path, "http://x/", None)) is expected


def test_firefox_does_not_slow_down_after_failed_handshakes(tmp_path: Path) -> None:
    words = BROWSERS["firefox"].words("firefox-esr", tmp_path, "http://127.0.0.1:1/", TRUST)
    assert words == ("firefox-esr", "--headless", "--no-remote", "--profile", str(tmp_path), "http://127.0.0.1:1/")
    lines = (tmp_path / "user.js").read_text().splitlines()
    assert 'user_pref("network.websocket.delay-failed-reconnects", false);' in lines
    assert 'user_pref("network.websocket.max-connections", 400);' in lines
    assert 'user_pref("services.settings.server", "data:,");' in lines
    assert (tmp_path / "cert_override.txt").read_text().startswith("127.0.0.1:9001:\tOID.2.16.840.1.101.3.4.2.1\tAA:BB")


def test_reports_a_browser_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Problem, match=r"--browser firefox: not installed \(looked for firefox-esr, firefox\)"):
        BROWSERS["firefox"].installed()


def test_page_url_has_the_parameters_of_the_run() -> None:
    assert page_url("ws://127.0.0.1:9001", "a b&c", 6) == "http://127.0.0.1:9001/?agent=a+b%26c&jobs=6&auto=1"
    assert page_url("wss://[::1]:9", "x", 1).startswith("https://[::1]:9/?")


def test_a_profile_is_new_and_is_removed() -> None:
    with fresh_profile() as one, fresh_profile() as other:
        assert one != other
        (one / "file").write_text("x")
    assert not one.exists()


def test_returns_the_digests_of_a_generated_certificate(tmp_path: Path) -> None:
    certificate = tls.generate_certificate("127.0.0.1", tmp_path)
    trust = certificate.trust("127.0.0.1", 1)
    assert trust is not None
    assert (len(trust.spki), len(trust.sha256)) == (44, 95)
    assert certificate.cacert == (tmp_path / "ca.pem").absolute()


def test_returns_no_digests_of_a_loaded_certificate(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    assert tls.load_certificate(tmp_path / "both.pem", None).trust("localhost", 1) is None


@pytest.mark.parametrize(("text", "message"), [("nonsense", "not a PEM certificate"), (None, "cannot be read")])
def test_reports_a_certificate_that_cannot_be_used(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "cert.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Problem, match=message):
        tls.load_certificate(path, None)
