"""EF.SOD, the document security object: ICAO 9303-10 §4.6.2."""

from collections.abc import Mapping
from dataclasses import dataclass

from asn1crypto.algos import DigestAlgorithm

from idp.mrtd import signatures, signed_data, tlv
from idp.mrtd.certificate import Certificate
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import DATA_GROUP_TAGS, SOD_TAG
from idp.mrtd.policy import Policy
from idp.mrtd.signed_data import SignedData

LDS_SECURITY_OBJECT = "2.23.136.1.1.1"
ID_DATA = "1.2.840.113549.1.7.1"

_DIGEST_SIZES = {name: each.digest_size for name, each in signatures.HASHES.items()}


@dataclass(frozen=True, slots=True)
class SecurityObject:
    """Which data groups the card has, by number, and their digests (``digest``: hashlib's name)."""

    digest: str
    hashes: Mapping[int, bytes]


def parse(data: bytes) -> SignedData:
    """The SignedData in EF.SOD, about which nothing is proved yet.

    Raises:
        MRTDError: what :func:`idp.mrtd.signed_data.parse` raises.
    """
    with malformed("sod-malformed"):
        return signed_data.parse(tlv.read(data).expect(SOD_TAG))


def verify(signed: SignedData, signer: Certificate, policy: Policy) -> SecurityObject:
    """The security object, now that ``signer`` is seen to have signed it. Whom ``signer`` is
    trusted by is :mod:`idp.mrtd.trust`'s question.

    Raises:
        MRTDError: what :func:`idp.mrtd.signed_data.verify` and :func:`read` raise, and
            sod-content-type.
    """
    accepted = {LDS_SECURITY_OBJECT} | ({ID_DATA} if policy.foreign_content_type else set())
    if signed.content_type not in accepted:
        raise MRTDError("sod-content-type")
    found = read(signed_data.verify(signed, signer.public_key, policy))
    if found.digest not in policy.hashes:
        raise MRTDError("hash-weak")
    return found


def read(content: bytes) -> SecurityObject:
    """Read an LDSSecurityObject of version 0 or 1, in strict DER.

    Raises:
        MRTDError: sod-malformed, dg-duplicate, or algorithm-unsupported.
    """
    with malformed("sod-malformed"):
        version, algorithm, rows, *rest = tlv.read(content).children(tlv.SEQUENCE)
        # Version 1 is the one that ends with an LDSVersionInfo.
        if version.integer() not in (0, 1) or len(rest) != version.integer():
            raise MRTDError("sod-malformed")
        digest = signatures.digest_name(DigestAlgorithm.load(algorithm.raw, strict=True))
        hashes: dict[int, bytes] = {}
        for row in rows.children(tlv.SEQUENCE):
            number, value = row.children(tlv.SEQUENCE)
            if number.integer() not in DATA_GROUP_TAGS or number.integer() in hashes:
                raise MRTDError("dg-duplicate")
            if len(value.expect(tlv.OCTET_STRING)) != _DIGEST_SIZES[digest]:
                raise MRTDError("sod-malformed")
            hashes[number.integer()] = value.value
        return SecurityObject(digest, hashes)
