"""The schema's migrations: which revision a database has, and how it gets this release's."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table, text

from idp.storage.database import Database

MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 0x1D_0001  # any number that no other application on this database locks
_VERSION = table("alembic_version", column("version_num"))
"""Alembic's own table: one row, the revision."""


@dataclass(frozen=True, slots=True)
class Status:
    """Schema revisions: the database's (None when empty) and this release's."""

    current: str | None
    head: str

    @property
    def upgraded(self) -> bool:
        """Whether the schema is this release's."""
        return self.current == self.head


def status(database: Database) -> Status:
    """Which schema revision the database has. Without Alembic: every start asks.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.read() as connection:
        known = inspect(connection).has_table(_VERSION.name)
        return Status(connection.scalar(select(_VERSION.c.version_num)) if known else None, head())


def head() -> str:
    """This release's revision: migrations are numbered in the names of their files."""
    return max(each.name[:4] for each in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def upgrade(database: Database) -> tuple[str, ...]:
    """Bring the schema to this release's, in one transaction; safe to run from several processes.

    Returns what had to be changed of the data: a sentence each, for the operator.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.begin() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
        return migrate(connection, "head")


def migrate(connection: Connection, revision: str) -> tuple[str, ...]:
    """Bring the schema to ``revision`` in a transaction; see :func:`upgrade`."""
    # Not at the top: a process that serves never needs it, and it takes 80 ms.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    notes = config.attributes["notes"] = list[str]()  # what a migration has to say
    command.upgrade(config, revision)
    return tuple(notes)
