"""DG15, the chip's own public key for active authentication (ICAO 9303-10 §4.7.15)."""

import hashlib
from dataclasses import dataclass

from idp.mrtd import public_key
from idp.mrtd.lds import DATA_GROUP_TAGS, content
from idp.mrtd.public_key import PublicKey
from idp.mrtd.tlv import encode


@dataclass(frozen=True, slots=True)
class ChipKey:
    """The chip's key; ``digest`` is the hexadecimal SHA-256 of its SubjectPublicKeyInfo."""

    key: PublicKey
    digest: str


def parse(data: bytes) -> ChipKey:
    """The key in DG15, hashed as it stands.

    Raises:
        MRTDError: dg-malformed, key-malformed or key-unsupported.
    """
    info = content(15, data)
    return ChipKey(public_key.parse(info), hashlib.sha256(info).hexdigest())


def build(public_key_info: bytes) -> bytes:
    """DG15 that holds a DER SubjectPublicKeyInfo."""
    return encode(DATA_GROUP_TAGS[15], public_key_info)
