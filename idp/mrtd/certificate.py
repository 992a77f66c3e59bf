"""Certificates and revocation lists of the document signing PKI: ICAO 9303-12 §7, RFC 5280.

Read with asn1crypto because the general X.509 readers refuse what States really issue: explicit
curve parameters, ECDSA algorithm identifiers with NULL. Nothing here decides whom to trust.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from asn1crypto import crl, x509

from idp.mrtd import public_key, signatures, tlv
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.policy import Policy
from idp.mrtd.public_key import PublicKey
from idp.mrtd.signatures import SignatureAlgorithm

MAX_CERTIFICATE = 16 * 1024
MAX_NAME = 1024
_KNOWN_CRITICAL = frozenset({"key_usage", "basic_constraints", "certificate_policies"})
_KNOWN_CRITICAL_IN_CRL = frozenset({"crl_number", "authority_key_identifier"})


@dataclass(frozen=True)
class Certificate:
    """One certificate, read and not verified. Times are epoch seconds; ``country`` upper case.

    ``subject`` and ``issuer`` are names as :func:`comparable` gives them.
    """

    der: bytes
    subject: str
    issuer: str
    serial: int
    country: str
    not_before: int
    not_after: int
    key_identifier: bytes | None
    authority_key_identifier: bytes | None
    key_usage: frozenset[str]
    is_ca: bool
    unknown_critical: bool
    public_key_info: bytes
    tbs: bytes
    algorithm: x509.SignedDigestAlgorithm
    signature: bytes

    @cached_property
    def public_key(self) -> PublicKey:
        """The subject's key.

        Raises:
            MRTDError: key-malformed or key-unsupported.
        """
        return public_key.parse(self.public_key_info)


@dataclass(frozen=True)
class RevocationList:
    """One CRL, read and not verified. Times are epoch seconds; ``number`` 0 when it has none."""

    issuer: str
    authority_key_identifier: bytes | None
    number: int
    this_update: int
    next_update: int
    serials: frozenset[int]
    tbs: bytes
    algorithm: x509.SignedDigestAlgorithm
    signature: bytes

    @property
    def key(self) -> tuple[str, bytes | None]:
        """Whose list it is: lists of one issuer and key follow each other."""
        return self.issuer, self.authority_key_identifier


def parse(der: bytes) -> Certificate:
    """Read a certificate.

    Raises:
        MRTDError: certificate-malformed.
    """
    with malformed("certificate-malformed"):
        if len(der) > MAX_CERTIFICATE:
            raise MRTDError("certificate-malformed")
        return read(x509.Certificate.load(tlv.check_structure(der), strict=True))


def read(found: x509.Certificate) -> Certificate:
    """The same of a certificate that asn1crypto found in a larger structure.

    Raises:
        MRTDError: certificate-malformed.
    """
    with malformed("certificate-malformed"):
        tbs = found["tbs_certificate"]
        usage, constraints = found.key_usage_value, found.basic_constraints_value
        if found["signature_algorithm"].dump() != tbs["signature"].dump():
            raise MRTDError("certificate-malformed")  # RFC 5280 §4.1.1.2
        return Certificate(
            der=found.dump(),
            subject=comparable(found.subject),
            issuer=comparable(found.issuer),
            serial=found.serial_number,
            country=str(found.subject.native.get("country_name", "")).upper(),
            not_before=_epoch(found.not_valid_before),
            not_after=_epoch(found.not_valid_after),
            key_identifier=found.key_identifier,
            authority_key_identifier=found.authority_key_identifier,
            key_usage=frozenset(usage.native if usage is not None else ()),
            is_ca=constraints is not None and constraints["ca"].native is True,
            unknown_critical=not found.critical_extensions <= _KNOWN_CRITICAL,
            public_key_info=tbs["subject_public_key_info"].dump(),
            tbs=tbs.dump(),
            algorithm=found["signature_algorithm"],
            signature=_octets(found["signature_value"].contents),
        )


def parse_crl(der: bytes) -> RevocationList:
    """Read a certificate revocation list, a full one of its issuer's own certificates.

    Raises:
        MRTDError: crl-malformed, also for a partial or indirect one: those say so in a critical
            extension, and none is known here.
    """
    with malformed("crl-malformed"):
        found = crl.CertificateList.load(der, strict=True)
        tbs = found["tbs_cert_list"]
        revoked = list(tbs["revoked_certificates"] or ())
        critical = found.critical_extensions.union(*(each.critical_extensions for each in revoked))
        if not critical <= _KNOWN_CRITICAL_IN_CRL or tbs["next_update"].native is None:
            raise MRTDError("crl-malformed")
        number = found.crl_number_value
        return RevocationList(
            issuer=comparable(found.issuer),
            authority_key_identifier=found.authority_key_identifier,
            number=number.native if number is not None else 0,
            this_update=_epoch(tbs["this_update"].native),
            next_update=_epoch(tbs["next_update"].native),
            serials=frozenset(each["user_certificate"].native for each in revoked),
            tbs=tbs.dump(),
            algorithm=found["signature_algorithm"],
            signature=_octets(found["signature"].contents),
        )


def comparable(name: x509.Name) -> str:
    """A name in a form that compares as RFC 5280 §7.1 wants; to fold a long one takes long.

    Raises:
        MRTDError: certificate-malformed when it has over 1024 bytes.
    """
    if len(name.dump()) > MAX_NAME:
        raise MRTDError("certificate-malformed")
    return str(name.hashable)


def check_signed_by(
    signed: Certificate | RevocationList, issuer: Certificate, policy: Policy, *, reason: str
) -> None:
    """Return when ``issuer``'s key signed this, in a way that ``policy`` accepts.

    Raises:
        MRTDError: ``reason`` when it did not, or what the algorithm or key is refused for.
    """
    algorithm = _algorithm(signed)
    signatures.check_policy(issuer.public_key, algorithm, policy)
    signatures.verify(issuer.public_key, algorithm, signed.signature, signed.tbs, reason=reason)


def _algorithm(signed: Certificate | RevocationList) -> SignatureAlgorithm:
    with malformed("algorithm-unsupported"):
        return signatures.read_algorithm(signed.algorithm)


def _octets(bits: bytes) -> bytes:
    """The octets of a BIT STRING's contents, none of whose bits are unused."""
    if bits[:1] != b"\0":
        raise MRTDError("tlv-malformed")
    return bits[1:]


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
