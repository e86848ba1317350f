"""A target of `wsconform.toml` behind TLS: its certificate is verified against the authority in its `cacert`."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from tests.support.command import CASES, Say, serving, url
from wsconform.journal.journal import read
from wsconform.prepare.config import load

HOST = "127.0.0.1"


def context(authority: trustme.CA, name: str = HOST) -> ssl.SSLContext:
    """Return the TLS context of a server whose certificate `authority` issued for `name`."""
    created = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(created)
    return created


def configure(folder: Path, port: int, authority: trustme.CA) -> None:
    """Write a configuration whose only target is at `port` and trusts `authority`."""
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "wsconform.toml").write_text(f'[targets.secure]\nurl = "{url(port, "wss")}"\ncacert = "ca.pem"\n')


def test_a_target_with_a_certificate_of_its_authority_is_tested(tmp_path: Path, say: Say) -> None:
    authority = trustme.CA()
    with serving(tls=context(authority)) as port:
        configure(tmp_path, port, authority)
        code, out, err = say("run", "secure", *CASES)
    assert (code, err) == (0, "")
    (target,) = read(tmp_path / "wsconform-out" / "journal.jsonl").targets
    assert target.target.transport == "tls"
    assert {result.mark.words for result in target.results} == {"passed"}
    assert out.splitlines()[-1].startswith("Conforms at MUST.")


@pytest.mark.parametrize(
    ("issuer", "name", "reason"),
    [("another", HOST, "unable to get local issuer certificate"), ("its", "elsewhere", "is not valid for")],
)
def test_a_target_with_a_certificate_that_does_not_verify_is_not_tested(
    issuer: str, name: str, reason: str, tmp_path: Path, say: Say
) -> None:
    authority = trustme.CA()
    with serving(tls=context(authority if issuer == "its" else trustme.CA(), name)) as port:
        configure(tmp_path, port, authority)
        code, _, err = say("run", "secure", *CASES)
    assert code == 3
    assert "the certificate does not verify" in err
    assert len(err.splitlines()) == 1
    assert reason in err


def test_the_name_in_the_certificate_is_that_of_the_url(tmp_path: Path) -> None:
    configure(tmp_path, 9001, trustme.CA())
    target = load(tmp_path).table("secure").target({})
    assert target.server_name is None
    assert target.cacert == str(tmp_path / "ca.pem")
