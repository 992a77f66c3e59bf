"""Who signs: a key in memory, or one that never leaves its module."""

from dataclasses import dataclass, field
from typing import Protocol

from idp.jose import algorithms


class Signer(Protocol):
    """A private key with a name. It raises :class:`idp.core.errors.Unavailable`, never guesses."""

    @property
    def kid(self) -> str:
        """The key's name in the JWK set."""
        ...

    @property
    def alg(self) -> str:
        """The one algorithm it signs with."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The JWS signature of ``message``."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A :class:`Signer` over a private key in this process's memory."""

    kid: str
    alg: str
    key: algorithms.PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self.alg, self.key, message)
