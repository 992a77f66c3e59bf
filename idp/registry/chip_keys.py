"""Which person holds which chip key: a chip is of one card, so its key is on one record only."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from idp.registry.rows import AA_KEY_DIGEST, NUMBER, Rows

TAKEN = "cards: the chip key (aa_key_digest) is on another person's card"
REPEATED = "cards: two with one chip key (aa_key_digest)"


class ChipKeys:
    """Who holds the keys that a batch of records names, brought up to date record by record.

    ``held`` are the holders' numbers by key, before the batch.
    """

    def __init__(self, held: Mapping[str, str]) -> None:
        self._holder = dict(held)
        self._keys: dict[str, list[str]] = {}
        for key, number in held.items():
            self._keys.setdefault(number, []).append(key)

    def refusal(self, number: str, keys: Sequence[str]) -> str | None:
        """Why a person cannot have cards with these keys; None when they can."""
        if len(set(keys)) < len(keys):
            return REPEATED
        taken = any(self._holder.get(key, number) != number for key in keys)
        return TAKEN if taken else None

    def replace(self, number: str, keys: Sequence[str]) -> None:
        """The person has these keys now, and none that they had before."""
        for key in self._keys.pop(number, ()):
            del self._holder[key]
        if keys:
            self._keys[number] = list(keys)
            self._holder.update(dict.fromkeys(keys, number))


class Rehearsal:
    """Who would hold which keys after the batches of a dry run that were read so far.

    It is kept in a temporary file of SQLite's: memory does not grow with the import.
    """

    def __init__(self) -> None:
        self._store = sqlite3.connect("", isolation_level=None)
        self._store.executescript(
            "CREATE TABLE held (key TEXT PRIMARY KEY, number TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE INDEX held_number ON held (number);"
            "CREATE TABLE replaced (number TEXT PRIMARY KEY) WITHOUT ROWID;"
        )

    def close(self) -> None:
        """Remove the file."""
        self._store.close()

    def after(self, held: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
        """Who would hold ``keys``, where the database says ``held``."""
        found = {key: number for key, number in held.items() if not self._is_replaced(number)}
        for key in keys:
            row = self._store.execute("SELECT number FROM held WHERE key = ?", (key,)).fetchone()
            if row:
                found[key] = row[0]
        return found

    def add(self, rows: Rows) -> None:
        """Take in what a batch would have written."""
        told = [(number,) for number in rows.told]
        held = [(key, number) for number, keys in keys_of(rows).items() for key in keys]
        self._store.execute("BEGIN")
        self._store.executemany("INSERT OR IGNORE INTO replaced VALUES (?)", told)
        self._store.executemany("DELETE FROM held WHERE number = ?", told)
        self._store.executemany("INSERT INTO held VALUES (?, ?)", held)
        self._store.execute("COMMIT")

    def _is_replaced(self, number: str) -> bool:
        query = "SELECT 1 FROM replaced WHERE number = ?"
        return self._store.execute(query, (number,)).fetchone() is not None


def keys_of(rows: Rows) -> dict[str, list[str]]:
    """The chip keys of each person's cards; nobody without one."""
    found: dict[str, list[str]] = {}
    for card in rows.cards:
        if card[AA_KEY_DIGEST] is not None:
            found.setdefault(card[NUMBER], []).append(card[AA_KEY_DIGEST])
    return found
