"""What is asked of the database: every statement, by SQLAlchemy or by the driver itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from idp.storage.direct import Direct
from idp.storage.statements import Statement


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL of each statement that is run meanwhile."""
    found: list[str] = []
    on = Statement.on

    def by_core(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    def by_driver(self: Statement, dialect: Any) -> Any:
        compiled = on(self, dialect)
        found.append(compiled.sql)
        return compiled

    event.listen(Engine, "before_cursor_execute", by_core)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Statement, "on", by_driver)
        try:
            yield found
        finally:
            event.remove(Engine, "before_cursor_execute", by_core)


@contextmanager
def commits() -> Iterator[list[None]]:
    """One entry for each write transaction that begins meanwhile, by SQLAlchemy or the driver."""
    found: list[None] = []
    begin = Direct.begin

    def by_core(_: Any) -> None:
        found.append(None)

    def by_driver(self: Direct) -> Any:
        found.append(None)
        return begin(self)

    event.listen(Engine, "commit", by_core)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Direct, "begin", by_driver)
        try:
            yield found
        finally:
            event.remove(Engine, "commit", by_core)
