"""Our copy of the population registry: its tables, and everything that changes them.

A person is written with their former numbers and cards in one transaction, or not at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    String,
    Table,
    UpdateBase,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from idp.core.clock import Clock
from idp.core.person import CivilStatus
from idp.core.personal_number import PersonalNumber
from idp.registry.chip_keys import REPEATED, TAKEN, ChipKeys, Rehearsal, keys_of
from idp.registry.merge import Known, Merged, StatusRow, merge
from idp.registry.model import Card, CardStatus, Record
from idp.registry.rows import NUMBER, Rows, card_row
from idp.registry.rows import Row as Values
from idp.storage.database import Database, metadata
from idp.storage.statements import upsert

persons = Table(
    "persons",
    metadata,
    Column("number", String(12), primary_key=True),
    Column("full_name", String(100), nullable=False),
    Column("family_name", String(100), nullable=False),
    Column("middle_name", String(100), nullable=False),
    Column("given_name", String(100), nullable=False),
    Column("birth_date", String(10), nullable=False),
    Column("sex", String(8), nullable=False),
    Column("nationality", String(3), nullable=False),
    Column("ethnicity", String(64), nullable=False),
    Column("province_code", String(8), nullable=False),
    Column("province", String(100), nullable=False),
    Column("commune_code", String(8), nullable=False),
    Column("commune", String(100), nullable=False),
    Column("street", String(200), nullable=False),
    Column("address_text", String(400), nullable=False),
    Column("status", String(20), nullable=False),
    Column("phone", String(16)),
    Column("email", String(254)),
    Column("updated_at", BigInteger),
)
person_identifiers = Table(
    "person_identifiers",
    metadata,
    Column("number", String(12), ForeignKey("persons.number"), primary_key=True),
    Column("value", String(9), primary_key=True),
    # One 9-digit number may have been given to several persons: never unique.
    Index("ix_person_identifiers_value", "value"),
)
cards = Table(
    "cards",
    metadata,
    Column("number", String(12), ForeignKey("persons.number"), primary_key=True),
    # Nine digits of the person's number on every card of theirs: the date tells them apart.
    Column("document_number", String(16), primary_key=True),
    Column("issued_on", String(10), primary_key=True),
    Column("expires_on", String(10)),
    Column("status", String(12), nullable=False),
    Column("serial", String(64)),
    Column("aa_key_digest", String(64)),
    Index("ix_cards_serial", "serial"),
    Index("ix_cards_aa_key_digest", "aa_key_digest", unique=True),
)

_FIRST_REAL_NUMBER = "001"
_CARDS_LOCK = 0x1D_0002  # see idp.storage.database for the other one
_MOST_VALUES = 5_000
"""Of one statement; SQLite takes 32,766."""


class UnknownPerson(Exception):
    """The registry has no person with this number."""


class ChipKeyTaken(Exception):
    """Another card has the same chip key; the text says whose, without the data."""


class Registry:
    """Changes our copy of the registry. Every method raises ``Unavailable`` like its database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        insertion = upsert(persons, database.dialect)
        told = {each.name: each for each in insertion.excluded if not each.primary_key}
        self._upsert = insertion.on_conflict_do_update(index_elements=["number"], set_=told)

    def write(self, records: Iterable[Record]) -> None:
        """Write persons, new or known, all in one transaction, whatever was known of them.

        Of one number, one record.

        Raises:
            ChipKeyTaken: a card has the chip key of another one. Nothing is written.
        """
        rows = Rows.of((0, each) for each in records)
        with self._changing_cards() as connection:
            wanted = keys_of(rows)
            chips = ChipKeys(_holders(connection, _all(wanted)))
            for number in rows.told:
                chips.replace(number, ())
            for number, keys in wanted.items():
                _take(chips, number, keys)
            self._write(connection, rows)

    def bring_in(
        self, rounds: Sequence[Rows], *, rehearsal: Rehearsal | None = None
    ) -> list[Merged]:
        """Write what an import's lines come to beside what is known, all in one transaction.

        With ``rehearsal`` only the answer is made.
        """
        numbers = sorted({each for rows in rounds for each in rows.numbers})
        if not numbers:
            return []
        keys = [key for rows in rounds for key in _all(keys_of(rows))]
        query = select(persons.c.number, persons.c.status, persons.c.updated_at)
        query = query.where(_of(persons, numbers)).order_by(persons.c.number)
        with self._database.read() if rehearsal else self._changing_cards() as connection:
            # Locked, so that nobody changes a status between what is known and what is written.
            found = connection.execute(query if rehearsal else query.with_for_update())
            known: Known = {number: (status, at) for number, status, at in found}
            held = _holders(connection, keys)
            chips = ChipKeys(rehearsal.after(held, keys) if rehearsal else held)
            now = self._clock()
            merged = [merge(each, known, chips, now) for each in rounds]
            for each in merged:
                if rehearsal:
                    rehearsal.add(each.rows)
                else:
                    self._write(connection, each.rows)
                    _write_statuses(connection, each.statuses)
        return merged

    @contextmanager
    def _changing_cards(self) -> Iterator[Connection]:
        """A transaction that alone changes cards: no other takes a chip key meanwhile.

        Raises:
            ChipKeyTaken: another release, which does not wait for this one, took it all the same.
        """
        try:
            with self._database.begin() as connection:
                if self._database.dialect == "postgresql":  # SQLite has one writer anyway
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_CARDS_LOCK})"))
                yield connection
        except IntegrityError as error:
            if "aa_key_digest" not in str(error.orig):
                raise
            raise ChipKeyTaken(TAKEN) from error

    def _write(self, connection: Connection, rows: Rows) -> None:
        if not rows.persons:
            return
        numbers = [each[NUMBER] for each in rows.persons]
        _execute(connection, self._upsert, persons, rows.persons)
        connection.execute(delete(person_identifiers).where(_of(person_identifiers, numbers)))
        _execute(connection, insert(person_identifiers), person_identifiers, rows.identifiers)
        connection.execute(delete(cards).where(_of(cards, rows.told)))
        _execute(connection, insert(cards), cards, rows.cards)

    def set_status(self, number: PersonalNumber, status: CivilStatus) -> None:
        """Change a person's civil status.

        Raises:
            UnknownPerson: there is none.
        """
        query = update(persons).where(persons.c.number == number.digits)
        with self._database.begin() as connection:
            changed = connection.execute(
                query.values(status=status.value, updated_at=self._clock())
            )
            if not changed.rowcount:
                raise UnknownPerson

    def put_card(self, number: PersonalNumber, card: Card) -> None:
        """Record a card; one with its document number and issue date is replaced.

        Raises:
            UnknownPerson: nobody has this number.
            ChipKeyTaken: another card has the same chip key.
        """
        values = dict(zip(cards.columns.keys(), card_row(number, card), strict=True))
        same = (each == values[each.name] for each in cards.primary_key)
        with self._changing_cards() as connection:
            known = select(persons.c.number).where(persons.c.number == number.digits)
            if connection.scalar(known) is None:
                raise UnknownPerson
            connection.execute(delete(cards).where(*same))
            if card.aa_key_digest is not None:
                held = _holders(connection, [card.aa_key_digest])
                if number.digits in held.values():
                    raise ChipKeyTaken(REPEATED)
                _take(ChipKeys(held), number.digits, [card.aa_key_digest])
            connection.execute(insert(cards).values(values))

    def set_card_status(self, serial: str, status: CardStatus) -> tuple[Card, ...]:
        """Change the status of the card with this serial; answers what was changed, or nothing."""
        query = update(cards).where(cards.c.serial == serial).values(status=status.value)
        with self._database.begin() as connection:
            changed = connection.execute(query.returning(cards)).all()
        return tuple(card_of(row) for row in changed)

    def cards_with_serial(self) -> tuple[tuple[PersonalNumber, Card], ...]:
        """Every card that has a serial, by its person's number."""
        query = select(cards).where(cards.c.serial.is_not(None)).order_by(*cards.primary_key)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple((PersonalNumber(row.number), card_of(row)) for row in rows)

    def holds_real_numbers(self) -> bool:
        """Whether any person's number has another province code than 000, which nobody has."""
        query = select(persons.c.number).where(persons.c.number >= _FIRST_REAL_NUMBER).limit(1)
        with self._database.read() as connection:
            return connection.scalar(query) is not None


