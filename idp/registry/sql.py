"""The population registry from our own copy of it: one prepared statement for each question."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from idp.core.person import Address, BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.registry.model import Card, Person
from idp.registry.repository import card_of, cards, person_identifiers, persons
from idp.storage.database import Database
from idp.storage.statements import Statement

_NUMBER: BindParameter[str] = bindparam("number")
_PERSON = Statement(
    select(persons, person_identifiers.c.value)
    .outerjoin(person_identifiers, person_identifiers.c.number == persons.c.number)
    .where(persons.c.number == _NUMBER)
    .order_by(person_identifiers.c.value)
)
_CARDS = Statement(
    select(cards).where(cards.c.number == _NUMBER).order_by(cards.c.issued_on.desc())
)
_HOLDERS = Statement(
    select(person_identifiers.c.number)
    .where(person_identifiers.c.value == bindparam("value"))
    .order_by(person_identifiers.c.number)
)


class SqlRegistry:
    """See :class:`idp.registry.source.RegistrySource`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def person(self, number: PersonalNumber) -> Person | None:
        """The person; their former numbers come in the same query, a row each."""
        rows = self.database.rows(_PERSON, number=number.digits)
        return person_of(rows) if rows else None

    def cards(self, number: PersonalNumber) -> tuple[Card, ...]:
        """The person's cards, the last issued first."""
        rows = self.database.rows(_CARDS, number=number.digits)
        return tuple(card_of(row) for row in rows)

    def by_former_number(self, digits: str) -> tuple[PersonalNumber, ...]:
        """The persons who have or had the 9-digit number."""
        rows = self.database.rows(_HOLDERS, value=digits)
        return tuple(PersonalNumber(row.number) for row in rows)


def person_of(rows: Sequence[Any]) -> Person:
    """The person in rows of one person, a row for each former number."""
    row = rows[0]
    return Person(
        number=PersonalNumber(row.number),
        name=Name(row.full_name, row.family_name, row.middle_name, row.given_name),
        birth_date=BirthDate.parse(row.birth_date),
        sex=Sex(row.sex),
        nationality=row.nationality,
        ethnicity=row.ethnicity,
        address=Address(
            province_code=row.province_code,
            province=row.province,
            commune_code=row.commune_code,
            commune=row.commune,
            street=row.street,
            text=row.address_text,
        ),
        status=CivilStatus(row.status),
        phone=row.phone,
        email=row.email,
        updated_at=row.updated_at,
        former_numbers=tuple(FormerNumber(each.value) for each in rows if each.value is not None),
    )
