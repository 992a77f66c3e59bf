"""Entries of the audit log, for operators and for relying parties' developers."""

import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from idp.audit import repository
from idp.audit.chain import canonical
from idp.storage.database import Database


def tail(database: Database, count: int) -> list[dict[str, Any]]:
    """The last ``count`` entries, oldest first."""
    return [json.loads(each.entry) for each in repository.latest(database, count)]


def find(database: Database, reference: str) -> list[dict[str, Any]]:
    """The entries with this ``reference``, the last stored first. Reads the whole log."""
    return list(_with(database, "reference", reference, within=sys.maxsize))


def of_client(database: Database, client_id: str, *, within: int) -> list[dict[str, Any]]:
    """The entries of one client among the last ``within`` of all, oldest first."""
    return list(_with(database, "client_id", client_id, within=within))[::-1]


def _with(database: Database, name: str, value: str, *, within: int) -> Iterator[dict[str, Any]]:
    for record in repository.matching(database, name, value, within=within):
        entry: dict[str, Any] = json.loads(record.entry)
        if entry.get(name) == value:  # LIKE is blind to case in SQLite
            yield entry


def export(database: Database, stream: TextIO) -> int:
    """Write every entry with its place in its chain as one JSON object a line; how many."""
    count = 0
    for each in repository.every(database):
        line = {"writer": each.writer, "number": each.number, "mac": each.mac}
        stream.write(canonical(line | {"entry": json.loads(each.entry)}) + "\n")
        count += 1
    return count
