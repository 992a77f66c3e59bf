"""Registered clients and initial access tokens in the database.

One transaction writes the client and its registration, and counts the use of the initial access
token, so concurrent requests cannot exceed its uses.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from idp.core.clock import Clock
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import delete_client, insert_client, update_client
from idp.oidc.registration.model import Invitation, Registration
from idp.storage.database import Database, metadata

registrations = Table(
    "client_registrations",
    metadata,
    Column("client_id", String(200), primary_key=True),
    Column("token_digest", String(43), nullable=False),
    Column("scope", Text, nullable=False),
    Column("invitation", String(22), nullable=False, index=True),
    Column("software_statement", Text, nullable=False),
    Column("decided_at", BigInteger),
)
invitations = Table(
    "client_invitations",
    metadata,
    Column("name", String(22), primary_key=True),
    Column("digest", String(43), nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)


class NotOpen(Exception):
    """The token was used up, replaced or deleted since it was read."""


class Registrations:
    """The registrations of one provider. Every call raises Unavailable if the database is down."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # Clients

    def create(self, client: Client, registration: Registration, *, most: int) -> None:
        """Register a client and count the use of its invitation.

        At most ``most`` clients may register without an invitation.

        Raises:
            NotOpen: the invitation has no use left, or there are ``most`` clients without one.
        """
        with self._database.begin() as connection:
            if registration.invitation:
                used = connection.execute(self._use_of(registration.invitation)).rowcount
            else:
                count = select(func.count()).where(registrations.c.invitation == "")
                used = connection.execute(count).scalar_one() < most
            if not used:
                raise NotOpen
            insert_client(connection, client)
            connection.execute(insert(registrations).values(_values(registration)))

    def get(self, client_id: str) -> Registration | None:
        """The registration of a client; None if the operator created it."""
        query = select(registrations).where(registrations.c.client_id == client_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _registration(row) if row else None

    def all(self) -> tuple[Registration, ...]:
        """Every registration."""
        with self._database.read() as connection:
            return tuple(_registration(row) for row in connection.execute(select(registrations)))

    def change(self, client: Client, old: Registration, new: Registration) -> None:
        """Write a client and its new token, if the token is still the ``old`` one.

        Raises:
            NotOpen: another change came first.
        """
        with self._database.begin() as connection:
            mine = update(registrations).where(_is(old)).values(_values(new))
            if not connection.execute(mine).rowcount:
                raise NotOpen
            update_client(connection, client)

    def decide(self, client_id: str) -> None:
        """Record the operator's decision on a client, if it has a registration."""
        decided = (
            update(registrations)
            .where(registrations.c.client_id == client_id)
            .values(decided_at=self._clock())
        )
        with self._database.begin() as connection:
            connection.execute(decided)

    def delete(self, registration: Registration) -> None:
        """Delete a client and its registration, if the token is still the same.

        Raises:
            NotOpen: the token was replaced.
        """
        with self._database.begin() as connection:
            if not connection.execute(delete(registrations).where(_is(registration))).rowcount:
                raise NotOpen
            delete_client(connection, registration.client_id)

    # Initial access tokens

    def invite(self, invitation: Invitation) -> None:
        """Store a new initial access token."""
        values = {**_fields(invitation, invitations), "scope": " ".join(invitation.scope)}
        with self._database.begin() as connection:
            connection.execute(insert(invitations).values(values))

    def invitation(self, digest: str) -> Invitation | None:
        """The initial access token with this digest, usable or not."""
        query = select(invitations).where(invitations.c.digest == digest)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return _invitation(row) if row else None

    def invitations(self) -> tuple[Invitation, ...]:
        """Every initial access token, the oldest first."""
        query = select(invitations).order_by(invitations.c.created_at, invitations.c.name)
        with self._database.read() as connection:
            return tuple(_invitation(row) for row in connection.execute(query))

    def uninvite(self, name: str) -> bool:
        """Delete an initial access token, but not its clients; returns whether it existed."""
        with self._database.begin() as connection:
            gone = connection.execute(delete(invitations).where(invitations.c.name == name))
            return bool(gone.rowcount)

    def _use_of(self, name: str) -> Any:
        return (
            update(invitations)
            .where(
                invitations.c.name == name,
                invitations.c.uses > 0,
                invitations.c.expires_at > self._clock(),
            )
            .values(uses=invitations.c.uses - 1)
        )


def _is(registration: Registration) -> Any:
    return (registrations.c.client_id == registration.client_id) & (
        registrations.c.token_digest == registration.token_digest
    )


def _values(registration: Registration) -> dict[str, Any]:
    return {**_fields(registration, registrations), "scope": " ".join(registration.scope)}


def _fields(value: Registration | Invitation, table: Table) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in table.columns}


def _registration(row: Row[Any]) -> Registration:
    return Registration(**{**row._mapping, "scope": tuple(row.scope.split())})


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(**{**row._mapping, "scope": tuple(row.scope.split())})
