"""Active authentication: the chip signs our challenge, so it is no copy. ICAO 9303-11 §6.1.

Only meaningful after passive authentication has shown that DG14 and DG15 are the State's.
"""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils

from idp.mrtd import challenge as challenges
from idp.mrtd import dg14, dg15, iso9796, public_key
from idp.mrtd.dg15 import ChipKey
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import MAX_RSA_BITS, Policy
from idp.mrtd.signatures import HASHES

MAX_SIGNATURE = 1024


def verify(files: CardFiles, *, challenge: bytes, signature: bytes, policy: Policy) -> ChipKey:
    """The chip's key, now that it is seen to have signed ``challenge`` (8 bytes).

    RSA is ISO/IEC 9796-2 scheme 1; ECDSA is plain r ‖ s (DER instead where the policy says so)
    over the digest that DG14 names, or else that fits the key.

    Raises:
        MRTDError: challenge, dg-missing, active-authentication, what reading DG14 and DG15 raises,
            or hash-weak, key-weak, key-unsupported, algorithm-inconsistent.
    """
    challenges.check(challenge)
    if len(signature) > MAX_SIGNATURE:
        raise MRTDError("file-too-large")
    chip = dg15.parse(files.data_group(15))
    if isinstance(chip.key, ec.EllipticCurvePublicKey):
        digest = _verify_ecdsa(chip.key, files.data_groups.get(14), challenge, signature, policy)
    else:
        if chip.key.key_size < policy.active_authentication_rsa_bits:
            raise MRTDError("key-weak")
        if chip.key.key_size > MAX_RSA_BITS:
            raise MRTDError("key-unsupported")
        digest = iso9796.verify(chip.key, signature, challenge)
    if digest not in policy.active_authentication_hashes:
        raise MRTDError("hash-weak")
    return chip


def _verify_ecdsa(
    key: ec.EllipticCurvePublicKey,
    infos: bytes | None,
    challenge: bytes,
    signature: bytes,
    policy: Policy,
) -> str:
    if key.key_size < policy.ec_bits:
        raise MRTDError("key-weak")
    digest = dg14.active_authentication_digest(infos) if infos is not None else None
    digest = digest or digest_for(key)
    if hashlib.new(digest).digest_size * 8 > key.key_size:
        raise MRTDError("algorithm-inconsistent")
    r, s = _der(signature) if policy.ecdsa_der else _plain(key, signature)
    order = public_key.order(key)
    if not (1 <= r < order and 1 <= s < order):
        raise MRTDError("active-authentication")
    try:
        key.verify(utils.encode_dss_signature(r, s), challenge, ec.ECDSA(HASHES[digest]))
    except InvalidSignature:
        raise MRTDError("active-authentication") from None
    return digest


def digest_for(key: ec.EllipticCurvePublicKey) -> str:
    """The longest digest that is no longer than ``key``, where DG14 does not name one."""
    fitting = [name for name, each in HASHES.items() if each.digest_size * 8 <= key.key_size]
    return max(fitting, key=lambda name: HASHES[name].digest_size)


def _plain(key: ec.EllipticCurvePublicKey, signature: bytes) -> tuple[int, int]:
    size = (public_key.order(key).bit_length() + 7) // 8
    if len(signature) != 2 * size:
        raise MRTDError("active-authentication")
    return int.from_bytes(signature[:size]), int.from_bytes(signature[size:])


def _der(signature: bytes) -> tuple[int, int]:
    try:
        return utils.decode_dss_signature(signature)
    except ValueError:
        raise MRTDError("active-authentication") from None
