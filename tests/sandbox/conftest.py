"""A whole sandbox with its citizens, and a portal of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.accounts.repository import Accounts
from idp.app import Application, create_app
from idp.core.clock import system_clock
from idp.demo.citizens import Stores, seed_citizens
from idp.keystore.file import read_secret, rotate
from idp.keystore.rotation import Policy
from idp.keystore.settings import KeysSection
from idp.registry.repository import Registry
from idp.registry.sql import SqlRegistry
from idp.settings import Settings
from idp.storage.database import open_database
from idp.storage.schema import upgrade
from tests.sandbox.portal import Portal, register


def settings_in(directory: Path, *, sandbox: bool = True) -> Settings:
    """A deployment in a directory, its schema up to date and its citizens there."""
    keys = directory / "keys"
    keys.mkdir(mode=0o700)
    rotate(keys, system_clock(), Policy())
    settings = Settings(
        sandbox=sandbox, state_directory=directory, keys=KeysSection(directory=keys)
    )
    database = open_database(settings.database_url)
    upgrade(database)
    registry, source = Registry(database, system_clock), SqlRegistry(database)
    seed_citizens(Stores(registry, source, Accounts(database), read_secret(keys, "passcode")))
    database.close()
    return settings


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    made = create_app(settings_in(tmp_path_factory.mktemp("sandbox")))
    yield made
    made.close()


@pytest.fixture
def portal(app: Application) -> Portal:
    return register(app)
