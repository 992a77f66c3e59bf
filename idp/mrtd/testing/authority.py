"""The development card authority: a CSCA, its document signer, its revocation list (9303-12 §7)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from idp.mrtd import tlv
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import SOD_TAG
from idp.mrtd.signatures import HASHES
from idp.mrtd.sod import LDS_SECURITY_OBJECT

YEAR = 365 * 24 * 3600
CSCA_TTL = 25 * YEAR
SIGNER_TTL = 15 * YEAR
SIGNING_PERIOD = 5 * YEAR
CRL_TTL = 90 * 24 * 3600

DOCUMENT_TYPES = ObjectIdentifier("2.23.136.1.1.6.2")
CRL_URL = "http://csca.invalid/crl/VNM.crl"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """A CSCA and the document signer it issued, with their private keys."""

    csca: x509.Certificate
    csca_key: PrivateKey = field(repr=False)
    signer: x509.Certificate
    signer_key: PrivateKey = field(repr=False)

    @classmethod
    def found(
        cls,
        now: int,
        *,
        country: str = "VN",
        csca_key: PrivateKey | None = None,
        signer_key: PrivateKey | None = None,
    ) -> "Authority":
        """A new authority, valid from ``now`` (epoch seconds) less a day.

        The CSCA has the shape of the Vietnamese one: brainpoolP512r1 and SHA-512.
        """
        root_key = csca_key or ec.generate_private_key(ec.BrainpoolP512R1())
        key = signer_key or ec.generate_private_key(ec.SECP256R1())
        root = issue_csca(root_key, country=country, now=now)
        return cls(root, root_key, issue_signer(key, root, root_key, now=now), key)

    @classmethod
    def from_pem(cls, data: bytes) -> "Authority":
        """The authority that :meth:`to_pem` wrote.

        Raises:
            MRTDError: card-file-malformed.
        """
        with malformed("card-file-malformed"):
            csca, signer = x509.load_pem_x509_certificates(data)
            keys = [
                serialization.load_pem_private_key(part + _END_KEY, None)
                for part in data.split(_END_KEY)[:-1]
            ]
            if not all(isinstance(each, PrivateKey) for each in keys):
                raise MRTDError("card-file-malformed")
            csca_key, signer_key = keys
            return cls(csca, csca_key, signer, signer_key)  # type: ignore[arg-type]

    def to_pem(self) -> bytes:
        """All of it, private keys in clear: a development authority guards nothing."""
        return b"".join(
            private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)
            for key, certificate in (
                (self.csca_key, self.csca),
                (self.signer_key, self.signer),
            )
        )

    def csca_der(self) -> bytes:
        """The trust anchor, for a trust folder."""
        return self.csca.public_bytes(serialization.Encoding.DER)

    def revocation_list(
        self, *, now: int, number: int, serials: Iterable[int] = (), ttl: int = CRL_TTL
    ) -> bytes:
        """A CRL in DER that revokes the certificates of these ``serials``."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.csca.subject)
            .last_update(_time(now))
            .next_update(_time(now + ttl))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(_authority_key_identifier(self.csca), critical=False)
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder(serial, _time(now))
            builder = builder.add_revoked_certificate(revoked.build())
        signed = builder.sign(self.csca_key, _hash_for(self.csca_key))
        return signed.public_bytes(serialization.Encoding.DER)

    def sign(self, data_groups: Mapping[int, bytes], digest: str = "sha256") -> bytes:
        """EF.SOD over these data groups."""
        content = security_object(data_groups, digest)
        return sign_content(content, self.signer, self.signer_key, digest=digest)


def issue_csca(key: PrivateKey, *, country: str, now: int) -> x509.Certificate:
    """A self-signed country signing certificate."""
    name = _name(country, "CSCA Development")
    builder = _builder(name, name, key, now=now, ttl=CSCA_TTL)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
        .sign(key, _hash_for(key))
    )


