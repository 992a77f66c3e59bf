"""Accounts on both databases."""

from dataclasses import replace

import pytest

from idp.accounts.model import Account, Lock, new_id
from idp.accounts.repository import AccountExists, Accounts, UnknownAccount
from idp.core.errors import Unavailable
from idp.core.personal_number import PersonalNumber
from idp.storage.database import Database, open_database
from tests.counting import statements

NUMBER = PersonalNumber("000199000001")
ACCOUNT = Account(
    id=new_id(),
    number=NUMBER,
    level=2,
    created_at=1_700_000_000,
    activated_at=1_700_000_100,
    phone="+84530000001",
    passcode_hash="$argon2id$x",
    lock=Lock.HOLDER,
)


@pytest.fixture
def accounts(database: Database) -> Accounts:
    found = Accounts(database)
    found.create(ACCOUNT)
    return found


def test_an_account_is_found_by_id_and_by_number(accounts):
    assert accounts.by_id(ACCOUNT.id) == ACCOUNT
    assert accounts.by_number(NUMBER) == ACCOUNT


def test_an_unknown_one_is_none(accounts):
    assert accounts.by_id(new_id()) is None
    assert accounts.by_number(PersonalNumber("000000000000")) is None


def test_a_person_has_one_account(accounts):
    with pytest.raises(AccountExists):
        accounts.create(replace(ACCOUNT, id=new_id()))
    assert accounts.by_number(NUMBER) == ACCOUNT


def test_the_least_account_has_nothing_yet(accounts):
    least = Account(new_id(), PersonalNumber("000099000002"), level=1, created_at=5)
    accounts.create(least)
    assert accounts.by_id(least.id) == least


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda it: it.set_lock(ACCOUNT.id, Lock.OPERATOR), {"lock": Lock.OPERATOR}),
        (lambda it: it.set_lock(ACCOUNT.id, None), {"lock": None}),
        (lambda it: it.set_passcode(ACCOUNT.id, "$argon2id$y"), {"passcode_hash": "$argon2id$y"}),
        (lambda it: it.set_passcode(ACCOUNT.id, None), {"passcode_hash": None}),
        (lambda it: it.activate(ACCOUNT.id, at=9), {"activated_at": 9}),
    ],
)
def test_one_thing_changes_and_nothing_else(accounts, change, expected):
    change(accounts)
    assert accounts.by_id(ACCOUNT.id) == replace(ACCOUNT, **expected)


def test_nobodys_account_cannot_change(accounts):
    with pytest.raises(UnknownAccount):
        accounts.set_lock(new_id(), None)


def test_writing_many_keeps_the_id_and_the_creation_of_those_there_are(accounts):
    other = Account(new_id(), PersonalNumber("000099000002"), level=1, created_at=5)
    accounts.put_all([replace(ACCOUNT, id=new_id(), created_at=7, lock=None), other])
    assert accounts.by_number(NUMBER) == replace(ACCOUNT, lock=None)
    assert accounts.by_id(other.id) == other
    accounts.put_all([])


def test_a_lookup_is_one_statement(accounts):
    with statements() as counted:
        accounts.by_id(ACCOUNT.id)
        accounts.by_number(NUMBER)
    assert len(counted) == 2


def test_a_database_that_cannot_answer_is_unavailable(tmp_path):
    database = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Unavailable):
        Accounts(database).by_id("x")
    database.close()
