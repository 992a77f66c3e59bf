"""Handles: opaque random secrets whose digest alone is stored.

A handle is ``flow ‖ secret`` in base64url: 8 random bytes that name the flow (all transient keys
of one flow carry it as their hash tag, so that Redis Cluster keeps them in one slot) and 32 random
bytes of secret. Codes, access tokens by reference, refresh tokens and request URIs are handles; a
flow never spans two relying parties, so the visible flow part links nothing.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

FLOW_BYTES = 8
SECRET_BYTES = 32
FLOW_CHARS = 11  # ceil(8 * 8 / 6)
HANDLE_CHARS = FLOW_CHARS + 43
_LAST = "[AEIMQUYcgkosw048]"
"""The last character of 8 or of 32 bytes in base64url: its two low bits are not used."""
_HANDLE = re.compile(f"[A-Za-z0-9_-]{{10}}{_LAST}[A-Za-z0-9_-]{{42}}{_LAST}")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    encoded = binascii.b2a_base64(data, newline=False).translate(_URL_SAFE)
    return encoded.rstrip(b"=").decode("ascii")


def b64url_decode(text: str) -> bytes:
    """Strict base64url without padding: canonical tail bits, no white space.

    Raises:
        ValueError: not base64url, padded, or not the canonical spelling of its bytes.
    """
    try:
        raw = text.encode("ascii")
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if b64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def random_token(size: int = SECRET_BYTES) -> str:
    """``size`` random bytes in base64url."""
    return b64url(secrets.token_bytes(size))


def digest(secret: str) -> str:
    """What is stored of a secret of full entropy: SHA-256, base64url."""
    return b64url(hashlib.sha256(secret.encode("utf-8")).digest())


def equal(left: str, right: str) -> bool:
    """Compare two strings in constant time."""
    return hmac.compare_digest(left.encode("utf-8"), right.encode("utf-8"))


@dataclass(frozen=True, slots=True)
class Handle:
    """A parsed handle: ``flow`` is public, ``secret`` is not."""

    flow: str
    secret: str

    @classmethod
    def new(cls, flow: str | None = None) -> "Handle":
        """A fresh handle, in ``flow`` when given, else in a new flow."""
        return cls(flow or new_flow(), random_token(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "Handle | None":
        """The handle that ``text`` spells, or None when it cannot be one."""
        if not _HANDLE.fullmatch(text):
            return None
        return cls(text[:FLOW_CHARS], text[FLOW_CHARS:])

    def __str__(self) -> str:
        return self.flow + self.secret

    def __repr__(self) -> str:
        return f"Handle({self.flow}…)"

    def key(self, kind: str) -> str:
        """The transient key of this handle: typed, slotted by flow, holding only the digest."""
        return f"{kind}:{{{self.flow}}}:{digest(self.secret)}"


def random_name(size: int) -> str:
    """Like :func:`random_token`, for what people type: no command line takes it for an option."""
    while (name := random_token(size)).startswith("-"):
        pass
    return name


def new_flow() -> str:
    """A new flow name: 8 random bytes, base64url."""
    return random_name(FLOW_BYTES)
