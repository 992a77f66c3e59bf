"""Relying parties' servers over TLS: their certificates are as a test wants them."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from idp.outbound.client import OutboundClient, OutboundSettings
from tests.outbound.hostile import Hostile, hostile

HOST = "portal.example.vn"
Serve = Callable[..., Hostile]


class Authority:
    """A private authority that issues servers' certificates."""

    def __init__(self, directory: Path, name: str = "Test CA") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            _builder(self._name, self._name, self._key, days=365)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(issuing=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def server(self, host: str = HOST, *, days: int = 200) -> ssl.SSLContext:
        """A server's side of TLS as ``host``; the certificate ends in ``days`` (past: negative)."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(_name(host), self._name, key, days=days)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(issuing=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self._directory / f"{host}.pem"
        path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    end = datetime.now(UTC) + timedelta(days=days, hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=366))
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, issuing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issuing,
        key_cert_sign=issuing,
        crl_sign=issuing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    """Start a server; by default with a good certificate and an answer 200 to everything."""
    with ExitStack() as stack:

        def start(*parts: bytes, tls: ssl.SSLContext | None = None) -> Hostile:
            server = stack.enter_context(hostile(tls or authority.server()))
            server.answer(*parts)
            return server

        yield start


@pytest.fixture
def outbound(authority: Authority) -> OutboundClient:
    """The guarded client; every name leads to this machine, and private addresses are refused."""
    settings = OutboundSettings(allow_loopback=True, ca_file=authority.file, timeout=3.0, floor=0.0)
    return OutboundClient(settings, lambda host: () if "nowhere" in host else ("127.0.0.1",))
