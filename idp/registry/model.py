"""Persons and their chip cards, as the population registry holds them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber

NATIONALITY = "VNM"
"""Viet Nam in ISO 3166-1 alpha-3, the form that travel documents and their chips use."""
NO_ADDRESS = Address()


class CardStatus(StrEnum):
    """The state of one chip card."""

    VALID = "valid"
    REVOKED = "revoked"
    LOST = "lost"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Card:
    """One chip card. ``expires_on`` is None for a card that never expires.

    ``document_number`` is as in the card's MRZ; ``aa_key_digest`` the hexadecimal SHA-256 of
    the chip's public key (DER SubjectPublicKeyInfo), None where the registry does not keep it.
    """

    document_number: str
    issued_on: date
    expires_on: date | None
    status: CardStatus = CardStatus.VALID
    serial: str | None = None
    aa_key_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One person. ``nationality`` is ISO 3166-1 alpha-3, ``phone`` E.164.

    ``updated_at`` is when the registry changed the record (epoch seconds), None when unknown.
    """

    number: PersonalNumber
    name: Name
    birth_date: BirthDate
    sex: Sex
    nationality: str = NATIONALITY
    ethnicity: str = ""
    address: Address = NO_ADDRESS
    status: CivilStatus = CivilStatus.ALIVE
    phone: str | None = None
    email: str | None = None
    updated_at: int | None = None
    former_numbers: tuple[FormerNumber, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One person's whole record. ``cards`` None leaves their cards as they are.

    ``status_told`` is whether the record itself says the civil status; ``notes`` are the reasons
    for which parts of it were left out.
    """

    person: Person
    cards: tuple[Card, ...] | None = None
    status_told: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusOnly:
    """The civil status that a record says, which breaks a rule elsewhere: ``reason``.

    ``is_dated`` is False where the record tells a time of change that cannot be read.
    """

    number: PersonalNumber
    status: CivilStatus
    reason: str
    updated_at: int | None = None
    is_dated: bool = True
