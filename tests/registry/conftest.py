"""A registry on SQLite that lines are brought into."""

from collections.abc import Iterator

import pytest

from idp.storage.database import metadata, open_database
from tests.registry.bringing import Import


@pytest.fixture
def bring(sqlite_url: str) -> Iterator[Import]:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    yield Import(database)
    database.close()
