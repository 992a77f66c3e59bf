"""Passive authentication: the State signed what the card says. ICAO 9303-11 §5.1."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum

from idp.mrtd import sod
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import Policy
from idp.mrtd.sod import SecurityObject
from idp.mrtd.trust import Chain, TrustStore, verify_chain


class Comparison(Enum):
    """How a data group that was sent, or that the security object lists, stands to the other."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ABSENT = "absent"
    NOT_IN_SOD = "not-in-sod"


@dataclass(frozen=True, slots=True)
class Authentic:
    """What passive authentication proved: the signed list of data groups, and who signed it."""

    security_object: SecurityObject
    chain: Chain


def verify(files: CardFiles, *, trust: TrustStore, policy: Policy, now: int) -> Authentic:
    """The card's security object, signed by a State that we trust; all files sent are its own.

    Raises:
        MRTDError: what :func:`idp.mrtd.sod.parse`, :func:`idp.mrtd.trust.verify_chain` and
            :func:`idp.mrtd.sod.verify` raise, dg-mismatch or dg-not-signed.
    """
    signed = sod.parse(files.sod)
    chain = verify_chain(signed.signer, trust=trust, policy=policy, now=now)
    security_object = sod.verify(signed, chain.signer, policy)
    check_data_groups(compare(files, security_object))
    return Authentic(security_object, chain)


def compare(files: CardFiles, security_object: SecurityObject) -> dict[int, Comparison]:
    """Each data group that is listed or was sent, by number."""
    numbers = sorted(files.data_groups.keys() | security_object.hashes.keys())
    return {number: _compare(files, security_object, number) for number in numbers}


def check_data_groups(compared: dict[int, Comparison]) -> None:
    """Return when every data group that was sent is the one that was signed.

    Raises:
        MRTDError: dg-mismatch, or dg-not-signed.
    """
    if Comparison.MISMATCH in compared.values():
        raise MRTDError("dg-mismatch")
    if Comparison.NOT_IN_SOD in compared.values():
        raise MRTDError("dg-not-signed")


def _compare(files: CardFiles, security_object: SecurityObject, number: int) -> Comparison:
    data = files.data_groups.get(number)
    signed = security_object.hashes.get(number)
    if data is None:
        return Comparison.ABSENT
    if signed is None:
        return Comparison.NOT_IN_SOD
    found = hashlib.new(security_object.digest, data).digest()
    return Comparison.MATCH if hmac.compare_digest(found, signed) else Comparison.MISMATCH
