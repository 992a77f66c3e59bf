"""The tables of the audit log. Entries are only ever inserted."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from idp.storage.database import Database, metadata
from idp.storage.direct import Transaction
from idp.storage.statements import Statement

_PAGE = 1_000
_WINDOW = 20_000

ENTRIES = Table(
    "audit_entries",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("writer", String(22), nullable=False),
    Column("number", Integer, nullable=False),
    Column("entry", Text, nullable=False),
    Column("mac", String(43), nullable=False),
    UniqueConstraint("writer", "number"),
)
HEADS = Table(
    "audit_heads",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("writer", String(22), nullable=False, unique=True),
    Column("number", Integer, nullable=False),
    Column("seal", String(43), nullable=False),
)
_RECORDS = select(ENTRIES.c.writer, ENTRIES.c.number, ENTRIES.c.entry, ENTRIES.c.mac)
_HEADS = select(HEADS.c.writer, HEADS.c.number, HEADS.c.seal)
_LATEST_HEAD = Statement(_HEADS.order_by(HEADS.c.id.desc()).limit(1))
_INSERT_ENTRY = Statement(insert(ENTRIES).inline(), ("writer", "number", "entry", "mac"))
_INSERT_HEAD = Statement(insert(HEADS).inline(), ("writer", "number", "seal"))
_MOVE_HEAD = Statement(
    update(HEADS)
    .where(HEADS.c.writer == bindparam("of"))
    .values(number=bindparam("new_number"), seal=bindparam("new_seal"))
)


@dataclass(frozen=True, slots=True)
class Record:
    """One stored entry: canonical JSON, its place in its writer's chain, and its MAC."""

    writer: str
    number: int
    entry: str
    mac: str


@dataclass(frozen=True, slots=True)
class Head:
    """How long a writer's chain is, sealed."""

    writer: str
    number: int
    seal: str


def append(transaction: Transaction, records: Sequence[Record], head: Head) -> None:
    """Store ``records`` and move their writer's head, in the caller's transaction."""
    rows = [
        {"writer": each.writer, "number": each.number, "entry": each.entry, "mac": each.mac}
        for each in records
    ]
    transaction.run_all(_INSERT_ENTRY, rows)
    values = {"new_number": head.number, "new_seal": head.seal, "of": head.writer}
    if not transaction.run(_MOVE_HEAD, **values):
        transaction.run(_INSERT_HEAD, writer=head.writer, number=head.number, seal=head.seal)


def latest_head(transaction: Transaction) -> Head | None:
    """The head of the writer that began last."""
    rows = transaction.rows(_LATEST_HEAD)
    return Head(*rows[0]) if rows else None


def heads(database: Database) -> list[Head]:
    """Every writer's head, oldest writer first."""
    with database.read() as connection:
        return [Head(*row) for row in connection.execute(_HEADS.order_by(HEADS.c.id))]


def writers(database: Database) -> list[str]:
    """Every writer that has an entry."""
    query = select(ENTRIES.c.writer).distinct().order_by(ENTRIES.c.writer)
    with database.read() as connection:
        return list(connection.scalars(query))


def chain(database: Database, writer: str) -> Iterator[Record]:
    """A writer's entries in order, read page by page."""
    number = 0
    while True:
        query = (
            _RECORDS.where(ENTRIES.c.writer == writer, ENTRIES.c.number > number)
            .order_by(ENTRIES.c.number)
            .limit(_PAGE)
        )
        with database.read() as connection:
            page = [Record(*row) for row in connection.execute(query)]
        yield from page
        if len(page) < _PAGE:
            return
        number = page[-1].number


def latest(database: Database, count: int) -> list[Record]:
    """The last ``count`` entries of all writers, oldest first."""
    query = _RECORDS.order_by(ENTRIES.c.id.desc()).limit(count)
    with database.read() as connection:
        return [Record(*row) for row in connection.execute(query)][::-1]


def newest(database: Database) -> Iterator[Record]:
    """All entries, the last stored first, read page by page."""
    before: int | None = None
    while True:
        query = select(ENTRIES).order_by(ENTRIES.c.id.desc()).limit(_PAGE)
        with database.read() as connection:
            page = connection.execute(
                query if before is None else query.where(ENTRIES.c.id < before)
            ).all()
        for row in page:
            before = row.id
            yield Record(row.writer, row.number, row.entry, row.mac)
        if len(page) < _PAGE:
            return


def matching(database: Database, name: str, value: str, *, within: int) -> Iterator[Record]:
    """Entries whose member ``name`` is the string ``value``, the last stored first.

    Looked for among the last ``within`` entries; those are read by the primary key, a window at a
    time, and only what matches leaves the database.
    """
    # Canonical JSON: no other member can hold these bytes, since quotes inside of one are escaped.
    held = f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}"
    with database.read() as connection:
        before = (connection.scalar(select(func.max(ENTRIES.c.id))) or 0) + 1
    end = max(0, before - within)
    while before > end:
        after = max(end, before - _WINDOW)
        query = (
            _RECORDS.where(ENTRIES.c.id >= after, ENTRIES.c.id < before)
            .where(ENTRIES.c.entry.contains(held, autoescape=True))
            .order_by(ENTRIES.c.id.desc())
        )
        with database.read() as connection:
            found = [Record(*row) for row in connection.execute(query)]
        yield from found
        before = after


def every(database: Database) -> Iterator[Record]:
    """All entries in the order they were stored, read page by page."""
    last = 0
    while True:
        query = select(ENTRIES).where(ENTRIES.c.id > last).order_by(ENTRIES.c.id).limit(_PAGE)
        with database.read() as connection:
            page = connection.execute(query).all()
        for row in page:
            last = row.id
            yield Record(row.writer, row.number, row.entry, row.mac)
        if len(page) < _PAGE:
            return
