"""CMS SignedData as EF.SOD and master lists use it: RFC 5652 §5, ICAO 9303-10 §4.6.2, 9303-12 §9.

One signer, who signs attributes. The envelope may be BER (real cards are); what is hashed is taken
as it stands and never encoded again.
"""

import hashlib
import hmac
from dataclasses import dataclass

from asn1crypto import cms, x509

from idp.mrtd import signatures, tlv
from idp.mrtd.certificate import MAX_NAME
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.policy import Policy
from idp.mrtd.public_key import PublicKey
from idp.mrtd.signatures import SignatureAlgorithm

CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
"""1.2.840.113549.1.9.3 and .4, as the values of OBJECT IDENTIFIERs."""

_SIGNER_VERSIONS = {"issuer_and_serial_number": "v1", "subject_key_identifier": "v3"}


@dataclass(frozen=True, slots=True, repr=False)
class SignedData:
    """A SignedData whose parts agree, its signature not yet verified.

    ``content_type`` is an OID in dotted form; ``signed_attributes`` the SET OF that is signed, in
    DER; ``signer`` the DER certificate that the signer's identifier names.
    """

    content_type: str
    content: bytes
    algorithm: SignatureAlgorithm
    signed_attributes: bytes
    message_digest: bytes
    signature: bytes
    signer: bytes
    certificates: tuple[bytes, ...]


def parse(data: bytes) -> SignedData:
    """Read a ContentInfo that holds a SignedData of version 3.

    Raises:
        MRTDError: sod-malformed, sod-signers, sod-signer-unknown, sod-signed-attributes,
            sod-content-type, algorithm-unsupported or algorithm-inconsistent.
    """
    with malformed("sod-malformed"):
        info = cms.ContentInfo.load(tlv.check_structure(data), strict=True)
        if info["content_type"].native != "signed_data":
            raise MRTDError("sod-malformed")
        signed = info["content"]
        if signed["version"].native != "v3":
            raise MRTDError("sod-malformed")
        if len(signed["signer_infos"]) != 1:
            raise MRTDError("sod-signers")
        signer = signed["signer_infos"][0]
        if signer["version"].native != _SIGNER_VERSIONS[signer["sid"].name]:
            raise MRTDError("sod-malformed")
        certificates = tuple(each.chosen for each in signed["certificates"])
        encapsulated = signed["encap_content_info"]
        attributes, raw = _signed_attributes(signer["signed_attrs"])
        declared = cms.ContentType.load(attributes[CONTENT_TYPE].raw, strict=True).dotted
        if declared != encapsulated["content_type"].dotted:
            raise MRTDError("sod-content-type")
        digest = signatures.digest_name(signer["digest_algorithm"])
        return SignedData(
            content_type=declared,
            content=bytes(encapsulated["content"]),
            algorithm=signatures.read_algorithm(signer["signature_algorithm"], digest),
            signed_attributes=raw,
            message_digest=attributes[MESSAGE_DIGEST].expect(tlv.OCTET_STRING),
            signature=bytes(signer["signature"]),
            signer=_named(signer["sid"], certificates),
            certificates=tuple(each.dump() for each in certificates),
        )


def verify(signed: SignedData, key: PublicKey, policy: Policy) -> bytes:
    """The content, now that ``key`` is seen to have signed it.

    Raises:
        MRTDError: sod-digest, sod-signature, algorithm-inconsistent, or what the policy refuses.
    """
    signatures.check_policy(key, signed.algorithm, policy)
    digest = hashlib.new(signed.algorithm.digest, signed.content).digest()
    if not hmac.compare_digest(digest, signed.message_digest):
        raise MRTDError("sod-digest")
    signatures.verify(
        key,
        signed.algorithm,
        signed.signature,
        signed.signed_attributes,
        reason="sod-signature",
    )
    return signed.content


def _signed_attributes(attributes: cms.CMSAttributes) -> tuple[dict[bytes, tlv.Tlv], bytes]:
    """The one value of each attribute by type, and the bytes that are signed (RFC 5652 §5.4)."""
    with malformed("sod-signed-attributes"):
        # Signed under SET OF's own tag although they stand under [0].
        raw = b"\x31" + attributes.dump()[1:]
        found: dict[bytes, tlv.Tlv] = {}
        for each in tlv.read(raw).children(tlv.SET):
            kind, values = each.children(tlv.SEQUENCE)
            (value,) = values.children(tlv.SET)
            if kind.expect(tlv.OID) in found:
                raise MRTDError("sod-signed-attributes")
            found[kind.value] = value
        if not found.keys() >= {CONTENT_TYPE, MESSAGE_DIGEST}:
            raise MRTDError("sod-signed-attributes")
        return found, raw


def _named(sid: cms.SignerIdentifier, certificates: tuple[cms.Certificate, ...]) -> bytes:
    """The certificate that ``sid`` names: not the first one, the named one."""
    if sid.name == "issuer_and_serial_number":
        issuer, serial = _parts(sid.chosen["issuer"]), sid.chosen["serial_number"].native
        named = [
            each.dump()
            for each in certificates
            if each.serial_number == serial and _parts(each.issuer) == issuer
        ]
    else:
        named = [
            each.dump()
            for each in certificates
            if each.key_identifier is not None and each.key_identifier == sid.chosen.native
        ]
    if len(named) != 1:
        raise MRTDError("sod-signer-unknown")
    return bytes(named[0])


def _parts(name: x509.Name) -> list[str]:
    """The parts of a name without their order, which one State's signer turns round."""
    if len(name.dump()) > MAX_NAME:
        raise MRTDError("sod-malformed")
    return sorted(each.hashable for each in name.chosen)
