"""The challenge that the chip signs, RND.IFD: bound to the provider, the session and its nonce.

The chip takes eight bytes only. Reader and provider both compute them, so a reader that was led to
another origin or session gets a signature that is good for nothing.
"""

import hashlib

from idp.mrtd.errors import MRTDError

SIZE = 8
NONCE_SIZE = 32
_LABEL = b"vn-eid-card-aa-v1"


def rnd_ifd(origin: str, session: str, nonce: bytes) -> bytes:
    """The eight bytes for ``session`` at ``origin``; ``nonce`` is 32 random bytes, used once.

    Raises:
        ValueError: a nonce of another length.
    """
    if len(nonce) != NONCE_SIZE:
        raise ValueError("a card nonce has 32 bytes")
    named = b"".join(
        len(each).to_bytes(2) + each for each in (origin.encode("utf-8"), session.encode("utf-8"))
    )
    return hashlib.sha256(_LABEL + named + nonce).digest()[:SIZE]


def check(challenge: bytes) -> bytes:
    """``challenge``, when it has the eight bytes of one and is not one byte over and over.

    Raises:
        MRTDError: challenge.
    """
    if len(challenge) != SIZE or len(set(challenge)) == 1:
        raise MRTDError("challenge")
    return challenge
