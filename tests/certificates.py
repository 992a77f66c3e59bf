"""Certificates of relying parties: an authority's, self-signed, expired, for other uses."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Pair: TypeAlias = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def authority(
    name: str = "Client CA",
    *,
    ca: bool = True,
    issuer: Pair | None = None,
    at: datetime | None = None,
) -> Pair:
    """An authority, or what only looks like one; below ``issuer``, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    extension = x509.BasicConstraints(ca=ca, path_length=None)
    return _sign(_name(name), key, issuer, at or datetime.now(UTC), (extension,)), key


def issued(
    issuer: Pair,
    subject: x509.Name | str = "portal",
    *,
    names: tuple[x509.GeneralName, ...] = (),
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
    at: datetime | None = None,
) -> Pair:
    """A certificate of ``issuer`` for a client, valid for a day around ``at`` (now)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(subject) if isinstance(subject, str) else subject
    extensions: list[x509.ExtensionType] = [x509.BasicConstraints(ca=False, path_length=None)]
    if names:
        extensions.append(x509.SubjectAlternativeName(names))
    if usage:
        extensions.append(x509.ExtendedKeyUsage([usage]))
    return _sign(name, key, issuer, at or datetime.now(UTC), tuple(extensions)), key


def self_signed(subject: str, *, at: datetime | None = None) -> Pair:
    """A certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _sign(_name(subject), key, None, at or datetime.now(UTC), ()), key


def der(certificate: x509.Certificate) -> bytes:
    """As it is in a TLS handshake."""
    return certificate.public_bytes(Encoding.DER)


def write(directory: Path, name: str, pair: Pair) -> tuple[Path, Path]:
    """Certificate and key as PEM files."""
    certificate, key = pair
    files = directory / f"{name}.pem", directory / f"{name}-key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files[1].chmod(0o600)
    return files


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: Pair | None,
    at: datetime,
    extensions: tuple[x509.ExtensionType, ...],
) -> x509.Certificate:
    above = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=isinstance(each, x509.BasicConstraints))
    return builder.sign(above[1], hashes.SHA256())
