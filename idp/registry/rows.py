"""Records as the tables hold them: plain tuples, quick to hand to another process and to store."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from idp.core.personal_number import PersonalNumber
from idp.registry.model import Card, Person, Record, StatusOnly

Row: TypeAlias = tuple[Any, ...]

NUMBER, BIRTH_DATE, STATUS, UPDATED_AT = 0, 5, 15, 18
"""Where a row of ``persons`` has them; the number is first in every table."""
AA_KEY_DIGEST = 6
"""Where a row of ``cards`` has it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of each table, values in the order of its columns; ``told``: persons with cards.

    ``places`` are the lines of the ``persons``, ``silent`` those whose line says no status.
    ``statuses`` come from lines of which nothing else is taken.
    By the order of the key: faster, and two writers wait for each other, never in a circle.
    """

    persons: list[Row]
    identifiers: list[Row]
    cards: list[Row]
    told: list[str]
    places: list[int]
    silent: set[str]
    statuses: list[tuple[int, StatusOnly]] = field(default_factory=list)

    @classmethod
    def of(cls, found: Iterable[tuple[int, Record | StatusOnly]]) -> "Rows":
        """All that the records say, each with its line; of one number, one record."""
        statuses = list[tuple[int, StatusOnly]]()
        placed = list[tuple[int, Record]]()
        for place, each in found:
            if isinstance(each, StatusOnly):
                statuses.append((place, each))
            else:
                placed.append((place, each))
        placed.sort(key=lambda each: each[1].person.number.digits)
        ordered = [record for _, record in placed]
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
            [place for place, _ in placed],
            {each.person.number.digits for each in ordered if not each.status_told},
            statuses,
        )

    def without(self, numbers: Collection[str]) -> "Rows":
        """The same without these persons."""
        kept = [at for at, row in enumerate(self.persons) if row[0] not in numbers]
        return Rows(
            [self.persons[at] for at in kept],
            [row for row in self.identifiers if row[0] not in numbers],
            [row for row in self.cards if row[0] not in numbers],
            [each for each in self.told if each not in numbers],
            [self.places[at] for at in kept],
            self.silent,
            self.statuses,
        )

    @property
    def numbers(self) -> list[str]:
        """Everybody of whom something is said."""
        only = (each.number.digits for _, each in self.statuses)
        return [*(row[NUMBER] for row in self.persons), *only]


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
