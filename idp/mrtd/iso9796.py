"""Digital signature scheme 1 with partial message recovery: ISO/IEC 9796-2, ICAO 9303-11 §6.1.

The recovered block is ``6A ‖ M1 ‖ digest(M1 ‖ M2) ‖ trailer`` and fills the modulus; M2 is the
challenge. The trailer names the digest, so the chip says what it used. No library opens it.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from idp.mrtd.errors import MRTDError

HEADER = 0x6A
TRAILERS = {
    "sha1": bytes.fromhex("33cc"),
    "sha224": bytes.fromhex("38cc"),
    "sha256": bytes.fromhex("34cc"),
    "sha384": bytes.fromhex("36cc"),
    "sha512": bytes.fromhex("35cc"),
}
IMPLICIT_TRAILER = b"\xbc"
"""SHA-1 by agreement: the trailer of the older cards."""


def recover(key: RSAPublicKey, signature: bytes) -> bytes:
    """The block that ``key``'s owner signed, as long as the modulus.

    Raises:
        MRTDError: active-authentication when this cannot be a signature of that key;
            key-unsupported for a modulus that is not whole bytes long.
    """
    numbers = key.public_numbers()
    if key.key_size % 8:
        raise MRTDError("key-unsupported")
    size = key.key_size // 8
    number = int.from_bytes(signature)
    # s + n would open to the same block: only the canonical s is one.
    if len(signature) != size or number >= numbers.n:
        raise MRTDError("active-authentication")
    return pow(number, numbers.e, numbers.n).to_bytes(size)


def verify(key: RSAPublicKey, signature: bytes, challenge: bytes) -> str:
    """The digest (hashlib's name) under which ``key`` signed ``challenge``.

    Raises:
        MRTDError: active-authentication when it did not, or what :func:`recover` raises.
    """
    block = recover(key, signature)
    digest, trailer = _digest(block)
    start = len(block) - len(trailer) - hashlib.new(digest).digest_size
    if block[0] != HEADER or start < 1:
        raise MRTDError("active-authentication")
    recovered, signed = block[1:start], block[start : len(block) - len(trailer)]
    expected = hashlib.new(digest, recovered + challenge).digest()
    if not hmac.compare_digest(expected, signed):
        raise MRTDError("active-authentication")
    return digest


def _digest(block: bytes) -> tuple[str, bytes]:
    if block.endswith(IMPLICIT_TRAILER):
        return "sha1", IMPLICIT_TRAILER
    for digest, trailer in TRAILERS.items():
        if block.endswith(trailer):
            return digest, trailer
    raise MRTDError("active-authentication")
