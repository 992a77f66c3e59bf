"""Software cards of the development card authority. Never production: it guards nothing."""

import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from idp.core.personal_number import PersonalNumber
from idp.mrtd import dg15, sod
from idp.mrtd.certificate import parse_crl
from idp.mrtd.errors import MRTDError
from idp.mrtd.testing.authority import CRL_TTL, Authority
from idp.mrtd.testing.software_card import CardDetails, SoftwareCard, issue_card
from idp.registry.model import Card, Person
from idp.registry.repository import Registry
from idp.registry.source import RegistrySource

CARD_FILE = "CARD.json"
_MILESTONES = (14, 25, 40, 60)
"""Ages a card is issued up to (Law on Identification 26/2023 Art. 21)."""


class InvalidAuthority(Exception):
    """The authority's file is none; the message names it."""


class UnknownCitizen(Exception):
    """The registry has nobody with this number."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A software card, and what the registry now keeps of it."""

    software: SoftwareCard
    card: Card


def open_authority(directory: Path, now: int) -> Authority:
    """The authority kept in ``directory``, founded there the first time.

    ``directory/trust`` holds its anchor and its revocation list, renewed well before it ends.

    Raises:
        InvalidAuthority: what is kept there is none.
    """
    file, trust = directory / "authority.pem", directory / "trust"
    for each in (directory.parent, directory, trust):
        # The key directory refuses to be open to others.
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    if file.exists():
        try:
            authority = Authority.from_pem(file.read_bytes())
        except MRTDError as error:
            said = f"{file}: not a card authority; remove it for a new one"
            raise InvalidAuthority(said) from error
    else:
        authority = Authority.found(now)
        _write(file, authority.to_pem())
    _write(trust / "csca.der", authority.csca_der())
    crl = trust / "crl.crl"
    if _next_update(crl) < now + CRL_TTL // 2:
        _write(crl, authority.revocation_list(now=now, number=now))
    return authority


def _next_update(crl: Path) -> int:
    try:
        return parse_crl(crl.read_bytes()).next_update
    except (FileNotFoundError, MRTDError):
        return 0


def issue(
    authority: Authority,
    source: RegistrySource,
    registry: Registry,
    number: PersonalNumber,
    *,
    now: int,
) -> Issued:
    """Make the chip of a citizen's card, and let the registry know its key.

    The card that the registry has last is made, whatever its status; who has none gets one that
    is valid from today.

    Raises:
        UnknownCitizen: there is nobody to issue it to.
    """
    person = source.person(number)
    if person is None:
        raise UnknownCitizen
    today = datetime.fromtimestamp(now, UTC).date()
    known = source.cards(number)
    card = known[0] if known else _new_card(person, today)
    software = issue_card(
        authority,
        CardDetails(
            number,
            person.name,
            person.birth_date,
            person.sex,
            card.issued_on,
            card.expires_on,
            residence=str(person.address),
            former_number=str(person.former_numbers[0]) if person.former_numbers else "",
        ),
    )
    made = replace(
        card,
        serial=card.serial or secrets.token_hex(8),
        aa_key_digest=dg15.parse(software.files.data_group(15)).digest,
    )
    registry.put_card(number, made)
    return Issued(software, made)


def write(software: SoftwareCard, folder: Path) -> tuple[Path, ...]:
    """The card as ``CARD.json``, and its files as a reader would dump them (``SOD.bin``…)."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = {f"DG{number}.bin": data for number, data in software.files.data_groups.items()}
    contents = {
        CARD_FILE: software.to_json().encode(),
        "SOD.bin": software.files.sod,
        **groups,
    }
    for name, content in contents.items():
        _write(folder / name, content)
    return tuple(folder / name for name in contents)


def keep(software: SoftwareCard, folder: Path, number: PersonalNumber) -> None:
    """Put a citizen's card into the simulated reader's ``folder``, in place of an older one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(_file(folder, number), software.to_json().encode())


def kept(folder: Path, number: PersonalNumber, card: Card, authority: Authority) -> bool:
    """Whether the simulated reader has this very ``card``, signed by this ``authority``."""
    try:
        files = SoftwareCard.from_json(_file(folder, number).read_text("utf-8")).files
        signer = sod.parse(files.sod).signer
        digest = dg15.parse(files.data_group(15)).digest
    except (OSError, ValueError, MRTDError):
        return False
    ours = authority.signer.public_bytes(Encoding.DER)
    return digest == card.aa_key_digest and signer == ours


def _file(folder: Path, number: PersonalNumber) -> Path:
    return folder / f"{number.digits}.json"


def _new_card(person: Person, today: date) -> Card:
    return Card(person.number.digits[-9:], today, _expiry(person, today))


def _expiry(person: Person, today: date) -> date | None:
    """The birthday of the next milestone that is over two years away; none from 58 on."""
    born = person.birth_date
    month, day = born.month or 1, born.day or 1
    age = today.year - born.year - ((today.month, today.day) < (month, day))
    for milestone in _MILESTONES:
        if age < milestone - 2:
            day_of_year = min(day, 28) if month == 2 else day
            return date(born.year + milestone, month, day_of_year)
    return None


def _write(path: Path, content: bytes) -> None:
    """Write a file readable by its owner only, whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    beside.replace(path)
