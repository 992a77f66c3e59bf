"""Texts that are kept or handed out by us and read by us alone: AES-GCM (NIST SP 800-38D)."""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.core.handles import b64url, b64url_decode

_NONCE = 12


def seal(key: bytes, purpose: str, name: str, text: str) -> str:
    """``text`` in base64url; reading it takes ``key`` and the ``name`` it was sealed for."""
    nonce = secrets.token_bytes(_NONCE)
    return b64url(nonce + _cipher(key, purpose, name).encrypt(nonce, text.encode(), None))


def unseal(key: bytes, purpose: str, name: str, sealed: str) -> str:
    """The text again.

    Raises:
        ValueError: it was not sealed by :func:`seal` with all of these.
    """
    raw = b64url_decode(sealed)
    try:
        plain = _cipher(key, purpose, name).decrypt(raw[:_NONCE], raw[_NONCE:], None)
    except InvalidTag as error:
        raise ValueError("not sealed for this") from error
    return plain.decode()


def _cipher(key: bytes, purpose: str, name: str) -> AESGCM:
    """A cipher with a key for this purpose and this name only."""
    return AESGCM(hmac.digest(key, f"{purpose}\x00{name}".encode(), "sha256"))
