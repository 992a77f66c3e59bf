"""Public keys as JSON: RFC 7517, RFC 7518 §6, RFC 8037 §2, thumbprints RFC 7638.

What a relying party gives us is checked when it is read: a key that comes out of here is on its
curve, long enough, and public.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import joserfc.jwk
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idp.core.handles import b64url, b64url_decode
from idp.jose.algorithms import PublicKey, usable

MAX_KEYS = 20
MAX_KID = 256
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
"""Members that no public key has (RFC 7518 §6)."""


class InvalidKey(ValueError):
    """A JWK that we refuse; the message says why and holds nothing of the key."""


class UnknownKey(InvalidKey):
    """A JWK of a type or curve that we do not speak: skipped in a set (RFC 7517 §5)."""


@dataclass(frozen=True, slots=True)
class Jwk:
    """One public key. ``alg`` None: any algorithm of its type; ``use`` ``sig``, ``enc`` or None."""

    kid: str
    key: PublicKey = field(repr=False)
    alg: str | None = None
    use: str | None = None

    def verifies(self, alg: str) -> bool:
        """Whether a signature under ``alg`` may be checked with this key."""
        return self.use != "enc" and self.alg in {None, alg} and usable(alg, self.key)

    def encrypts(self, alg: str) -> bool:
        """Whether something may be encrypted to this key under ``alg`` (RFC 7518 §4)."""
        wanted = RSAPublicKey if alg.startswith("RSA") else EllipticCurvePublicKey
        return self.use != "sig" and self.alg in {None, alg} and isinstance(self.key, wanted)

    def export(self) -> dict[str, str]:
        """The JWK, public members only."""
        named = {"kid": self.kid, "use": self.use, "alg": self.alg}
        return members(self.key) | {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class JwkSet:
    """Public keys of one party."""

    keys: tuple[Jwk, ...] = ()

    def find(self, kid: str | None, alg: str) -> Jwk | None:
        """The key ``kid`` if it may verify ``alg``; without a kid, the only key that may.

        Two keys that fit and no kid to tell them apart: None (OIDC Core §10.1).
        """
        fitting = [each for each in self.keys if each.verifies(alg) and kid in {None, each.kid}]
        return fitting[0] if len(fitting) == 1 else None

    def encryption_key(self, alg: str) -> Jwk | None:
        """What to encrypt to under ``alg``: a key that is for it, else one that is for anything."""
        fitting = [each for each in self.keys if each.encrypts(alg)]
        return next((each for each in fitting if each.use), next(iter(fitting), None))

    def export(self) -> dict[str, list[dict[str, str]]]:
        """The JWK set as JSON (RFC 7517 §5)."""
        return {"keys": [each.export() for each in self.keys]}


def members(key: PublicKey) -> dict[str, str]:
    """The required members of a JWK, as RFC 7638 §3.2 wants them for a thumbprint."""
    match key:
        case EllipticCurvePublicKey():
            point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            half = (len(point) - 1) // 2
            x, y = b64url(point[1 : 1 + half]), b64url(point[1 + half :])
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case RSAPublicKey():
            numbers = key.public_numbers()
            return {"kty": "RSA", "n": _from_uint(numbers.n), "e": _from_uint(numbers.e)}
        case _:
            raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
            return {"kty": "OKP", "crv": "Ed25519", "x": b64url(raw)}


def thumbprint(key: PublicKey) -> str:
    """The key's SHA-256 thumbprint, base64url (RFC 7638): our kid, and a DPoP key's name."""
    return joserfc.jwk.thumbprint(dict(members(key)))


def parse_jwk(value: object) -> Jwk:
    """A public key from its JWK. Without a kid it is named by its thumbprint.

    Raises:
        UnknownKey: a key type or curve that we do not speak.
        InvalidKey: private or symmetric, weak, off its curve, or malformed.
    """
    if not isinstance(value, Mapping):
        raise InvalidKey("a JWK is an object")
    if not PRIVATE_MEMBERS.isdisjoint(value) or value.get("kty") == "oct":
        raise InvalidKey("a private or symmetric key")
    kid, alg, use = (_text(value, name) for name in ("kid", "alg", "use"))
    operations = value.get("key_ops")
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        use = use or "enc"
    key = _public_key(value)
    return Jwk(kid or thumbprint(key), key, alg, use)


def parse_jwk_set(value: object, *, most: int = MAX_KEYS) -> JwkSet:
    """A relying party's JWK set. Keys of unknown kinds are skipped, bad ones refuse the set.

    Raises:
        InvalidKey: not a set, over ``most`` keys, one of them invalid, or two with one name.
    """
    keys = value.get("keys") if isinstance(value, Mapping) else None
    if not isinstance(keys, Sequence) or isinstance(keys, str) or len(keys) > most:
        raise InvalidKey(f"a JWK set has an array of at most {most} keys")
    found = []
    for each in keys:
        try:
            found.append(parse_jwk(each))
        except UnknownKey:
            continue
    if len({(each.kid, each.use, type(each.key)) for each in found}) != len(found):
        raise InvalidKey("two keys with one kid")
    return JwkSet(tuple(found))


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not (isinstance(found, str) and 0 < len(found) <= MAX_KID):
        raise InvalidKey(f"{name} is not a short string")
    return found


def _public_key(value: Mapping[str, Any]) -> PublicKey:
    match value.get("kty"), value.get("crv"):
        case "EC", "P-256":
            x, y = (int.from_bytes(_bytes(value, each, 32)) for each in ("x", "y"))
            try:
                return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
            except ValueError as error:
                raise InvalidKey("the point is not on its curve") from error
        case "OKP", "Ed25519":
            return Ed25519PublicKey.from_public_bytes(_bytes(value, "x", 32))
        case "RSA", _:
            return _rsa_key(value)
        case _:
            raise UnknownKey("a key type or curve that is not supported")


def _rsa_key(value: Mapping[str, Any]) -> RSAPublicKey:
    modulus, exponent = (_uint(value, name) for name in ("n", "e"))
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise InvalidKey("an RSA key has 2048 to 8192 bits")
    # An exponent over 32 bits only makes each verification slow.
    if not (exponent % 2 and modulus % 2 and 3 <= exponent < 1 << 32):
        raise InvalidKey("not an RSA public key")
    return RSAPublicNumbers(exponent, modulus).public_key()


def _bytes(value: Mapping[str, Any], name: str, size: int | None = None) -> bytes:
    text = value.get(name)
    try:
        data = b64url_decode(text) if isinstance(text, str) else b""
    except ValueError as error:
        raise InvalidKey(f"{name} is not base64url") from error
    if not data or (size is not None and len(data) != size):
        raise InvalidKey(f"{name} is missing or of the wrong length")
    return data


def _uint(value: Mapping[str, Any], name: str) -> int:
    data = _bytes(value, name)
    if data[0] == 0 or len(data) > MAX_RSA_BITS // 8:
        raise InvalidKey(f"{name} is not a Base64urlUInt")
    return int.from_bytes(data)


def _from_uint(number: int) -> str:
    return b64url(number.to_bytes((number.bit_length() + 7) // 8))
