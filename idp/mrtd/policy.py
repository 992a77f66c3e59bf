"""What this verifier accepts: digests, key sizes, countries, how old a revocation list may be."""

from dataclasses import dataclass, replace
from enum import Enum

MAX_RSA_BITS = 4096
"""For keys that come with a card: a longer one only makes verification slow."""

DAY = 24 * 3600


class CrlUse(Enum):
    """Whether a chain needs a revocation list of the issuing State."""

    REQUIRED = "required"
    IF_HELD = "if-held"


@dataclass(frozen=True, slots=True)
class Policy:
    """The default is what a login needs.

    ``hashes`` bounds what a State signs with: there a collision would forge a document. A chip
    signs a challenge that it cannot choose, so active authentication may use the older digests
    that cards in the field have (9303-11 §6.1.2.1 still allows SHA-1); lengths are in bits.

    ``crl_grace`` is how many seconds after its next update a revocation list is still believed;
    without a list, or with an older one, a chain is refused (fail closed) unless ``crl`` says that
    none has to be held. ``foreign_content_type`` accepts a security object that calls itself
    id-data, as one State's do. ``ecdsa_der`` reads the chip's ECDSA signature as DER *instead of*
    plain: never both.
    """

    country: str | None = "VN"
    issuing_state: str = "VNM"
    hashes: frozenset[str] = frozenset({"sha256", "sha384", "sha512"})
    rsa_bits: int = 2048
    ec_bits: int = 224
    active_authentication_hashes: frozenset[str] = frozenset(
        {"sha1", "sha224", "sha256", "sha384", "sha512"}
    )
    active_authentication_rsa_bits: int = 2048
    crl: CrlUse = CrlUse.REQUIRED
    crl_grace: int = 3 * DAY
    foreign_content_type: bool = False
    ecdsa_der: bool = False


LOGIN = Policy()
DIAGNOSIS = replace(LOGIN, crl=CrlUse.IF_HELD)
"""The login's own rules, for a desk that may hold no revocation list."""

ANY_COUNTRY = replace(DIAGNOSIS, country=None, active_authentication_rsa_bits=1024)
"""The same for other States' documents, whose chips are older."""


def lenient(policy: Policy) -> Policy:
    """``policy`` with every digest and key size that can be computed: what is true, if not enough.

    Only a diagnosis uses it, to tell a forged document from one that is genuine and too weak.
    """
    return replace(
        policy,
        hashes=frozenset({"sha1", "sha224", "sha256", "sha384", "sha512"}),
        rsa_bits=1024,
        ec_bits=192,
        active_authentication_rsa_bits=1024,
        foreign_content_type=True,
    )
