"""The sandbox's citizens: consistent, and none of them anybody real."""

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import islice

import pytest

from idp.accounts import passcode
from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Lock
from idp.accounts.repository import Accounts
from idp.core.clock import FixedClock
from idp.core.person import CivilStatus
from idp.core.personal_number import PersonalNumber
from idp.demo.citizens import (
    CITIZENS,
    MOST,
    PASSCODE,
    Stores,
    seed_citizens,
    seed_synthetic,
    synthetic,
)
from idp.registry.model import CardStatus, Person
from idp.registry.record import dump_person, parse_record
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database

PEPPER = b"pepper of the demo"
BY_NUMBER = {each.person.number.digits: each for each in CITIZENS}


@pytest.fixture
def stores(database: Database, clock: FixedClock) -> Stores:
    return Stores(Registry(database, clock), SqlRegistry(database), Accounts(database), PEPPER)


def consistent(person: Person) -> None:
    """The number tells the person's sex and birth year, and no real province."""
    assert person.number.province_code == "000"
    assert person.number.sex == person.sex.value
    year = 1900 + 100 * (int(person.number.digits[3]) // 2) + int(person.number.digits[4:6])
    assert year == person.birth_date.year
    assert person.phone is None or person.phone.startswith("+8453")
    assert parse_record(dump_person(person) | {"phone": None}, strict=True).person == replace(
        person, phone=None
    )


def test_the_nine_are_who_they_are_said_to_be():
    assert list(BY_NUMBER) == [
        "000199000001", "000099000002", "000158000003", "000311000004", "000085000005",
        "000090000006", "000090000007", "000040000008", "000190000009",
    ]  # fmt: skip
    for citizen in CITIZENS:
        consistent(citizen.person)
    assert {n[-1] for n, it in BY_NUMBER.items() if it.person.phone is None} == {"4", "9"}
    assert {n[-1] for n, it in BY_NUMBER.items() if not it.has_passcode} == {"3"}
    assert {n[-1] for n, it in BY_NUMBER.items() if it.card} == {"1", "3", "4", "5", "7", "9"}
    assert BY_NUMBER["000158000003"].card.expires_on is None
    assert BY_NUMBER["000090000007"].card.status is CardStatus.REVOKED
    assert BY_NUMBER["000090000006"].lock is Lock.HOLDER
    assert BY_NUMBER["000040000008"].person.status is CivilStatus.DECEASED
    name = BY_NUMBER["000085000005"].person.name.full
    assert "\u2019" in name
    assert "ĭ" in name
    assert [str(each) for each in BY_NUMBER["000085000005"].person.former_numbers] == ["000000005"]


@pytest.mark.parametrize(
    ("number", "on", "age"),
    [("000158000003", (2026, 12, 31), 68), ("000311000004", (2026, 12, 31), 15)],
)
def test_the_ages_are_those_told(number, on, age):
    born = BY_NUMBER[number].person.birth_date
    assert born.age_at_least(age, on=on)
    assert not born.age_at_least(age + 1, on=on)


@pytest.mark.parametrize("citizen", [each for each in CITIZENS if each.card], ids=str)
def test_their_cards_expire_as_the_law_says(citizen):
    """On the birthday of 14, 25, 40 or 60, the next one within two years of it (Art. 21)."""
    born, card = citizen.person.birth_date, citizen.card
    birthday = date(born.year, born.month, born.day)
    issued = card.issued_on
    age = issued.year - born.year - ((issued.month, issued.day) < (born.month, born.day))
    milestone = next((each for each in (14, 25, 40, 60) if age < each - 2), None)
    expected = birthday.replace(year=born.year + milestone) if milestone else None
    assert card.expires_on == expected
    assert card.document_number == citizen.person.number.digits[-9:]


def test_seeding_writes_them_and_the_passcode_is_the_one_told(stores):
    seed_citizens(stores)
    for citizen in CITIZENS:
        number = citizen.person.number
        assert stores.source.person(number) == citizen.person
        assert stores.source.cards(number) == ((citizen.card,) if citizen.card else ())
        account = stores.accounts.by_number(number)
        assert (account.level, account.lock, account.phone) == (
            2,
            citizen.lock,
            citizen.person.phone,
        )
        assert passcode.verify(account.passcode_hash, PASSCODE, PEPPER) is citizen.has_passcode
    with pytest.raises(AccountUnusable, match="deceased"):
        _require_usable(stores, "000040000008")
    with pytest.raises(AccountUnusable, match="locked_holder"):
        _require_usable(stores, "000090000006")
    _require_usable(stores, "000090000007")


def _require_usable(stores: Stores, digits: str) -> None:
    number = PersonalNumber(digits)
    require_usable(stores.accounts.by_number(number), stores.source.person(number))


def test_seeding_again_mends_them_but_keeps_ids_and_issued_cards(stores):
    seed_citizens(stores)
    first = CITIZENS[0]
    number = first.person.number
    account = stores.accounts.by_number(number)
    issued = replace(first.card, aa_key_digest="n" * 43, serial="A1")
    stores.registry.put_card(number, issued)
    stores.registry.set_status(number, CivilStatus.MISSING)
    stores.accounts.set_lock(account.id, Lock.OPERATOR)
    seed_citizens(stores)
    assert stores.accounts.by_number(number).id == account.id
    assert stores.source.cards(number) == (issued,)
    _require_usable(stores, number.digits)


def test_seeding_again_gives_a_valid_card_to_who_had_it_revoked_and_no_other(stores):
    seed_citizens(stores)
    for citizen in (BY_NUMBER["000199000001"], BY_NUMBER["000090000007"]):
        revoked = replace(citizen.card, status=CardStatus.REVOKED, aa_key_digest="n" * 43)
        stores.registry.put_card(citizen.person.number, revoked)
        seed_citizens(stores)
        known = stores.source.cards(citizen.person.number)
        assert known == ((citizen.card,) if citizen.card.status is CardStatus.VALID else (revoked,))


def test_synthetic_citizens_are_nobody_and_can_all_log_in():
    hashed = passcode.hash_passcode(PASSCODE, PEPPER)
    found = list(synthetic(20_000, seed=7, passcode_hash=hashed))
    numbers = {person.number.digits for person, _ in found}
    assert len(numbers) == len({account.id for _, account in found}) == 20_000
    assert not numbers & BY_NUMBER.keys()
    assert len({person.phone for person, _ in found}) == 20_000
    for person, account in found[:3_000]:
        consistent(person)
        require_usable(account, person)
        assert account.phone == person.phone
    assert {account.passcode_hash for _, account in found} == {hashed}


def test_their_names_are_as_frequent_as_in_viet_nam():
    people = [person for person, _ in synthetic(20_000)]
    families = Counter(each.name.family for each in people)
    groups = Counter(each.ethnicity for each in people)
    assert families.most_common(1)[0][0] == "Nguyễn"
    assert 0.28 < families["Nguyễn"] / 20_000 < 0.38
    assert 0.83 < groups["Kinh"] / 20_000 < 0.88
    assert len(groups) == 11
    assert any(each.name.full.startswith("H\u2019") for each in people)
    assert any(not each.name.family for each in people)
    assert any(each.birth_date.month is None for each in people)
    assert any(each.birth_date.month and each.birth_date.day is None for each in people)
    assert all(each.sex == "female" for each in people if each.name.middle == "Thị")


def test_one_seed_tells_one_story():
    def people(seed: int) -> list[Person]:
        return [person for person, _ in synthetic(300, seed)]

    assert people(1) == people(1)
    assert people(1) != people(2)
    longer = synthetic(MOST, 1)
    assert [person for person, _ in islice(longer, 300)] == people(1)


def test_there_are_a_million_different_ones_and_no_more():
    tails = {(5 + index * 700_001) % MOST for index in range(MOST)}
    assert len(tails) == MOST
    with pytest.raises(ValueError, match="at most"):
        synthetic(MOST + 1)


def test_seeding_many_writes_persons_and_accounts(stores):
    told = []
    seed_synthetic(stores, 5_500, seed=3, progress=told.append)
    assert told == [5_000, 5_500]
    person, account = next(synthetic(1, seed=3))
    assert stores.source.person(person.number) == person
    written = stores.accounts.by_id(account.id)
    assert replace(written, passcode_hash=None) == account
    assert passcode.verify(written.passcode_hash, PASSCODE, PEPPER)
