"""The person behind an account: both in one statement where the registry is our own copy."""

from collections import namedtuple

from sqlalchemy import bindparam, select

from idp.accounts.model import Account
from idp.accounts.repository import Accounts, account_of, accounts
from idp.registry.model import Person
from idp.registry.repository import person_identifiers, persons
from idp.registry.source import RegistrySource
from idp.registry.sql import SqlRegistry, person_of
from idp.storage.statements import Statement

_AccountRow = namedtuple("_AccountRow", accounts.c.keys())  # type: ignore[misc]
_PersonRow = namedtuple("_PersonRow", [*persons.c.keys(), "value"])  # type: ignore[misc]
_WIDTH = len(accounts.c)
_BOTH = Statement(
    select(*accounts.c, *persons.c, person_identifiers.c.value)
    .join_from(accounts, persons, persons.c.number == accounts.c.number)
    .outerjoin(person_identifiers, person_identifiers.c.number == persons.c.number)
    .where(accounts.c.id == bindparam("wanted"))
    .order_by(person_identifiers.c.value)
)


def find(
    accounts: Accounts, registry: RegistrySource, account_id: str
) -> tuple[Account, Person] | None:
    """The account with this id and its person; None when one of them is not there.

    Raises:
        Unavailable: the database or the registry does not answer.
    """
    if isinstance(registry, SqlRegistry) and registry.database is accounts.database:
        rows = accounts.database.rows(_BOTH, wanted=account_id)
        if not rows:
            return None
        persons = [_PersonRow(*each[_WIDTH:]) for each in rows]
        return account_of(_AccountRow(*rows[0][:_WIDTH])), person_of(persons)
    account = accounts.by_id(account_id)
    person = registry.person(account.number) if account else None
    return (account, person) if account and person else None
