"""DG14, security infos: which digest the chip's ECDSA signature is made with (9303-11 §9.2.3)."""

from idp.mrtd import tlv
from idp.mrtd.errors import MRTDError, malformed
from idp.mrtd.lds import DATA_GROUP_TAGS, content

ACTIVE_AUTHENTICATION = bytes.fromhex("678108010105")
"""2.23.136.1.1.5, as the value of an OBJECT IDENTIFIER."""

ECDSA_PLAIN = bytes.fromhex("04007f000701010401")
"""0.4.0.127.0.7.1.1.4.1: below it, ecdsa-plain-signatures by digest (BSI TR-03111 §5.2.1.1)."""

PLAIN_DIGESTS = {1: "sha1", 2: "sha224", 3: "sha256", 4: "sha384", 5: "sha512"}


def active_authentication_digest(data: bytes) -> str | None:
    """The digest of the chip's ECDSA signature; None when DG14 does not tell.

    Raises:
        MRTDError: dg-malformed, dg14-malformed, or algorithm-unsupported.
    """
    with malformed("dg14-malformed"):
        told = [
            info[2].expect(tlv.OID)
            for info in (each.children(tlv.SEQUENCE) for each in _security_infos(data))
            if info[0].expect(tlv.OID) == ACTIVE_AUTHENTICATION and info[1].integer() == 1
        ]
    if not told:
        return None
    if len(told) > 1 or told[0][:-1] != ECDSA_PLAIN or told[0][-1] not in PLAIN_DIGESTS:
        raise MRTDError("algorithm-unsupported")
    return PLAIN_DIGESTS[told[0][-1]]


def build(digest: str) -> bytes:
    """DG14 that says only that the chip signs with ECDSA over ``digest``."""
    code = next(code for code, name in PLAIN_DIGESTS.items() if name == digest)
    info = tlv.encode(
        tlv.SEQUENCE,
        tlv.encode(tlv.OID, ACTIVE_AUTHENTICATION),
        tlv.encode_integer(1),
        tlv.encode(tlv.OID, ECDSA_PLAIN, bytes([code])),
    )
    return tlv.encode(DATA_GROUP_TAGS[14], tlv.encode_set([info]))


def _security_infos(data: bytes) -> tuple[tlv.Tlv, ...]:
    return tlv.read(content(14, data)).children(tlv.SET)
