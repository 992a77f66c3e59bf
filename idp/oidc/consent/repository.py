"""Consents in the database: one permanent row for each answer; the last one is valid."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    insert,
    select,
    update,
)

from idp.audit.events import ConsentWithdrawn
from idp.core.clock import Clock
from idp.oidc.consent.model import Consent
from idp.standing import subjects
from idp.standing.end import Ends
from idp.storage.beside import Beside
from idp.storage.database import Database, metadata
from idp.storage.statements import Statement, upsert
from idp.storage.used import AlreadyUsed

consents = Table(
    "consents",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("account_id", String(64), nullable=False),
    Column("client_id", String(200), nullable=False),
    Column("purpose_version", String(64), nullable=False),
    Column("granted", JSON, nullable=False),
    Column("refused", JSON, nullable=False),
    Column("text_digest", String(64), nullable=False),
    Column("locale", String(8), nullable=False),
    Column("level", Integer, nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    Column("flow", String(43)),
    # Id of the previous answer, 0 for the first: of two concurrent answers one is stored.
    Column("follows", BigInteger),
    Index("ix_consents_account_id_client_id", "account_id", "client_id", "id"),
    Index("ix_consents_follows", "account_id", "client_id", "follows", unique=True),
)
_LATEST = consents.c.id.desc()
_LAST = Statement(
    select(consents)
    .where(
        consents.c.account_id == bindparam("account"), consents.c.client_id == bindparam("client")
    )
    .order_by(_LATEST)
    .limit(1)
)


_KEPT = tuple(each.name for each in consents.c if each.name != "id")
# SQLite writes the clause as PostgreSQL does.
_KEEP = Statement(
    lambda dialect: upsert(consents, dialect).on_conflict_do_nothing().inline(), _KEPT
)


_WITHDRAW = Statement(
    update(consents)
    .where(
        consents.c.account_id == bindparam("account"),
        consents.c.client_id == bindparam("client"),
        consents.c.withdrawn_at.is_(None),
    )
    .values(withdrawn_at=bindparam("moment"))
)


class Consents:
    """The consents of citizens to relying parties.

    ``keep_ttl`` (seconds) is the longest life of anything issued under a consent, the longest
    session; a withdrawal is kept among the revocations for as long.
    """

    def __init__(self, database: Database, ends: Ends, clock: Clock, *, keep_ttl: int) -> None:
        self._database = database
        self._ends = ends
        self._clock = clock
        self._keep_ttl = keep_ttl

    def find(self, account_id: str, client_id: str) -> Consent | None:
        """The last answer of a citizen to a client, even if withdrawn.

        Raises:
            Unavailable: the database does not answer.
        """
        rows = self._database.rows(_LAST, account=account_id, client=client_id)
        return _consent(rows[0]) if rows else None

    def of_account(self, account_id: str) -> tuple[Consent, ...]:
        """Every answer of a citizen, newest first."""
        query = select(consents).where(consents.c.account_id == account_id).order_by(_LATEST)
        with self._database.read() as connection:
            return tuple(_consent(row) for row in connection.execute(query))

    @staticmethod
    def row(consent: Consent, *, follows: int | None = None) -> Beside:
        """The statement that stores an answer together with its audit entry.

        ``follows`` is the id of the previous answer, 0 for none: if another answer came first,
        nothing is stored. None: store in any case.
        """
        return Beside(_KEEP, _values(consent, follows))

    def add(self, consent: Consent) -> None:
        """Store an answer without an audit entry."""
        with self._database.begin() as connection:
            connection.execute(insert(consents).values(_values(consent, None)))

    def withdraw(self, account_id: str, client_id: str) -> bool:
        """Withdraw a consent, with its record; returns whether there was one.

        Before it returns, everything issued under the consent is revoked, also refresh tokens.
        """
        now = self._clock()
        withdrawn = Beside(_WITHDRAW, {"account": account_id, "client": client_id, "moment": now})
        try:
            self._ends.end(
                subjects.consent(account_id, client_id),
                ConsentWithdrawn(account_id=account_id, client_id=client_id),
                expires_at=now + self._keep_ttl,
                first=withdrawn,
            )
        except AlreadyUsed:
            return False
        return True


def _values(consent: Consent, follows: int | None) -> dict[str, Any]:
    plain = {name: getattr(consent, name) for name in _KEPT if name != "follows"}
    lists = {"granted": sorted(consent.granted), "refused": sorted(consent.refused)}
    return {**plain, **lists, "follows": follows}


def _of(account_id: str, client_id: str) -> ColumnElement[bool]:
    return and_(consents.c.account_id == account_id, consents.c.client_id == client_id)


def _consent(row: Any) -> Consent:
    return Consent(
        account_id=row.account_id,
        client_id=row.client_id,
        purpose_version=row.purpose_version,
        granted=frozenset(row.granted),
        refused=frozenset(row.refused),
        text_digest=row.text_digest,
        locale=row.locale,
        level=row.level,
        given_at=row.given_at,
        withdrawn_at=row.withdrawn_at,
        flow=row.flow or "",
        id=row.id,
    )
