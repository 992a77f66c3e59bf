"""Accounts in the database: one row a person, found by id or by number in one statement."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    SmallInteger,
    String,
    Table,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.accounts.model import Account, Lock
from idp.core.personal_number import PersonalNumber
from idp.storage.database import Database, metadata
from idp.storage.statements import Statement, upsert

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("number", String(12), nullable=False, unique=True),
    Column("level", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("activated_at", BigInteger),
    Column("phone", String(16)),
    Column("passcode_hash", String(128)),
    Column("lock", String(16)),
)
_BY_ID = Statement(select(accounts).where(accounts.c.id == bindparam("wanted")))
_BY_NUMBER = Statement(select(accounts).where(accounts.c.number == bindparam("wanted")))
_KEPT = frozenset({"id", "number", "created_at"})


class AccountExists(Exception):
    """The person has an account already."""


class UnknownAccount(Exception):
    """There is no account with this id."""


class Accounts:
    """The accounts. Every method raises ``Unavailable`` when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def by_id(self, account_id: str) -> Account | None:
        """The account with this id, whatever its state."""
        return self._one(_BY_ID, account_id)

    def by_number(self, number: PersonalNumber) -> Account | None:
        """The account of the person with this number, whatever its state."""
        return self._one(_BY_NUMBER, number.digits)

    def create(self, account: Account) -> None:
        """Open an account.

        Raises:
            AccountExists: its person has one.
        """
        try:
            with self.database.begin() as connection:
                connection.execute(insert(accounts).values(_values(account)))
        except IntegrityError as error:
            raise AccountExists from error

    def put_all(self, found: Iterable[Account]) -> None:
        """Write accounts in one transaction; a person's account keeps its id and its creation."""
        values = [_values(each) for each in found]
        if not values:
            return
        insertion = upsert(accounts, self.database.dialect)
        told = {each.name: each for each in insertion.excluded if each.name not in _KEPT}
        with self.database.begin() as connection:
            connection.execute(
                insertion.on_conflict_do_update(index_elements=["number"], set_=told), values
            )

    def activate(self, account_id: str, *, at: int) -> None:
        """The holder takes the account into use at ``at`` (epoch seconds)."""
        self._set(account_id, activated_at=at)

    def set_lock(self, account_id: str, lock: Lock | None) -> None:
        """Lock the account, or unlock it with None.

        Ending its sessions is the caller's: they live in another store.
        """
        self._set(account_id, lock=lock.value if lock else None)

    def set_passcode(self, account_id: str, passcode_hash: str | None) -> None:
        """Replace the passcode, hashed by :mod:`idp.accounts.passcode`; None takes it away."""
        self._set(account_id, passcode_hash=passcode_hash)

    def _one(self, statement: Statement, wanted: str) -> Account | None:
        rows = self.database.rows(statement, wanted=wanted)
        return account_of(rows[0]) if rows else None

    def _set(self, account_id: str, **values: Any) -> None:
        """Change columns of one account.

        Raises:
            UnknownAccount: there is none.
        """
        query = update(accounts).where(accounts.c.id == account_id).values(**values)
        with self.database.begin() as connection:
            if not connection.execute(query).rowcount:
                raise UnknownAccount


def _values(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "number": account.number.digits,
        "level": account.level,
        "created_at": account.created_at,
        "activated_at": account.activated_at,
        "phone": account.phone,
        "passcode_hash": account.passcode_hash,
        "lock": account.lock.value if account.lock else None,
    }


def account_of(row: Any) -> Account:
    """The account in a row of :data:`accounts`."""
    return Account(
        id=row.id,
        number=PersonalNumber(row.number),
        level=row.level,
        created_at=row.created_at,
        activated_at=row.activated_at,
        phone=row.phone,
        passcode_hash=row.passcode_hash,
        lock=Lock(row.lock) if row.lock else None,
    )
