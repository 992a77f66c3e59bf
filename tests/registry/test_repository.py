"""Changing our copy of the registry."""

from dataclasses import replace
from datetime import date

import pytest

from idp.core.clock import FixedClock
from idp.core.person import BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.registry.model import Card, CardStatus, Person
from idp.registry.repository import Record, Registry, UnknownPerson
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database
from tests.conftest import NOW

NUMBER = PersonalNumber("000199000001")
PERSON = Person(NUMBER, Name("Trần Thị Mai"), BirthDate(1999, 5, 17), Sex.FEMALE, updated_at=5)
CARD = Card("199000001", date(2022, 8, 15), date(2039, 5, 17), serial="A1")


@pytest.fixture
def registry(database: Database, clock: FixedClock) -> Registry:
    found = Registry(database, clock)
    found.write([Record(PERSON, (CARD,))])
    return found


@pytest.fixture
def source(database: Database) -> SqlRegistry:
    return SqlRegistry(database)


def test_a_status_changes_with_its_time(registry, source):
    registry.set_status(NUMBER, CivilStatus.DECEASED)
    assert source.person(NUMBER) == replace(PERSON, status=CivilStatus.DECEASED, updated_at=NOW)


def test_nobodys_status_cannot_change(registry):
    with pytest.raises(UnknownPerson):
        registry.set_status(PersonalNumber("000000000000"), CivilStatus.ALIVE)


def test_a_former_number_told_twice_is_kept_once(registry, source):
    numbers = (FormerNumber("000000005"), FormerNumber("000000005"))
    registry.write([Record(replace(PERSON, former_numbers=numbers))])
    assert source.person(NUMBER).former_numbers == (FormerNumber("000000005"),)


def test_a_card_is_added_or_replaced_by_its_number_and_date(registry, source):
    newer = replace(CARD, issued_on=date(2025, 1, 1), serial="A2")
    registry.put_card(NUMBER, newer)
    registry.put_card(NUMBER, replace(CARD, aa_key_digest="0f" * 32))
    assert source.cards(NUMBER) == (newer, replace(CARD, aa_key_digest="0f" * 32))
    assert registry.cards_with_serial() == tuple(
        (NUMBER, each) for each in reversed(source.cards(NUMBER))
    )


def test_nobody_gets_no_card(registry):
    with pytest.raises(UnknownPerson):
        registry.put_card(PersonalNumber("000000000000"), CARD)


def test_a_card_is_revoked_by_its_serial(registry, source):
    (changed,) = registry.set_card_status("A1", CardStatus.REVOKED)
    assert changed == replace(CARD, status=CardStatus.REVOKED)
    assert source.cards(NUMBER) == (changed,)
    assert registry.set_card_status("B1", CardStatus.REVOKED) == ()


def test_real_numbers_are_noticed(registry):
    assert not registry.holds_real_numbers()
    registry.write([Record(replace(PERSON, number=PersonalNumber("001099000001")))])
    assert registry.holds_real_numbers()


def test_nothing_to_write_is_written(registry):
    registry.write([])