def issue_signer(
    key: PrivateKey, csca: x509.Certificate, csca_key: PrivateKey, *, now: int
) -> x509.Certificate:
    """A document signer's certificate from this CSCA, for identity cards."""
    country = str(csca.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0].value)
    document_types = tlv.encode(
        tlv.SEQUENCE, tlv.encode_integer(0), tlv.encode_set([tlv.encode(0x13, b"ID")])
    )
    name = _name(country, "Document Signer Development")
    return (
        _builder(name, csca.subject, key, now=now, ttl=SIGNER_TTL)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(_authority_key_identifier(csca), critical=False)
        .add_extension(x509.UnrecognizedExtension(DOCUMENT_TYPES, document_types), critical=False)
        .sign(csca_key, _hash_for(csca_key))
    )


def security_object(data_groups: Mapping[int, bytes], digest: str = "sha256") -> bytes:
    """The LDSSecurityObject of version 0 that lists these data groups."""
    algorithm = algos.DigestAlgorithm({"algorithm": digest}).dump()
    rows = (
        tlv.encode(
            tlv.SEQUENCE,
            tlv.encode_integer(number),
            tlv.encode(tlv.OCTET_STRING, hashlib.new(digest, data).digest()),
        )
        for number, data in sorted(data_groups.items())
    )
    listed = tlv.encode(tlv.SEQUENCE, *rows)
    return tlv.encode(tlv.SEQUENCE, tlv.encode_integer(0), algorithm, listed)


def sign_content(
    content: bytes,
    signer: x509.Certificate,
    key: PrivateKey,
    *,
    digest: str = "sha256",
    pss: bool = False,
    content_type: str = LDS_SECURITY_OBJECT,
) -> bytes:
    """EF.SOD: ``content`` in a SignedData of version 3, its attributes signed by ``key``."""
    certificate = asn1_x509.Certificate.load(signer.public_bytes(serialization.Encoding.DER))
    digest_algorithm = algos.DigestAlgorithm({"algorithm": digest})
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [content_type]},
            {"type": "message_digest", "values": [hashlib.new(digest, content).digest()]},
        ]
    )
    signer_info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
            ),
            "digest_algorithm": digest_algorithm,
            "signed_attrs": attributes,
            "signature_algorithm": _signature_algorithm(key, digest, pss=pss),
            "signature": _sign(key, attributes.dump(), digest, pss=pss),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [digest_algorithm],
            "encap_content_info": {
                "content_type": content_type,
                "content": core.ParsableOctetString(content),
            },
            "certificates": [certificate],
            "signer_infos": [signer_info],
        }
    )
    info = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    return tlv.encode(SOD_TAG, info.dump())


def private_pem(key: PrivateKey) -> bytes:
    """A private key in PKCS #8 PEM, in clear."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


_END_KEY = b"-----END PRIVATE KEY-----\n"


def _signature_algorithm(key: PrivateKey, digest: str, *, pss: bool) -> algos.SignedDigestAlgorithm:
    if not pss:
        kind = "ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa"
        return algos.SignedDigestAlgorithm({"algorithm": f"{digest}_{kind}"})
    parameters = {
        "hash_algorithm": {"algorithm": digest},
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": digest}},
        "salt_length": HASHES[digest].digest_size,
    }
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _sign(key: PrivateKey, message: bytes, digest: str, *, pss: bool) -> bytes:
    algorithm = HASHES[digest]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(algorithm))
    if pss:
        mask = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        return key.sign(message, mask, algorithm)
    return key.sign(message, padding.PKCS1v15(), algorithm)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, *, now: int, ttl: int
) -> x509.CertificateBuilder:
    """What the certificates of both kinds have (9303-12 §7.1, tables 4 and 5)."""
    start, stop = _time(now - 24 * 3600), _time(now + ttl)
    period = x509.PrivateKeyUsagePeriod(start, _time(now + SIGNING_PERIOD))
    place = [x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.LOCALITY_NAME, "VNM")]))]
    distribution = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(CRL_URL)], None, None, None
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(stop)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(period, critical=False)
        .add_extension(x509.SubjectAlternativeName(place), critical=False)
        .add_extension(x509.IssuerAlternativeName(place), critical=False)
        .add_extension(x509.CRLDistributionPoints([distribution]), critical=False)
    )


def _name(country: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Development Card Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _hash_for(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    if isinstance(key, rsa.RSAPrivateKey) or key.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if key.key_size <= 384 else hashes.SHA512()


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
