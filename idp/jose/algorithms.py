"""Signature algorithms (RFC 7518 §3, RFC 8037, RFC 9864): the asymmetric ones we speak.

There is no ``none`` and no HMAC here, so that no list of allowed algorithms can let one in. Each
algorithm is bound to one type of key: a token never chooses how a key is used.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import Algorithm, ECAlgorithm, OKPAlgorithm, RSAAlgorithm, RSAPSSAlgorithm

PrivateKey: TypeAlias = EllipticCurvePrivateKey | RSAPrivateKey | Ed25519PrivateKey
PublicKey: TypeAlias = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey


class BadSignature(Exception):
    """A signature that is not this key's over this message."""


@dataclass(frozen=True, slots=True)
class _Entry:
    algorithm: Algorithm
    private: type[PrivateKey]
    public: type[PublicKey]


_EDDSA = _Entry(OKPAlgorithm(), Ed25519PrivateKey, Ed25519PublicKey)
_ENTRIES = {
    "ES256": _Entry(
        ECAlgorithm(SHA256, SECP256R1), EllipticCurvePrivateKey, EllipticCurvePublicKey
    ),
    "RS256": _Entry(RSAAlgorithm(SHA256), RSAPrivateKey, RSAPublicKey),
    "PS256": _Entry(RSAPSSAlgorithm(SHA256), RSAPrivateKey, RSAPublicKey),
    "EdDSA": _EDDSA,
    "Ed25519": _EDDSA,
}
ALGORITHMS = tuple(_ENTRIES)
"""Every algorithm we can verify."""


def usable(alg: str, key: PublicKey) -> bool:
    """Whether ``alg`` is an algorithm for this type of key."""
    entry = _ENTRIES.get(alg)
    return entry is not None and isinstance(key, entry.public)


def sign(alg: str, key: PrivateKey, message: bytes) -> bytes:
    """The JWS signature of ``message`` (ECDSA: raw ``r ‖ s``).

    Raises:
        ValueError: not one of ours, or not an algorithm for this key.
    """
    entry = _ENTRIES.get(alg)
    if entry is None or not isinstance(key, entry.private):
        raise ValueError(f"{alg} is no algorithm for this key")
    signature: bytes = entry.algorithm.sign(message, entry.algorithm.prepare_key(key))
    return signature


def verify(alg: str, key: PublicKey, message: bytes, signature: bytes) -> None:
    """Return when ``signature`` is good.

    Raises:
        BadSignature: it is not, or ``alg`` is no algorithm for this key.
    """
    if not usable(alg, key):
        raise BadSignature
    algorithm: Any = _ENTRIES[alg].algorithm
    if not algorithm.verify(message, algorithm.prepare_key(key), signature):
        raise BadSignature
