"""The database: SQLAlchemy Core engines for SQLite and PostgreSQL.

Each feature's ``repository.py`` declares its tables on :data:`metadata`. What a store cannot do now
becomes :class:`idp.core.errors.Unavailable`; errors about the data itself (``IntegrityError``) pass
to the repository, which knows what they mean. Parameters never appear in an exception's text.
"""

import importlib.util
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, NullPool, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from idp.core.errors import Unavailable
from idp.storage.direct import Direct, translated
from idp.storage.statements import Statement

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the product."""

BUSY_MS = 2_000
STATEMENT_MS = 2_500
POOL_SIZE = 8
POOL_TIMEOUT = 2


class Database:
    """An open database. Open it after a fork; every thread may use it."""

    def __init__(self, writes: Engine, reads: Engine) -> None:
        self._writes = writes
        self._reads = reads
        self._local = threading.local()
        self._held: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._directs: weakref.WeakSet[Direct] = weakref.WeakSet()
        self._generation = 0

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._writes.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """This thread's held connection in autocommit: no round trip but the statement's own.

        Raises:
            Unavailable: the database does not answer.
        """
        with _available():
            try:
                yield self._reading()
            except DBAPIError as error:
                self._release()
                if error.connection_invalidated:
                    self._generation += 1  # what broke this connection broke its siblings
                raise

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed on leaving, rolled back when the block raises.

        Raises:
            Unavailable: the database does not answer, or the commit is not known to be done.
        """
        with _available(), self._writes.begin() as connection:
            yield connection

    def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """The rows of a statement, with their columns as attributes, as :meth:`read` would give.

        Raises:
            Unavailable: the database does not answer.
        """
        connection = self._reading()
        compiled = statement.on(connection.dialect)
        driver: Any = connection.connection.driver_connection
        try:
            found = driver.execute(compiled.sql, compiled.values(values)).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            if connection.dialect.is_disconnect(error, driver, None):
                self._generation += 1
            self._release()
            raise translated(connection.dialect, error) from error
        return list(map(compiled.row, found))

    def direct(self) -> Direct:
        """A connection of its own for one writer."""
        made = Direct(self._writes)
        self._directs.add(made)
        return made

    def ping(self) -> None:
        """Return when the database answers; raise Unavailable when it does not."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection, also those that other threads hold."""
        self._generation += 1
        for connection in tuple(self._held):
            connection.close()
        for direct in tuple(self._directs):
            direct.close()
        self._writes.dispose()

    def _reading(self) -> Connection:
        held: tuple[int, Connection] | None = getattr(self._local, "held", None)
        if held is not None and held[0] == self._generation:
            return held[1]
        self._release()
        with _available():
            generation, connection = self._generation, self._reads.connect()
        self._held.add(connection)
        self._local.held = generation, connection
        return connection

    def _release(self) -> None:
        held = getattr(self._local, "held", None)
        self._local.held = None
        if held is not None:
            held[1].close()


def open_database(url: str) -> Database:
    """Open the database at a SQLAlchemy URL; nothing is connected yet.

    ``sqlite:///path`` is created (mode 0600) when absent; ``postgresql://`` is served by psycopg.

    Raises:
        ValueError: see :func:`parse_url`.
        OSError: a SQLite file cannot be made.
    """
    parsed = parse_url(url)
    return (
        _open_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _open_postgresql(parsed)
    )


def parse_url(url: str) -> URL:
    """A database's URL, with the driver that we use. An error quotes nothing of it.

    Raises:
        ValueError: it is no URL, is of another kind of database, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        backend = ""
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError("a SQLite database is a file: connections do not share a memory one")
        return parsed.set(drivername="sqlite")
    if backend != "postgresql":
        raise ValueError("a database is sqlite:///path or postgresql://user@host/name")
    if importlib.util.find_spec("psycopg") is None:
        raise ValueError("PostgreSQL needs psycopg: pip install '.[postgres]'")
    return parsed.set(drivername="postgresql+psycopg")


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolTimeout) as error:
        raise Unavailable("database") from error
    except DatabaseError as error:
        if type(error) is DatabaseError:  # a file that is no database; its kinds are about the data
            raise Unavailable("database") from error
        raise


def _open_sqlite(url: URL) -> Database:
    # Journals take the file's mode; made here because SQLite would follow the umask. A file that is
    # there is left alone: closing it would end every lock that this process has on it (POSIX).
    file = Path(url.database or "")
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if file.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(file)) from None
    shared: dict[str, Any] = {
        "hide_parameters": True,
        "connect_args": {"check_same_thread": False, "timeout": BUSY_MS / 1000},
    }
    writes = create_engine(url, pool_size=POOL_SIZE, pool_timeout=POOL_TIMEOUT, **shared)
    reads = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", **shared)
    event.listen(writes, "connect", _prepare_sqlite)
    event.listen(reads, "connect", _prepare_sqlite)
    event.listen(writes, "begin", _begin_immediate)
    return Database(writes, reads)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a committed revocation or audit entry survives a power cut
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "cache_size = -256",  # KiB: each thread has its own, and the system caches the file too
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    # A read lock that must become a write lock can fail at once; a write lock waits its turn.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _open_postgresql(url: URL) -> Database:
    options = (
        f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={BUSY_MS}"
        " -c idle_in_transaction_session_timeout=10000 -c synchronous_commit=on"
    )
    shared: dict[str, Any] = {
        "hide_parameters": True,
        "connect_args": {
            "connect_timeout": 2,
            "tcp_user_timeout": 3_000,
            "application_name": "idp",
            "options": options,
        },
    }
    writes = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=POOL_TIMEOUT,
        pool_use_lifo=True,
        **shared,
    )
    reads = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", **shared)
    return Database(writes, reads)
