"""Records as the tables hold them: plain tuples, quick to hand to another process and to store."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from idp.core.personal_number import PersonalNumber
from idp.registry.model import Card, Person, Record

Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of each table, values in the order of its columns; ``told``: of whom cards are told.

    By the order of the key: faster, and two writers wait for each other, never in a circle.
    """

    persons: list[Row]
    identifiers: list[Row]
    cards: list[Row]
    told: list[str]

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Rows":
        """All that ``records`` say; of one number, one record."""
        ordered = sorted(records, key=lambda each: each.person.number.digits)
        return cls(
            [person_row(each.person) for each in ordered],
            [
                (record.person.number.digits, value)
                for record in ordered
                for value in sorted({each.digits for each in record.person.former_numbers})
            ],
            [
                card_row(record.person.number, card)
                for record in ordered
                for card in record.cards or ()
            ],
            [each.person.number.digits for each in ordered if each.cards is not None],
        )


def person_row(person: Person) -> Row:
    """A row of ``persons``."""
    name, address = person.name, person.address
    return (
        person.number.digits,
        name.full,
        name.family,
        name.middle,
        name.given,
        str(person.birth_date),
        person.sex.value,
        person.nationality,
        person.ethnicity,
        address.province_code,
        address.province,
        address.commune_code,
        address.commune,
        address.street,
        address.text,
        person.status.value,
        person.phone,
        person.email,
        person.updated_at,
    )


def card_row(number: PersonalNumber, card: Card) -> Row:
    """A row of ``cards``."""
    return (
        number.digits,
        card.document_number,
        card.issued_on.isoformat(),
        card.expires_on.isoformat() if card.expires_on else None,
        card.status.value,
        card.serial,
        card.aa_key_digest,
    )
