"""A provider for the tests of its endpoints."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.core.clock import FixedClock
from idp.keystore.file import KeyStore, rotate
from idp.keystore.rotation import Policy
from idp.storage.database import Database, metadata, open_database
from idp.storage.embedded import EmbeddedValkey
from idp.storage.memory import MemoryStore
from idp.storage.redis import RedisStore
from tests.oidc.world import World, build


@pytest.fixture(scope="session")
def keys_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signing keys and secrets, made once: RSA keys take their time."""
    directory = tmp_path_factory.mktemp("keys")
    directory.chmod(0o700)
    rotate(directory, 1_700_000_000, Policy())
    return directory


@pytest.fixture(scope="session")
def keys(keys_directory: Path) -> KeyStore:
    """A key store that no test changes."""
    return KeyStore(keys_directory)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and nothing in them, to copy."""
    path = tmp_path_factory.mktemp("database") / "empty.db"
    database = open_database(f"sqlite:///{path}")
    with database.begin() as connection:
        metadata.create_all(connection)
    database.close()
    return path


@pytest.fixture
def provider_database(empty_database: Path, tmp_path: Path) -> Iterator[Database]:
    """A SQLite database of this test's own."""
    shutil.copy(empty_database, tmp_path / "provider.db")
    database = open_database(f"sqlite:///{tmp_path}/provider.db")
    yield database
    database.close()


@pytest.fixture
def world(
    provider_database: Database, clock: FixedClock, transient: MemoryStore, keys: KeyStore
) -> World:
    """A provider over SQLite and the memory store."""
    return build(provider_database, transient, clock, keys)


@pytest.fixture(scope="session")
def provider_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Valkey of this worker's own."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def redis_world(
    provider_database: Database, clock: FixedClock, provider_valkey: str, keys: KeyStore
) -> Iterator[World]:
    """A provider over SQLite and a real Valkey."""
    transient = RedisStore(provider_valkey)
    yield build(provider_database, transient, clock, keys)
    transient.close()