def card_of(row: Any) -> Card:
    """The card in a row of :data:`cards`."""
    return Card(
        document_number=row.document_number,
        issued_on=date.fromisoformat(row.issued_on),
        expires_on=date.fromisoformat(row.expires_on) if row.expires_on else None,
        status=CardStatus(row.status),
        serial=row.serial,
        aa_key_digest=row.aa_key_digest,
    )


def _execute(
    connection: Connection, statement: UpdateBase, table: Table, rows: Sequence[Values]
) -> None:
    """Run ``statement`` for each row, by the driver itself.

    SQLAlchemy would prepare every row by itself, which takes longer than storing it. All columns
    are texts and integers, so there is nothing to prepare.
    """
    if not rows:
        return
    names = table.columns.keys()
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    order: list[str] | None = compiled.positiontup
    if order is None:
        named = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), named)
        return
    pick = itemgetter(*map(names.index, order))
    connection.exec_driver_sql(str(compiled), list(map(pick, rows)))


def _write_statuses(connection: Connection, statuses: Sequence[StatusRow]) -> None:
    for number, status, updated_at in statuses:
        query = update(persons).where(persons.c.number == number)
        connection.execute(query.values(status=status, updated_at=updated_at))


def _holders(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """The numbers of those whose cards have these chip keys, by key."""
    found: dict[str, str] = {}
    for at in range(0, len(keys), _MOST_VALUES):
        query = select(cards.c.aa_key_digest, cards.c.number)
        query = query.where(cards.c.aa_key_digest.in_(keys[at : at + _MOST_VALUES]))
        found.update((key, number) for key, number in connection.execute(query))
    return found


def _take(chips: ChipKeys, number: str, keys: Sequence[str]) -> None:
    if reason := chips.refusal(number, keys):
        raise ChipKeyTaken(reason)
    chips.replace(number, keys)


def _all(keys: Mapping[str, Sequence[str]]) -> list[str]:
    return [key for each in keys.values() for key in each]


def _of(table: Table, numbers: Sequence[str]) -> ColumnElement[bool]:
    return table.c.number.in_(numbers)
