"""The whole verification of an identity card for a login, in its order: ICAO 9303-11 §4, §5, §6.

What comes out is one value, proved in full; there is no half of it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.mrtd import active_auth, dg13, lds, names, passive_auth
from idp.mrtd.dg13 import CardHolder
from idp.mrtd.dg15 import ChipKey
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.mrz import Td1
from idp.mrtd.policy import LOGIN, Policy
from idp.mrtd.sod import SecurityObject
from idp.mrtd.trust import TrustStore

NEEDED = (1, 13, 15)
"""The data groups without which there is no login."""

VIET_NAM = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Who DG1 and DG13 together say the holder is; they agree, and the document has not expired."""

    number: PersonalNumber
    name: Name
    birth_date: BirthDate
    sex: Sex
    document_number: str
    expires_on: date | None
    issued_on: date | None
    former_number: str | None


@dataclass(frozen=True, slots=True)
class VerifiedCard:
    """A genuine card of the State, in the reader during this session, and whose it is.

    ``chip_key_digest`` is the hexadecimal SHA-256 of the chip's SubjectPublicKeyInfo: it tells one
    chip from every other. ``signer_serial`` is the document signer's certificate number.
    """

    identity: Identity
    country: str
    chip_key_digest: str
    signer_serial: int


def verify_for_login(
    files: CardFiles,
    *,
    trust: TrustStore,
    challenge: bytes,
    signature: bytes,
    now: int,
    policy: Policy = LOGIN,
) -> VerifiedCard:
    """The card behind ``files``, whose chip signed ``challenge``; ``now`` in epoch seconds.

    Raises:
        MRTDError: for whatever is not as it has to be, the first thing found.
    """
    authentic = passive_auth.verify(files, trust=trust, policy=policy, now=now)
    check_complete(files, authentic.security_object)
    chip: ChipKey = active_auth.verify(
        files, challenge=challenge, signature=signature, policy=policy
    )
    identity = read_identity(files, policy=policy, now=now)
    return VerifiedCard(
        identity=identity,
        country=policy.issuing_state,
        chip_key_digest=chip.digest,
        signer_serial=authentic.chain.signer.serial,
    )


def check_complete(files: CardFiles, security_object: SecurityObject) -> None:
    """Return when all is there that a login needs.

    DG14 names the chip's digest: where the card has it, leaving it out may not change that.

    Raises:
        MRTDError: dg-missing.
    """
    needed = {*NEEDED, *({14} & security_object.hashes.keys())}
    if not files.data_groups.keys() >= needed:
        raise MRTDError("dg-missing")


def read_identity(files: CardFiles, *, policy: Policy, now: int) -> Identity:
    """The holder, from data groups whose digests have been compared.

    Raises:
        MRTDError: what reading DG1 and DG13 raises, country, number-mismatch,
            document-number-mismatch, name-mismatch, birth-date-mismatch, document-expired.
    """
    zone = lds.parse_dg1(files.data_group(1))
    holder = dg13.parse(files.data_group(13))
    _check_issuing_state(zone, policy)
    _check_number(zone, holder)
    _check_name(zone, holder)
    _check_birth_date(zone, holder)
    _check_not_expired(zone, now)
    return Identity(
        number=holder.number,
        name=holder.name,
        birth_date=holder.birth_date,
        sex=zone.sex,
        document_number=zone.document_number,
        expires_on=zone.expires_on,
        issued_on=holder.issued_on,
        former_number=holder.former_number,
    )


def _check_issuing_state(zone: Td1, policy: Policy) -> None:
    if zone.issuing_state != policy.issuing_state:
        raise MRTDError("country")


def _check_number(zone: Td1, holder: CardHolder) -> None:
    if zone.optional_data != holder.number.digits:
        raise MRTDError("number-mismatch")
    if zone.document_number != holder.number.digits[-9:]:
        raise MRTDError("document-number-mismatch")


def _check_name(zone: Td1, holder: CardHolder) -> None:
    names.require_agreement(zone.name, holder.name)


def _check_birth_date(zone: Td1, holder: CardHolder) -> None:
    """Compare as far as both know: a part that is not known is fillers, or zeros, in the zone."""
    born = holder.birth_date
    known = (born.year % 100, born.month or 0, born.day or 0)
    shown = tuple(int(zone.birth_date[at : at + 2].replace("<", "0")) for at in (0, 2, 4))
    if shown != known:
        raise MRTDError("birth-date-mismatch")


def _check_not_expired(zone: Td1, now: int) -> None:
    """A document is good through its last day, by the clock of Viet Nam."""
    today = datetime.fromtimestamp(now, VIET_NAM).date()
    if zone.expires_on is not None and zone.expires_on < today:
        raise MRTDError("document-expired")
