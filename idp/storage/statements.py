"""Statements that are compiled once and run by the driver.

SQLAlchemy Core writes the SQL, for each database in its own words; what every request asks must not
pay for that each time. Values go through the types of the columns, as they do through Core.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import ClauseElement, Dialect, Select, Table
from sqlalchemy.sql.compiler import SQLCompiler

Convert: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of Core, to be asked often; ``parameters`` are the names of its values.

    For an INSERT they are the columns that are given. Where databases need different constructs,
    ``core`` makes the statement for a dialect, given its name.
    """

    core: ClauseElement | Callable[[str], ClauseElement]
    parameters: tuple[str, ...] = ()
    _compiled: dict[str, "Compiled"] = field(default_factory=dict, compare=False)

    def on(self, dialect: Dialect) -> "Compiled":
        """It in the words of a database."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _compile(self, dialect)
        return found


@dataclass(frozen=True, slots=True)
class Compiled:
    """SQL for a driver, how it takes its values, and what its rows become."""

    sql: str
    places: tuple[str, ...] | None
    """The values in their order; None where the driver takes them by name."""
    fixed: Mapping[str, Any]
    bind: Mapping[str, Convert]
    row: Callable[[Sequence[Any]], Any]

    def values(self, given: Mapping[str, Any]) -> Any:
        """The values as the driver takes them."""
        named = {**self.fixed, **given}
        for name, convert in self.bind.items():
            named[name] = convert(named[name])
        return named if self.places is None else [named[name] for name in self.places]


def upsert(table: Table, dialect: str) -> Any:
    """An INSERT into ``table`` that can say what to do ON CONFLICT, for a dialect by its name.

    The other database's dialect is not loaded.
    """
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _compile(statement: Statement, dialect: Dialect) -> Compiled:
    core = statement.core
    if not isinstance(core, ClauseElement):
        core = core(dialect.name)
    made = core.compile(dialect=dialect, column_keys=statement.parameters or None)
    if not isinstance(made, SQLCompiler):
        raise TypeError("only statements about rows are run often")
    bind = {
        name: convert
        for name, parameter in made.binds.items()
        if (convert := parameter.type.dialect_impl(dialect).bind_processor(dialect))
    }
    places = tuple(made.positiontup) if made.positional and made.positiontup is not None else None
    fixed = {name: made.params[name] for name in made.params if name not in statement.parameters}
    return Compiled(str(made), places, fixed, bind, _row_of(core, dialect))


def _row_of(core: ClauseElement, dialect: Dialect) -> Callable[[Sequence[Any]], Any]:
    """What makes a row with named columns out of what the driver gives."""
    if not isinstance(core, Select):
        return tuple
    columns = core.selected_columns
    named: Any = namedtuple("Row", columns.keys())  # type: ignore[misc]
    converts = [
        (place, convert)
        for place, column in enumerate(columns)
        if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
    ]
    if not converts:
        make: Callable[[Sequence[Any]], Any] = named._make
        return make

    def converted(values: Sequence[Any]) -> Any:
        changed = list(values)
        for place, convert in converts:
            changed[place] = convert(changed[place])
        return named._make(changed)

    return converted
