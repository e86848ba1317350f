"""TLS on the suite's port: a certificate made for this run, or one loaded from files."""

from __future__ import annotations

import base64
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from ..problem import Exit, Problem


@dataclass(frozen=True, slots=True)
class Trust:
    """The digests with which a browser accepts our certificate: `spki` of its key, `sha256` of the certificate."""

    host: str
    port: int
    spki: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A server's TLS context. `cacert` is the file of the CA made for this run, `certificate` ours, in DER."""

    context: ssl.SSLContext
    cacert: Path | None
    certificate: bytes | None = None

    def trust(self, host: str, port: int) -> Trust | None:
        """Return the digests of the certificate made for this run; None if it was loaded from files."""
        if self.certificate is None:
            return None
        digest = hashlib.sha256(self.certificate).hexdigest().upper()
        colons = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
        return Trust(host, port, base64.b64encode(_key_digest(self.certificate)).decode(), colons)


def _key_digest(certificate: bytes) -> bytes:
    # Optional dependencies: cryptography is installed with trustme.
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def generate_certificate(host: str, folder: Path) -> ServerTls:
    """Make a CA for this run alone and a certificate for `host` and the loopback names; write `ca.pem` in `folder`.

    Raises Problem if trustme is not installed, or the file cannot be written.
    """
    try:
        # An optional dependency.
        import trustme
    except ImportError:
        raise Problem("--tls needs trustme: pip install 'wsconform[tls]', or name --cert and --key") from None
    authority = trustme.CA()
    names = dict.fromkeys((host, "localhost", "127.0.0.1", "::1"))
    leaf = authority.issue_cert(*names)
    context = _context()
    leaf.configure_cert(context)
    path = folder / "ca.pem"
    try:
        authority.cert_pem.write_to_path(str(path))
    except OSError as problem:
        raise Problem(f"{path}: cannot be written: {problem.strerror}; name another folder with -o") from None
    pem = leaf.cert_chain_pems[0].bytes().decode()
    return ServerTls(context, path.absolute(), ssl.PEM_cert_to_DER_cert(pem))


def load_certificate(cert: Path, key: Path | None) -> ServerTls:
    """Load the certificate chain in `cert`, and the key in `key` if it is not in `cert`; raises Problem."""
    context = _context()
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ssl.SSLError) as problem:
        if isinstance(problem, ssl.SSLError):
            text = f"--cert {cert}: not a PEM certificate with its matching key, without a password; check both files"
        else:
            text = f"--cert {cert}{f', --key {key}' if key else ''}: cannot be read: {problem.strerror}"
        raise Problem(text, Exit.USAGE) from None
    return ServerTls(context, None)


def _no_password() -> bytes:
    # Without this callback, OpenSSL would ask for a password on the terminal.
    return b""


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    return context
