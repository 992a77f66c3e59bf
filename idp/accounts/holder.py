"""The person behind an account: both in one statement where the registry is our own copy."""

from collections import namedtuple
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select

from idp.accounts.model import Account
from idp.accounts.repository import Accounts, account_of, accounts
from idp.core.personal_number import PersonalNumber
from idp.registry.model import Person
from idp.registry.repository import person_identifiers, persons
from idp.registry.source import RegistrySource
from idp.registry.sql import SqlRegistry, person_of
from idp.storage.statements import Statement

_AccountRow = namedtuple("_AccountRow", accounts.c.keys())  # type: ignore[misc]
_PersonRow = namedtuple("_PersonRow", [*persons.c.keys(), "value"])  # type: ignore[misc]
_WIDTH = len(accounts.c)
MAX_READ = 256
"""Rows whose reading is kept: the steps of a login read the same rows one after the other."""


def _both(column: ColumnElement[Any]) -> Statement:
    return Statement(
        select(*accounts.c, *persons.c, person_identifiers.c.value)
        .join_from(accounts, persons, persons.c.number == accounts.c.number)
        .outerjoin(person_identifiers, person_identifiers.c.number == persons.c.number)
        .where(column == bindparam("wanted"))
        .order_by(person_identifiers.c.value)
    )


_BY_ID = _both(accounts.c.id)
_BY_NUMBER = _both(accounts.c.number)


def find(
    accounts: Accounts, registry: RegistrySource, account_id: str
) -> tuple[Account, Person] | None:
    """The account with this id and its person; None when one of them is not there.

    Raises:
        Unavailable: the database or the registry does not answer.
    """
    if isinstance(registry, SqlRegistry) and registry.database is accounts.database:
        rows = accounts.database.rows(_BY_ID, wanted=account_id)
        return _read(tuple(rows)) if rows else None
    account = accounts.by_id(account_id)
    person = registry.person(account.number) if account else None
    return (account, person) if account and person else None


def find_by_number(
    accounts: Accounts, registry: RegistrySource, number: PersonalNumber
) -> tuple[Account, Person] | None:
    """The account of the person with this number, and the person; see :func:`find`.

    Both are asked for, whether or not there is one: how long it takes tells nothing.
    """
    if isinstance(registry, SqlRegistry) and registry.database is accounts.database:
        rows = accounts.database.rows(_BY_NUMBER, wanted=number.digits)
        return _read(tuple(rows)) if rows else None
    account, person = accounts.by_number(number), registry.person(number)
    return (account, person) if account and person else None


@lru_cache(MAX_READ)
def _read(rows: tuple[Any, ...]) -> tuple[Account, Person]:
    """The account and the person in the rows of both, a row for each former number."""
    person = person_of([_PersonRow(*each[_WIDTH:]) for each in rows])
    return account_of(_AccountRow(*rows[0][:_WIDTH])), person
