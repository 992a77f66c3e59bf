"""The outbox of back-channel logout in the database.

The transaction that ends a session also writes its messages. A claim moves the next try of the
messages ahead: if the claiming process dies, they are due again after the lease. Several nodes
share the work; at worst a message is sent twice.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Update,
    delete,
    func,
    insert,
    select,
    update,
)

from idp.core.clock import Clock
from idp.oidc.logout.delivery import LIFETIME, Delivery, DeliveryState, Message
from idp.storage.beside import Beside
from idp.storage.database import Database, metadata
from idp.storage.statements import Statement

LEASE = 120
"""Seconds of a claim: longer than delivering all its messages can take."""
MOST_WAITING = 100_000
"""Most undelivered messages of one client; beyond it the oldest are given up."""
KEPT_DELIVERED = 24 * 3600
KEPT_GIVEN_UP = 30 * 24 * 3600
MOST_LISTED = 1_000

OUTBOX = Table(
    "logout_deliveries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("client_id", String(200), nullable=False),
    Column("session", String(43), nullable=False),
    Column("sub", String(255), nullable=False),
    Column("sid", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_try_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("last_status", String(32), nullable=False),
    Index("ix_logout_deliveries_due", "state", "client_id", "next_try_at"),
    Index("ix_logout_deliveries_age", "state", "created_at"),
    Index("ix_logout_deliveries_session", "session"),
)
_WAITING = OUTBOX.c.state == DeliveryState.WAITING


_COLUMNS = tuple(each.name for each in OUTBOX.c if each.name != "id")
_INSERT = Statement(insert(OUTBOX).inline(), _COLUMNS)


class Outbox:
    """The messages of every node."""

    def __init__(
        self, database: Database, clock: Clock, *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._database = database
        self._clock = clock
        self._most_waiting = most_waiting

    def rows(self, messages: Iterable[Message]) -> tuple[Beside, ...]:
        """What stores ``messages`` in the transaction that ends their session."""
        return tuple(Beside(_INSERT, self._row(each)) for each in messages)

    def _row(self, message: Message) -> dict[str, object]:
        now = self._clock()
        fresh = Delivery(0, message, now, now)
        values = asdict(fresh) | asdict(message)
        return {name: values[name] for name in _COLUMNS}

    def due(self, *, without: Collection[str], limit: int) -> tuple[str, ...]:
        """The clients with due messages, the longest due first."""
        query = (
            select(OUTBOX.c.client_id)
            .where(_WAITING, OUTBOX.c.next_try_at <= self._clock())
            .where(OUTBOX.c.client_id.not_in(sorted(without)))
            .group_by(OUTBOX.c.client_id)
            .order_by(func.min(OUTBOX.c.next_try_at))
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def claim(self, client_id: str, limit: int) -> tuple[Delivery, ...]:
        """Claim due messages of one client for :data:`LEASE` seconds; oldest first."""
        now = self._clock()
        due = (
            select(OUTBOX.c.id)
            .where(_WAITING, OUTBOX.c.client_id == client_id, OUTBOX.c.next_try_at <= now)
            .order_by(OUTBOX.c.next_try_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")  # evaluated once: a plain subquery may lock more rows than its limit
        )
        hold = (
            update(OUTBOX)
            .where(OUTBOX.c.id.in_(select(due.c.id)))
            .values(next_try_at=now + LEASE)
            .returning(OUTBOX)
        )
        with self._database.begin() as connection:
            rows = connection.execute(hold).all()
        return tuple(sorted(map(_delivery, rows), key=lambda each: each.id))

    def settle(self, delivery: Delivery) -> None:
        """Store the new state of a claimed message."""
        self._write(
            (delivery.id,),
            next_try_at=delivery.next_try_at,
            tries=delivery.tries,
            state=delivery.state,
            last_status=delivery.last_status,
        )

    def release(self, claimed: Iterable[Delivery]) -> None:
        """Release claimed messages that were not tried."""
        self._write([each.id for each in claimed], next_try_at=self._clock())

    def wake(self, client_id: str) -> None:
        """Make all tried messages of a client due now: it answers again."""
        now = self._clock()
        tried = (_WAITING, OUTBOX.c.client_id == client_id, OUTBOX.c.tries > 0)
        with self._database.begin() as connection:
            connection.execute(
                update(OUTBOX).where(*tried, OUTBOX.c.next_try_at > now).values(next_try_at=now)
            )

    def retry(self, delivery_id: int) -> bool:
        """Make an undelivered message due now; returns whether it exists."""
        return self._write(
            (delivery_id,),
            but=DeliveryState.DELIVERED,
            next_try_at=self._clock(),
            state=DeliveryState.WAITING,
        )

    def of_session(self, session: str) -> tuple[Delivery, ...]:
        """The messages about one session, by its digest."""
        return self._read(session=session)

    def listed(self, client_id: str | None, state: DeliveryState | None) -> tuple[Delivery, ...]:
        """The newest messages, optionally of one client or state."""
        named = {"client_id": client_id, "state": state}
        return self._read(**{name: value for name, value in named.items() if value is not None})

    def tidy(self) -> int:
        """Give up messages that are expired or too many, and delete old ones.

        A client that never answers has a bounded number of rows: its oldest messages are given up.
        Returns how many were given up.
        """
        now = self._clock()
        late = update(OUTBOX).where(_WAITING, OUTBOX.c.created_at < now - LIFETIME)
        with self._database.begin() as connection:
            given_up = connection.execute(_give_up(late, "expired")).rowcount
            for client_id, last in self._surplus(connection):
                too_many = update(OUTBOX).where(
                    _WAITING, OUTBOX.c.client_id == client_id, OUTBOX.c.id <= last
                )
                given_up += connection.execute(_give_up(too_many, "too_many")).rowcount
            for state, kept in (
                (DeliveryState.DELIVERED, KEPT_DELIVERED),
                (DeliveryState.GIVEN_UP, KEPT_GIVEN_UP),
            ):
                old = OUTBOX.c.created_at < now - kept
                connection.execute(delete(OUTBOX).where(OUTBOX.c.state == state, old))
        return given_up

    def _surplus(self, connection: Connection) -> list[tuple[str, int]]:
        """Clients with too many messages, with the newest surplus id of each."""
        crowded = (
            select(OUTBOX.c.client_id)
            .where(_WAITING)
            .group_by(OUTBOX.c.client_id)
            .having(func.count() > self._most_waiting)
        )
        found = []
        for client_id in connection.execute(crowded).scalars().all():
            surplus = (
                select(OUTBOX.c.id)
                .where(_WAITING, OUTBOX.c.client_id == client_id)
                .order_by(OUTBOX.c.id.desc())
                .offset(self._most_waiting)
                .limit(1)
            )
            found.append((client_id, connection.execute(surplus).scalar_one()))
        return found

    def _read(self, **members: str) -> tuple[Delivery, ...]:
        query = select(OUTBOX).filter_by(**members).order_by(OUTBOX.c.id.desc()).limit(MOST_LISTED)
        with self._database.read() as connection:
            return tuple(_delivery(row) for row in connection.execute(query))

    def _write(
        self, ids: Collection[int], *, but: DeliveryState | None = None, **values: object
    ) -> bool:
        with self._database.begin() as connection:
            done = connection.execute(
                update(OUTBOX)
                .where(OUTBOX.c.id.in_(ids), OUTBOX.c.state != (but or ""))
                .values(**values)
            )
        return done.rowcount > 0


def _give_up(rows: Update, reason: str) -> Update:
    return rows.values(state=DeliveryState.GIVEN_UP, last_status=reason)


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    members = row._asdict()
    message = Message(**{name: members.pop(name) for name in Message.__slots__})
    return Delivery(message=message, **members | {"state": DeliveryState(members["state"])})
