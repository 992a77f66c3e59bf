"""The one rule of use: every status, every lock, in the right order."""

from dataclasses import replace

import pytest

from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account, Lock, new_id
from idp.core.person import BirthDate, CivilStatus, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.registry.model import Person

NUMBER = PersonalNumber("000199000001")
PERSON = Person(NUMBER, Name("Trần Thị Mai"), BirthDate(1999, 5, 17), Sex.FEMALE)
ACCOUNT = Account("a" * 22, NUMBER, level=2, created_at=1, activated_at=2)


def reason(account: Account, person: Person) -> str:
    with pytest.raises(AccountUnusable) as refused:
        require_usable(account, person)
    return refused.value.reason


def test_an_active_account_of_a_living_person_may_be_used():
    require_usable(ACCOUNT, PERSON)


@pytest.mark.parametrize("status", [it for it in CivilStatus if it is not CivilStatus.ALIVE])
def test_no_other_civil_status_may(status):
    assert reason(ACCOUNT, replace(PERSON, status=status)) == status.value


@pytest.mark.parametrize("lock", list(Lock))
def test_no_locked_account_may(lock):
    assert reason(replace(ACCOUNT, lock=lock), PERSON) == f"locked_{lock.value}"


def test_an_account_not_taken_into_use_may_not():
    assert reason(replace(ACCOUNT, activated_at=None), PERSON) == "not_activated"


def test_what_the_registry_says_counts_first():
    locked = replace(ACCOUNT, lock=Lock.HOLDER, activated_at=None)
    assert reason(locked, replace(PERSON, status=CivilStatus.DECEASED)) == "deceased"
    assert reason(locked, PERSON) == "locked_holder"


def test_only_the_holders_own_lock_is_told_as_such():
    assert AccountUnusable("locked_holder").locked_by_holder
    assert not AccountUnusable("locked_operator").locked_by_holder
    assert not AccountUnusable("deceased").locked_by_holder


def test_a_level_is_one_or_two():
    with pytest.raises(ValueError, match="level"):
        replace(ACCOUNT, level=3)


def test_ids_are_random_and_128_bits_long():
    found = {new_id() for _ in range(1_000)}
    assert len(found) == 1_000
    assert {len(each) for each in found} == {22}
