"""Changing our copy of the registry."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from idp.core.clock import FixedClock
from idp.core.person import BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import FormerNumber, PersonalNumber
from idp.registry import repository
from idp.registry.model import Card, CardStatus, Person
from idp.registry.repository import ChipKeyTaken, Record, Registry, UnknownPerson, cards
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


OTHER = PersonalNumber("000199000002")
KEY = "0f" * 32


def test_two_persons_never_have_one_chip_key(registry, source):
    registry.put_card(NUMBER, replace(CARD, aa_key_digest=KEY))
    other = Record(replace(PERSON, number=OTHER), (replace(CARD, aa_key_digest=KEY),))
    with pytest.raises(ChipKeyTaken, match="another person"):
        registry.write([other])
    assert source.person(OTHER) is None
    registry.write([Record(other.person)])
    with pytest.raises(ChipKeyTaken, match="another person"):
        registry.put_card(OTHER, replace(CARD, aa_key_digest=KEY))
    assert source.cards(OTHER) == ()


def test_one_person_has_a_chip_key_on_one_card(registry, source):
    first = replace(CARD, aa_key_digest=KEY)
    second = replace(first, issued_on=date(2025, 1, 1))
    with pytest.raises(ChipKeyTaken, match="two with one"):
        registry.write([Record(PERSON, (first, second))])
    registry.write([Record(PERSON, (first,))])
    registry.put_card(NUMBER, first)
    with pytest.raises(ChipKeyTaken, match="two with one"):
        registry.put_card(NUMBER, second)
    registry.write([Record(PERSON, (second,))])
    assert source.cards(NUMBER) == (second,)


def test_a_chip_key_moves_with_both_persons_in_one_write(registry, source):
    mine, theirs = (replace(CARD, aa_key_digest=each * 32) for each in ("aa", "bb"))
    other = replace(PERSON, number=OTHER)
    registry.write([Record(PERSON, (mine,)), Record(other, (theirs,))])
    registry.write([Record(PERSON, (theirs,)), Record(other, (mine,))])
    assert source.cards(OTHER) == (mine,)


def test_the_database_itself_refuses_a_second_chip_key(registry, database):
    registry.put_card(NUMBER, replace(CARD, aa_key_digest=KEY))
    registry.write([Record(replace(PERSON, number=OTHER), (CARD,))])
    changed = update(cards).where(cards.c.number == OTHER.digits).values(aa_key_digest=KEY)
    with database.read() as connection, pytest.raises(IntegrityError):
        connection.execute(changed)


def test_a_key_that_the_database_refuses_is_a_clear_error(registry, monkeypatch):
    """A release before this one takes no lock."""
    registry.write([Record(replace(PERSON, number=OTHER), (replace(CARD, aa_key_digest=KEY),))])
    monkeypatch.setattr(repository, "_holders", lambda connection, keys: {})
    with pytest.raises(ChipKeyTaken, match="another person"):
        registry.put_card(NUMBER, replace(CARD, aa_key_digest=KEY))
    with pytest.raises(ChipKeyTaken, match="another person"):
        registry.write([Record(PERSON, (replace(CARD, aa_key_digest=KEY),))])


def test_of_several_that_take_a_chip_key_at_once_one_gets_it(registry, database, source):
    numbers = [PersonalNumber(f"00019900001{each}") for each in range(6)]
    registry.write(Record(replace(PERSON, number=each)) for each in numbers)
    start, refused = threading.Barrier(len(numbers)), []

    def run(number):
        start.wait(5)
        try:
            registry.put_card(number, replace(CARD, aa_key_digest=KEY))
        except ChipKeyTaken as error:
            refused.append(error)

    with ThreadPoolExecutor(len(numbers)) as pool:
        list(pool.map(run, numbers))
    assert len(refused) == len(numbers) - 1
    assert sum(len(source.cards(each)) for each in numbers) == 1
