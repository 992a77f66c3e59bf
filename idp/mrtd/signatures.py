"""Signatures of certificates, revocation lists and security objects: 9303-12 §4.4, RFC 4055, 5758.

RSASSA-PKCS1-v1_5, RSASSA-PSS with its parameters, ECDSA. The primitives are OpenSSL's: strict
padding, and r and s within the group.
"""

from dataclasses import dataclass
from enum import Enum

from asn1crypto.algos import DigestAlgorithm, RSASSAPSSParams, SignedDigestAlgorithm
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from idp.mrtd.errors import MRTDError
from idp.mrtd.policy import Policy
from idp.mrtd.public_key import PublicKey

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 -- computed so that a diagnosis can name it; policy refuses
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_MGF1 = "1.2.840.113549.1.1.8"


class Scheme(Enum):
    """The signature scheme, which the key has to fit."""

    PKCS1 = "RSASSA-PKCS1-v1_5"
    PSS = "RSASSA-PSS"
    ECDSA = "ECDSA"


_PSS = "1.2.840.113549.1.1.10"
_SCHEMES: dict[str, tuple[Scheme, str | None]] = {
    "1.2.840.113549.1.1.1": (Scheme.PKCS1, None),
    "1.2.840.113549.1.1.5": (Scheme.PKCS1, "sha1"),
    "1.2.840.113549.1.1.14": (Scheme.PKCS1, "sha224"),
    "1.2.840.113549.1.1.11": (Scheme.PKCS1, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.PKCS1, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.PKCS1, "sha512"),
    "1.2.840.10045.4.1": (Scheme.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (Scheme.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (Scheme.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (Scheme.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (Scheme.ECDSA, "sha512"),
}


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A scheme with its digest (hashlib's name); for PSS the mask's digest and the salt's bytes."""

    scheme: Scheme
    digest: str
    mask: str = ""
    salt: int = 0


def digest_name(algorithm: DigestAlgorithm) -> str:
    """hashlib's name of a digest algorithm.

    Raises:
        MRTDError: algorithm-unsupported.
    """
    return digest_of(algorithm["algorithm"].dotted)


def digest_of(oid: str) -> str:
    """hashlib's name of the digest algorithm ``oid``.

    Raises:
        MRTDError: algorithm-unsupported.
    """
    try:
        return _DIGESTS[oid]
    except KeyError:
        raise MRTDError("algorithm-unsupported") from None


def read_algorithm(
    algorithm: SignedDigestAlgorithm, digest: str | None = None
) -> SignatureAlgorithm:
    """The signature algorithm; ``digest`` is CMS's own, which has to be the same one.

    Raises:
        MRTDError: algorithm-unsupported, or algorithm-inconsistent.
    """
    oid = algorithm["algorithm"].dotted
    if oid == _PSS:
        found = _read_pss(algorithm["parameters"])
    else:
        scheme, own = _SCHEMES.get(oid, (None, None))
        own = own or digest
        if scheme is None or own is None:
            raise MRTDError("algorithm-unsupported")
        found = SignatureAlgorithm(scheme, own)
    if digest is not None and found.digest != digest:
        raise MRTDError("algorithm-inconsistent")
    return found


def _read_pss(parameters: RSASSAPSSParams) -> SignatureAlgorithm:
    digest = digest_name(parameters["hash_algorithm"])
    mask = parameters["mask_gen_algorithm"]
    if mask["algorithm"].dotted != _MGF1 or int(parameters["trailer_field"]) != 1:
        raise MRTDError("algorithm-unsupported")
    salt = parameters["salt_length"].native
    return SignatureAlgorithm(Scheme.PSS, digest, digest_name(mask["parameters"]), salt)


def check_policy(key: PublicKey, algorithm: SignatureAlgorithm, policy: Policy) -> None:
    """Return when ``policy`` accepts a signature of this kind.

    Raises:
        MRTDError: hash-weak, key-weak or pss-salt-short.
    """
    if algorithm.digest not in policy.hashes:
        raise MRTDError("hash-weak")
    least = policy.rsa_bits if isinstance(key, rsa.RSAPublicKey) else policy.ec_bits
    if key.key_size < least:
        raise MRTDError("key-weak")
    if algorithm.scheme is Scheme.PSS and algorithm.salt < HASHES[algorithm.digest].digest_size:
        raise MRTDError("pss-salt-short")


def verify(
    key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, message: bytes, *, reason: str
) -> None:
    """Return when ``key`` made this signature over ``message``.

    Raises:
        MRTDError: ``reason`` when it did not; algorithm-inconsistent for a key of another kind.
    """
    digest = HASHES[algorithm.digest]
    try:
        match key, algorithm.scheme:
            case rsa.RSAPublicKey(), Scheme.PKCS1:
                key.verify(signature, message, padding.PKCS1v15(), digest)
            case rsa.RSAPublicKey(), Scheme.PSS:
                pss = padding.PSS(padding.MGF1(HASHES[algorithm.mask]), algorithm.salt)
                key.verify(signature, message, pss, digest)
            case ec.EllipticCurvePublicKey(), Scheme.ECDSA:
                key.verify(signature, message, ec.ECDSA(digest))
            case _:
                raise MRTDError("algorithm-inconsistent")
    except InvalidSignature:
        raise MRTDError(reason) from None
    except (UnsupportedAlgorithm, ValueError):
        raise MRTDError("algorithm-unsupported") from None
