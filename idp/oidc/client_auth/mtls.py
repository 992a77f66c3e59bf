"""Client authentication with the certificate of the TLS connection: RFC 8705 §2.

The TLS handshake proved possession of the certificate's key, here or at the operator's proxy; this
module verifies that the certificate is the client's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from idp.jose.jwk import JwkSet
from idp.oidc.clients.certificate import SUBJECTS
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_client

_SPKI = PublicFormat.SubjectPublicKeyInfo


def verify_issued(
    client: Client, certificate: bytes | None, authorities: Sequence[x509.Certificate], *, now: int
) -> Client:
    """The client, if an accepted authority issued the certificate to its registered name (§2.1).

    Raises:
        OAuthError: ``invalid_client``.
    """
    found = _parse(certificate)
    _check_chain(found, authorities, now)
    for member, subject in SUBJECTS.items():
        registered = getattr(client, member)
        if registered and subject.parse(registered) in subject.find(found):
            return client
    raise invalid_client("certificate_subject")


def verify_registered(client: Client, certificate: bytes | None, keys: JwkSet) -> Client:
    """The client, if the certificate holds one of its registered keys (§2.2).

    The certificate's dates and issuer are ignored: the registration establishes trust in the key.

    Raises:
        OAuthError: ``invalid_client``.
    """
    try:
        shown = _parse(certificate).public_key().public_bytes(Encoding.DER, _SPKI)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise invalid_client("certificate_key") from error
    if any(shown == each.key.public_bytes(Encoding.DER, _SPKI) for each in keys.keys):
        return client
    raise invalid_client("certificate_key")


def _parse(certificate: bytes | None) -> x509.Certificate:
    if certificate is None:
        raise invalid_client("no_certificate")
    try:
        return x509.load_der_x509_certificate(certificate)
    except ValueError as error:
        raise invalid_client("malformed_certificate") from error


def _check_chain(
    certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: int
) -> None:
    """RFC 5280 §6; the trust anchors may be intermediate certificates."""
    if not authorities:
        raise invalid_client("no_certificate_authority")
    verifier = (
        PolicyBuilder()
        .store(Store(list(authorities)))
        .time(datetime.fromtimestamp(now, UTC))
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=_CLIENT)
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [])
    except VerificationError as error:
        raise invalid_client("certificate_not_trusted") from error


def _check_usage(
    _: Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None
) -> None:
    wanted = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and wanted.isdisjoint(usage):
        raise ValueError("the certificate is not for client authentication")


_CLIENT = ExtensionPolicy.permit_all().may_be_present(
    x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _check_usage
)
_AUTHORITY = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.AGNOSTIC, None
)
