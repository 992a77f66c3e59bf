"""Imports of single lines, as a registry sends them, and what becomes of the person."""

import io
import json

from idp.core.personal_number import PersonalNumber
from idp.registry.importer import import_persons
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry
from idp.storage.database import Database

NOW = 1_790_000_000
NUMBER_OF = "000090010070"


def line(**more: object) -> bytes:
    person = {"number": NUMBER_OF, "name": "A B", "birth_date": "1990-02-03", "sex": "male"}
    return json.dumps(person | more).encode() + b"\n"


class Import:
    """An import into a database, and the persons that come of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.registry = Registry(database, lambda: NOW)

    def __call__(self, *lines: bytes) -> tuple[list[str], list[str]]:
        """The reasons of refused lines and the notes; a dry run has told the same before."""
        file = b"".join(lines)
        dry = import_persons(self.registry, io.BytesIO(file), dry_run=True)
        wet = import_persons(self.registry, io.BytesIO(file))
        assert (dry.problems, dry.notes, dry.persons) == (wet.problems, wet.notes, wet.persons)
        assert (wet.refused, wet.noted) == (len(wet.problems), len(wet.notes))
        return [each.reason for each in wet.problems], [each.reason for each in wet.notes]

    def person(self, number: str = NUMBER_OF):
        return SqlRegistry(self._database).person(PersonalNumber(number))

    def cards(self, number: str = NUMBER_OF):
        return SqlRegistry(self._database).cards(PersonalNumber(number))
