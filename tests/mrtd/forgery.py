"""Cards and certificates with something changed and signed again: what a forger would try."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding

from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.mrtd import certificate, tlv
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.testing.authority import Authority, PrivateKey
from idp.mrtd.testing.software_card import CardDetails, SoftwareCard
from idp.mrtd.trust import TrustStore

NOW = 1_790_000_000  # 21 September 2026
DAY = 24 * 3600
CHALLENGE = bytes.fromhex("781723860c06c226")
DETAILS = CardDetails(
    number=PersonalNumber("000199000001"),
    name=Name("Nguyễn Thị Đào"),
    birth_date=BirthDate(1999, 3, 2),
    sex=Sex.FEMALE,
    issued_on=date(2024, 7, 1),
    expires_on=date(2039, 3, 2),
    residence="Số 1, đường Thử Nghiệm",
    former_number="000000001",
)


def refused(reason: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Assert that the call is refused for this reason."""
    with pytest.raises(MRTDError) as caught:
        function(*args, **kwargs)
    assert caught.value.reason == reason


def reason_of(function: Callable[..., Any], *args: Any) -> str | None:
    """Why the call is refused; None when it is not."""
    try:
        function(*args)
    except MRTDError as error:
        return error.reason
    return None


def trust_in(authority: Authority, *lists: bytes) -> TrustStore:
    return TrustStore(
        [certificate.parse(authority.csca_der())], [certificate.parse_crl(each) for each in lists]
    )


def with_groups(card: SoftwareCard, groups: dict[int, bytes | None]) -> CardFiles:
    """The card's files with data groups put in or (None) left out, EF.SOD as it was."""
    changed = dict(card.files.data_groups) | groups
    return CardFiles(
        card.files.sod, {number: data for number, data in changed.items() if data is not None}
    )


def resigned(
    sod: bytes, key: PrivateKey, change: Callable[[cms.SignedData, cms.SignerInfo], None]
) -> bytes:
    """EF.SOD after ``change``, its signed attributes signed again with SHA-256."""
    info = cms.ContentInfo.load(tlv.read(sod).value)
    signed = info["content"]
    signer = signed["signer_infos"][0]
    change(signed, signer)
    signer["signature"] = sign(key, signer["signed_attrs"].untag().dump(force=True))
    return tlv.encode(0x77, info.dump(force=True))


def changed(sod: bytes, change: Callable[[cms.SignedData, cms.SignerInfo], None]) -> bytes:
    """EF.SOD after ``change``, the signature as it was."""
    info = cms.ContentInfo.load(tlv.read(sod).value)
    change(info["content"], info["content"]["signer_infos"][0])
    return tlv.encode(0x77, info.dump(force=True))


def reissued(
    issued: x509.Certificate | bytes,
    key: PrivateKey,
    change: Callable[[asn1_x509.TbsCertificate], None],
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """The certificate after ``change``, signed again by the issuer's ``key``."""
    der = issued if isinstance(issued, bytes) else issued.public_bytes(Encoding.DER)
    found = asn1_x509.Certificate.load(der)
    tbs = found["tbs_certificate"]
    change(tbs)
    found["signature_algorithm"] = tbs["signature"].copy()
    found["signature_value"] = sign(key, tbs.dump(force=True), algorithm or _same_hash(tbs))
    return bytes(found.dump(force=True))


def replace_extension(tbs: asn1_x509.TbsCertificate, name: str, value: Any) -> None:
    """Set an extension's value, or take it away (None)."""
    kept = []
    for each in tbs["extensions"]:
        if each["extn_id"].native == name:
            if value is None:
                continue
            each["extn_value"] = value
        kept.append(each)
    tbs["extensions"] = asn1_x509.Extensions(kept)


def sign(key: PrivateKey, message: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    algorithm = algorithm or hashes.SHA256()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(algorithm))
    return key.sign(message, padding.PKCS1v15(), algorithm)


def _same_hash(tbs: asn1_x509.TbsCertificate) -> hashes.HashAlgorithm:
    names = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384()}
    return names.get(tbs["signature"].hash_algo, hashes.SHA512())


def explicit(der: bytes, curve: Any) -> bytes:
    """A SubjectPublicKeyInfo with its curve's parameters spelt out (``curve``: a Domain)."""
    algorithm, bits = tlv.read(der).children(tlv.SEQUENCE)
    oid, _ = algorithm.children(tlv.SEQUENCE)
    size = (curve.p.bit_length() + 7) // 8
    octets = [tlv.encode(tlv.OCTET_STRING, each.to_bytes(size)) for each in (curve.a, curve.b)]
    base = b"\4" + curve.x.to_bytes(size) + curve.y.to_bytes(size)
    prime_field = tlv.encode(
        tlv.SEQUENCE,
        tlv.encode(tlv.OID, bytes.fromhex("2a8648ce3d0101")),
        tlv.encode_integer(curve.p),
    )
    parameters = tlv.encode(
        tlv.SEQUENCE,
        tlv.encode_integer(1),
        prime_field,
        tlv.encode(tlv.SEQUENCE, *octets),
        tlv.encode(tlv.OCTET_STRING, base),
        tlv.encode_integer(curve.n),
        tlv.encode_integer(curve.h),
    )
    return tlv.encode(tlv.SEQUENCE, tlv.encode(tlv.SEQUENCE, oid.raw, parameters), bits.raw)
