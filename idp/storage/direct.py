"""A connection that one writer keeps: transactions of prepared statements, run by the driver."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from idp.core.errors import Unavailable
from idp.storage.statements import Statement


def translated(dialect: Dialect, error: Exception) -> Exception:
    """A driver's error for those who asked: Unavailable, or the error about the data itself."""
    dbapi = dialect.loaded_dbapi
    unable = (dbapi.OperationalError, dbapi.InterfaceError, dbapi.InternalError)
    if isinstance(error, unable) or type(error) is dbapi.DatabaseError:
        return Unavailable("database")
    return error


class Transaction:
    """What runs in one transaction."""

    def __init__(self, driver: Any, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    def run(self, statement: Statement, **values: Any) -> int:
        """Run a statement; how many rows it wrote."""
        compiled = statement.on(self._dialect)
        count: int = self._driver.execute(compiled.sql, compiled.values(values)).rowcount
        return count

    def run_all(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of ``rows``."""
        compiled = statement.on(self._dialect)
        self._driver.cursor().executemany(compiled.sql, [compiled.values(each) for each in rows])

    def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """The rows of a statement, with their columns as attributes."""
        compiled = statement.on(self._dialect)
        found = self._driver.execute(compiled.sql, compiled.values(values)).fetchall()
        return list(map(compiled.row, found))


class Direct:
    """One transaction at a time, each on the same connection: its user holds a lock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: PoolProxiedConnection | None = None

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction: committed on leaving, rolled back when the block raises.

        Raises:
            Unavailable: the database does not answer, or the commit is not known to be done.
        """
        driver = self._driver()
        try:
            if self._engine.dialect.name == "sqlite":
                driver.execute("BEGIN IMMEDIATE")  # wait for the lock here, not in the middle
            yield Transaction(driver, self._engine.dialect)
            driver.commit()
        except BaseException as error:
            self.close()  # which rolls back
            if isinstance(error, self._engine.dialect.loaded_dbapi.Error):
                raise translated(self._engine.dialect, error) from error
            raise

    def close(self) -> None:
        """Give the connection up; the next transaction takes another."""
        held, self._held = self._held, None
        if held is not None:
            with suppress(Exception):  # it may be broken: that is why
                held.invalidate()

    def _driver(self) -> Any:
        if self._held is None:
            try:
                self._held = self._engine.raw_connection()
            except (self._engine.dialect.loaded_dbapi.Error, DBAPIError, PoolTimeout) as error:
                raise Unavailable("database") from error
        return self._held.driver_connection
