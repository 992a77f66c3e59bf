"""Registered clients in the database, and their copy in each process.

Every change takes the next number of a counter under a row lock. So changes commit in the order of
their numbers, and one query finds the new ones: ``changed > known``. The id of a deleted client is
kept and never used again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Integer,
    Row,
    String,
    Table,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.core.clock import Clock
from idp.core.errors import Unavailable
from idp.login.ticket import client_tag
from idp.oidc.clients.metadata import describe, load
from idp.oidc.clients.model import Client, ClientStatus, Secret
from idp.oidc.clients.uris import origin
from idp.storage.database import Database, metadata
from idp.storage.fresh import Fresh

clients = Table(
    "clients",
    metadata,
    Column("client_id", String(200), primary_key=True),
    Column("registration", JSON, nullable=False),
    Column("secrets", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False, index=True),
)
client_changes = Table(
    "client_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
_DELETED = "deleted"
MISSES = 20


class ClientExists(Exception):
    """The client_id is or was in use."""


class Clients:
    """The client register; every call reads or writes the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, client: Client) -> Client:
        """Register a client; returns it with its ``created_at``.

        Raises:
            ClientExists: the id is taken.
        """
        created = replace(client, created_at=self._clock())
        with self._database.begin() as connection:
            insert_client(connection, created)
        return created

    def get(self, client_id: str) -> Client | None:
        """The client, whatever its status."""
        query = select(clients).where(
            clients.c.client_id == client_id, clients.c.status != _DELETED
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _client(row) if row else None

    def all(self) -> tuple[Client, ...]:
        """Every client, by id."""
        query = select(clients).where(clients.c.status != _DELETED).order_by(clients.c.client_id)
        with self._database.read() as connection:
            return tuple(_client(row) for row in connection.execute(query))

    def update(self, client: Client) -> None:
        """Store the metadata, secrets and status of ``client``."""
        with self._database.begin() as connection:
            update_client(connection, client)

    def delete(self, client_id: str) -> None:
        """Delete the client's metadata and secrets; its id stays in use."""
        with self._database.begin() as connection:
            delete_client(connection, client_id)


def insert_client(connection: Connection, client: Client) -> None:
    """Register a client in the caller's transaction.

    Raises:
        ClientExists: the id is taken.
    """
    changed = _next_change(connection)
    values = _values(client) | {"created_at": client.created_at, "changed": changed}
    try:
        connection.execute(insert(clients).values(client_id=client.client_id, **values))
    except IntegrityError as error:
        raise ClientExists(client.client_id) from error


def update_client(connection: Connection, client: Client) -> None:
    """Update a client in the caller's transaction: see :meth:`Clients.update`."""
    _write(connection, client.client_id, _values(client))


def delete_client(connection: Connection, client_id: str) -> None:
    """Delete a client in the caller's transaction: see :meth:`Clients.delete`."""
    _write(connection, client_id, {"status": _DELETED, "registration": {}, "secrets": []})


def _write(connection: Connection, client_id: str, values: Mapping[str, Any]) -> None:
    changed = _next_change(connection)
    connection.execute(
        update(clients).where(clients.c.client_id == client_id).values(**values, changed=changed)
    )


@dataclass(frozen=True, slots=True)
class _Snapshot:
    by_id: Mapping[str, Client] = field(default_factory=lambda: MappingProxyType({}))
    by_tag: Mapping[str, Client] = field(default_factory=lambda: MappingProxyType({}))
    origins: frozenset[str] = frozenset()
    pages: frozenset[str] = frozenset()
    known: int = 0


class ClientCache:
    """This process's copy of the register.

    The process's refresher reads what changed, twice a second.

    Another process may just have registered an unknown client. So a miss queries the register at
    once, with one query for concurrent misses, and at most ``MISSES`` times a second, so that
    invented ids do not load the database.
    """

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._view = Fresh(self._load, _Snapshot(), monotonic=monotonic)
        self._misses: deque[float] = deque(maxlen=MISSES)

    def get(self, client_id: str) -> Client | None:
        """The client, whatever its status.

        Raises:
            Unavailable: the database has not answered for over ten seconds.
        """
        found = self._current().by_id.get(client_id)
        return found or (self._current(missing=True).by_id.get(client_id) if client_id else None)

    def __len__(self) -> int:
        """How many clients the copy holds."""
        return len(self._current().by_id)

    def by_tag(self, tag: str) -> Client | None:
        """The client of a ticket's ``client_tag``."""
        return self._current().by_tag.get(tag) or self._current(missing=True).by_tag.get(tag)

    def browser_origins(self) -> frozenset[str]:
        """The origins whose scripts may call the provider (CORS): active public web clients."""
        return self._current().origins

    def web_origins(self) -> frozenset[str]:
        """The origins of every active client's pages, which may frame /session."""
        return self._current().pages

    def refresh(self) -> None:
        """Read what changed.

        Raises:
            Unavailable: the database does not answer.
        """
        self._view.refresh()

    def _current(self, *, missing: bool = False) -> _Snapshot:
        """The copy as it is; ``missing``: something looked for is not in it."""
        known = self._view.get()
        if missing and self._may_ask(self._monotonic()):
            with suppress(Unavailable):  # the copy is trusted for a while yet
                return self._view.refresh()
        return known

    def _may_ask(self, now: float) -> bool:
        """Whether another miss may query the register."""
        if len(self._misses) == MISSES and now - self._misses[0] < 1:
            return False
        self._misses.append(now)
        return True

    def _load(self, old: _Snapshot) -> _Snapshot:
        query = select(clients).where(clients.c.changed > old.known)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return old
        by_id = dict(old.by_id)
        for row in rows:
            by_id.pop(row.client_id, None)
            if row.status != _DELETED:
                by_id[row.client_id] = _client(row)
        return _Snapshot(
            by_id=by_id,
            by_tag={client_tag(each): client for each, client in by_id.items()},
            origins=_browser_origins(by_id.values()),
            pages=_web_origins(by_id.values()),
            known=max(row.changed for row in rows),
        )


def _browser_origins(found: Iterable[Client]) -> frozenset[str]:
    return frozenset(
        origin(uri)
        for client in found
        if client.public and client.active and client.application_type == "web"
        for uri in client.redirect_uris
    )


def _web_origins(found: Iterable[Client]) -> frozenset[str]:
    origins = {origin(uri) for client in found if client.active for uri in client.redirect_uris}
    return frozenset(origins - {""})


_NEXT_CHANGE = text(
    "INSERT INTO client_changes (id, number) VALUES (1, 1)"
    " ON CONFLICT (id) DO UPDATE SET number = client_changes.number + 1 RETURNING number"
)


def _next_change(connection: Connection) -> int:
    """The next number; its row stays locked until the transaction ends."""
    return int(connection.execute(_NEXT_CHANGE).scalar_one())


def _values(client: Client) -> dict[str, Any]:
    return {
        "registration": describe(client),
        "secrets": [asdict(each) for each in client.secrets],
        "status": client.status.value,
    }


def _client(row: Row[Any]) -> Client:
    return replace(
        load(row.registration, client_id=row.client_id),
        secrets=tuple(Secret(**each) for each in row.secrets),
        status=ClientStatus(row.status),
        created_at=row.created_at,
    )
