"""The login desk with everything it ships, on memory and SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.clock import FixedClock
from idp.storage.database import metadata, open_database
from tests.world import World, build


@pytest.fixture
def world(tmp_path: Path, clock: FixedClock, sqlite_url: str) -> Iterator[World]:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    yield build(tmp_path, database, clock)
    database.close()
