"""The provider's keys at one moment: next, current and retired ones of each algorithm.

All that sign are published (OIDC Core §10.1.1): the next before it is used, so that every relying
party has met it; the retired until the last thing it signed has ended. Of those that others encrypt
to, the current ones are published, and every one still decrypts (§10.2.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.core.errors import Unavailable
from idp.jose import jwe
from idp.jose.algorithms import PrivateKey, PublicKey
from idp.jose.jwe import DecryptionKey
from idp.jose.jwk import Jwk, JwkSet, thumbprint
from idp.jose.signer import LocalSigner, Signer

RSA_BITS = 3072
"""128 bits of strength, as P-256 has (NIST SP 800-57-1 §5.6.1)."""
RSA_OAEP, ECDH = "RSA-OAEP-256", "ECDH-ES"
ENCRYPTION_ALGS = (RSA_OAEP, ECDH)
"""By the algorithm a key is made for; one for ECDH-ES is for all of its variants."""


class WeakKey(ValueError):
    """A key that must not sign for us."""


class KeyState(StrEnum):
    """Where a key is in its life."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair that signs under one algorithm; in this ``state`` since (epoch seconds)."""

    signer: Signer
    public: PublicKey = field(repr=False)
    state: KeyState
    since: int

    @property
    def kid(self) -> str:
        """Its name in the JWK set."""
        return self.signer.kid

    @property
    def alg(self) -> str:
        """What it signs with."""
        return self.signer.alg

    def become(self, state: KeyState, now: int) -> "SigningKey":
        """The same key, in another state from now on."""
        return replace(self, state=state, since=now)


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A key pair that others encrypt to; in this ``state`` since (epoch seconds)."""

    kid: str
    alg: str
    private: jwe.PrivateKey = field(repr=False)
    state: KeyState
    since: int

    @property
    def jwk(self) -> Jwk:
        """What is published of it."""
        alg = None if self.alg == ECDH else self.alg
        return Jwk(self.kid, self.private.public_key(), alg, "enc")

    def become(self, state: KeyState, now: int) -> "EncryptionKey":
        """The same key, in another state from now on."""
        return replace(self, state=state, since=now)


Key: TypeAlias = SigningKey | EncryptionKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """Every key there is. At most one is current and one is next for each algorithm."""

    keys: tuple[Key, ...] = ()
    _signers: Mapping[str, Signer] = field(init=False, repr=False, compare=False)
    _public: JwkSet = field(init=False, repr=False, compare=False)
    _exported: dict[str, Any] = field(init=False, repr=False, compare=False)
    _decryption: tuple[DecryptionKey, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len({each.kid for each in self.keys}) != len(self.keys):
            raise ValueError("a key is there twice")
        for state in (KeyState.NEXT, KeyState.CURRENT):
            algs = [each.alg for each in self.keys if each.state == state]
            if len(set(algs)) != len(algs):
                raise ValueError(f"two {state} keys of one algorithm")
        signing = [each for each in self.keys if isinstance(each, SigningKey)]
        others = [each for each in self.keys if isinstance(each, EncryptionKey)]
        current = {each.alg: each.signer for each in signing if each.state == KeyState.CURRENT}
        public = tuple(Jwk(each.kid, each.public, each.alg, "sig") for each in signing)
        offered = tuple(each.jwk for each in others if each.state == KeyState.CURRENT)
        private = tuple(DecryptionKey(each.kid, each.private) for each in others)
        object.__setattr__(self, "_signers", current)
        object.__setattr__(self, "_public", JwkSet(public))
        object.__setattr__(self, "_exported", JwkSet((*public, *offered)).export())
        object.__setattr__(self, "_decryption", private)

    def signer(self, alg: str) -> Signer:
        """What signs under ``alg`` now.

        Raises:
            Unavailable: nothing does: there is no fallback to another algorithm.
        """
        try:
            return self._signers[alg]
        except KeyError:
            raise Unavailable("keys") from None

    def verification(self) -> JwkSet:
        """What our own tokens are verified with."""
        return self._public

    def decryption(self) -> tuple[DecryptionKey, ...]:
        """What is encrypted to us is decrypted with these."""
        return self._decryption

    def jwks(self) -> dict[str, Any]:
        """What relying parties verify with and encrypt to, as JSON (RFC 7517 §5)."""
        return self._exported

    def find(self, alg: str, state: KeyState) -> tuple[Key, ...]:
        """The keys of one algorithm in one state."""
        return tuple(each for each in self.keys if (each.alg, each.state) == (alg, state))


def generate(alg: str, state: KeyState, now: int) -> Key:
    """A new key for ``ES256``, ``RS256``, ``RSA-OAEP-256`` or ``ECDH-ES``.

    Raises:
        ValueError: another algorithm.
    """
    key: PrivateKey
    if alg in {"ES256", ECDH}:
        key = ec.generate_private_key(ec.SECP256R1())
    elif alg in {"RS256", RSA_OAEP}:
        key = rsa.generate_private_key(65537, RSA_BITS)
    else:
        raise ValueError(f"{alg} is no algorithm of ours")
    return from_private_key(key, alg, state, now)


def from_private_key(key: object, alg: str, state: KeyState, since: int) -> Key:
    """A key over a private key in memory, named by its thumbprint.

    Raises:
        WeakKey: too short, another curve, or not a key for ``alg``.
    """
    match alg, key:
        case (("ES256" | "ECDH-ES"), ec.EllipticCurvePrivateKey()) if isinstance(
            key.curve, ec.SECP256R1
        ):
            pass
        case (("RS256" | "RSA-OAEP-256"), rsa.RSAPrivateKey()) if key.key_size >= RSA_BITS:
            pass
        case _:
            raise WeakKey(f"not a strong key for {alg}")
    public = key.public_key()
    if alg in ENCRYPTION_ALGS:
        return EncryptionKey(thumbprint(public), alg, key, state, since)
    return SigningKey(LocalSigner(thumbprint(public), alg, key), public, state, since)
