"""A sandbox of one's own, over HTTP or TLS: real processes, real stores, the demo's citizens."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeAlias

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from idp.core.clock import system_clock
from idp.keystore.file import rotate
from idp.keystore.rotation import Policy
from tests.e2e.programs import Program

TIMEOUT = 20.0
KEYS_AGE = 2 * 24 * 3600
"""Seconds: published long enough to be rotated."""
Register: TypeAlias = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that serves. ``ca`` is the authority of its certificate, None over plain HTTP."""

    program: Program
    ca: Path | None = None

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.program.url

    @property
    def directory(self) -> Path:
        """Where its files are, and the tests' own."""
        return self.program.directory

    def http(self) -> httpx.Client:
        """Trusts the provider's authority and no variable of this machine.

        Each request has a connection of its own, so that it may meet either process.
        """
        trust = ssl.create_default_context(cafile=str(self.ca)) if self.ca else True
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(verify=trust, timeout=TIMEOUT, trust_env=False, limits=limits)

    def idp(self, *arguments: str) -> str:
        """Run one of the operator's commands, which succeeds; what it prints."""
        done = self.program.idp(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def register(self, **metadata: Any) -> dict[str, Any]:
        """Register a client as an operator does; what is answered, its secret with it."""
        with NamedTemporaryFile("w", dir=self.directory, suffix=".json") as file:
            json.dump(metadata, file)
            file.flush()
            said = self.idp("client", "create", "--file", file.name, "--format", "json")
        registered: dict[str, Any] = json.loads(said)
        return registered


@contextmanager
def provider(
    directory: Path, *, tls: bool, options: tuple[str, ...] = (), **environment: str
) -> Iterator[Provider]:
    """A sandbox of two processes under ``directory`` that serves until the block ends.

    ``options`` are more of ``idp serve``'s. Its keys are two days old, so that they can be rotated.
    """
    program = Program.under(directory, IDP_SANDBOX="true", **environment)
    bind = ["--bind", f"127.0.0.1:{program.port}", "--workers", "2"]
    ca = None
    if tls:
        program.environment["IDP_ISSUER"] = f"https://localhost:{program.port}"
        ca, certificate, key = certify(directory)
        # What relying parties name is at the suite's own server: on loopback, under this authority.
        program.environment["IDP_OUTBOUND__ALLOW_LOOPBACK"] = "true"
        program.environment["IDP_OUTBOUND__CA_FILE"] = str(ca)
        bind += ["--certificate", str(certificate), "--private-key", str(key)]
    keys = directory / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    rotate(keys, system_clock() - KEYS_AGE, Policy())
    made = Provider(program, ca)
    made.idp("demo", "seed")
    with program.running("serve", *bind, *options):
        yield made


def certify(directory: Path) -> tuple[Path, Path, Path]:
    """An authority's certificate, and one of localhost that it issued with its key (PEM files)."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Private test CA")])
    root = (
        _certificate(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = (
        _certificate(name, root_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer_key, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = {
        "ca.pem": root.public_bytes(pem),
        "certificate.pem": leaf.public_bytes(pem),
        "private-key.pem": private,
    }
    for file, content in files.items():
        (directory / file).write_bytes(content)
    (directory / "private-key.pem").chmod(0o600)
    ca, certificate, private_key = (directory / file for file in files)
    return ca, certificate, private_key


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(identifier, critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
