"""Encrypted tokens: JWE compact serialization (RFC 7516), algorithms of RFC 7518 §4 and §5.

Only public keys of one recipient: no password, no shared key, no PKCS #1 v1.5, no compression
(RFC 8725 §3.6), whatever a token's header asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, decrypt_compact, encrypt_compact
from joserfc.jwk import ECKey, RSAKey

from idp.core.handles import b64url_decode
from idp.core.strict_json import loads_object
from idp.jose.algorithms import PublicKey
from idp.jose.jwk import MAX_KID, InvalidKey, Jwk, members, parse_jwk, thumbprint
from idp.jose.jwt import InvalidToken

ALGS = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")
ENCS = ("A128CBC-HS256", "A128GCM", "A256GCM")
MAX_JWE = 24 * 1024
"""A token of :data:`idp.jose.jwt.MAX_TOKEN`, encrypted."""
PARTS = 5

_HARMLESS = frozenset({"alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", "iss", "sub", "aud"})
_REGISTRY = JWERegistry(algorithms=(*ALGS, *ENCS), strict_check_header=False)
_RSA = frozenset({"RSA-OAEP-256"})

PrivateKey: TypeAlias = EllipticCurvePrivateKey | RSAPrivateKey


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key of ours that tokens may be encrypted to."""

    kid: str
    key: PrivateKey = field(repr=False)

    def decrypts(self, alg: str) -> bool:
        """Whether the key is of the type that ``alg`` is for."""
        return isinstance(self.key, RSAPrivateKey) is (alg in _RSA)


def encrypt(plaintext: str, key: Jwk, *, alg: str, enc: str, cty: str | None = None) -> str:
    """``plaintext`` for the holder of ``key`` alone. ``cty`` is ``JWT`` when it is one (§4.1.12).

    Raises:
        ValueError: not algorithms of ours, or not a key for them.
    """
    if alg not in ALGS or enc not in ENCS or not key.encrypts(alg):
        raise ValueError("no key for these algorithms")
    named = {"kid": key.kid} if key.kid != thumbprint(key.key) else {}  # else we named it
    header = {"alg": alg, "enc": enc, **named, **({"cty": cty} if cty else {})}
    return encrypt_compact(header, plaintext, _native(key.key), registry=_REGISTRY)


def decrypt(token: str, keys: Sequence[DecryptionKey]) -> str:
    """What is encrypted in ``token`` for one of ``keys``.

    Raises:
        InvalidToken: it is malformed, or for nobody here, or was changed on the way.
    """
    header = _header(token)
    kid, alg = header.get("kid"), header["alg"]
    fitting = [each for each in keys if each.decrypts(alg) and kid in {None, each.kid}]
    for each in fitting:
        try:
            found = decrypt_compact(token, _native(each.key), registry=_REGISTRY)
            return (found.plaintext or b"").decode("utf-8")
        except (JoseError, InvalidTag, ValueError, TypeError, AssertionError):
            continue  # why is not told: it would help to guess
    raise InvalidToken("decryption" if fitting else "unknown_encryption_key")


def _native(key: PublicKey | PrivateKey) -> RSAKey | ECKey:
    match key:
        case RSAPublicKey() | RSAPrivateKey():
            return RSAKey(key, key)
        case EllipticCurvePublicKey() | EllipticCurvePrivateKey():
            return ECKey(key, key)
    raise ValueError("a key that nothing can be encrypted to")


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > MAX_JWE:
        raise InvalidToken("too_long")
    parts = token.split(".")
    if len(parts) != PARTS:
        raise InvalidToken("malformed")
    try:
        header = loads_object(b64url_decode(parts[0]))
    except ValueError as error:
        raise InvalidToken("malformed") from error
    if not header.keys() <= _HARMLESS:
        raise InvalidToken("header")
    if header.get("alg") not in ALGS or header.get("enc") not in ENCS:
        raise InvalidToken("algorithm")
    _check_text(header, "kid", "apu", "apv", "typ", "cty")
    if header["alg"] not in _RSA:
        _check_ephemeral(header.get("epk"))
    return header


def _check_text(header: Mapping[str, Any], *names: str) -> None:
    for name in names:
        value = header.get(name, "")
        if not isinstance(value, str) or len(value) > MAX_KID:
            raise InvalidToken("header")


def _check_ephemeral(value: object) -> None:
    """The sender's key is a point on our curve: else its products would tell of our key."""
    try:
        key = parse_jwk(value).key
    except InvalidKey as error:
        raise InvalidToken("epk") from error
    if members(key)["kty"] != "EC":
        raise InvalidToken("epk")
