"""The application: what it is built of, what it refuses, what it counts and logs."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog
from prometheus_client import REGISTRY
from werkzeug.test import Client

from idp.app import (
    Application,
    MeteredAuditLog,
    NotASandbox,
    OpenStores,
    create_app,
    feature_settings,
)
from idp.audit.events import SessionMoved
from idp.authn.otp.settings import OtpSection
from idp.core.clock import FixedClock
from idp.core.person import BirthDate, Name, Sex
from idp.core.personal_number import PersonalNumber
from idp.keystore.file import InvalidKeyStore, rotate
from idp.keystore.rotation import Policy
from idp.keystore.settings import KeysSection
from idp.login.settings import SessionSection, ThrottleSection
from idp.registry.model import Person
from idp.registry.repository import Record, Registry
from idp.registry.sql import SqlRegistry
from idp.settings import Settings
from idp.storage.database import open_database
from idp.storage.memory import MemoryStore
from idp.storage.schema import upgrade
from idp.storage.settings import DatabaseSection
from idp.web import log

REAL = Person(PersonalNumber("001099000001"), Name("A B", "A", "", "B"), BirthDate(1999), Sex.MALE)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    directory.chmod(0o700)
    rotate(directory, 1_700_000_000, Policy())
    return directory


@pytest.fixture
def settings(tmp_path: Path, keys: Path) -> Settings:
    """A development instance under ``tmp_path``, its schema up to date."""
    made = Settings(state_directory=tmp_path, keys=KeysSection(directory=keys))
    database = open_database(made.database_url)
    upgrade(database)
    database.close()
    return made


@pytest.fixture
def app(settings: Settings) -> Iterator[Application]:
    made = create_app(settings)
    yield made
    made.close()


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("info", stream)
    yield stream
    root.handlers[:], _ = handlers, root.setLevel(level)
    structlog.reset_defaults()


def changed(settings: Settings, **values: object) -> Settings:
    return settings.model_copy(update=values)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_it_serves_what_it_advertises(app: Application) -> None:
    client = Client(app)
    metadata = client.get("/.well-known/openid-configuration").json
    assert metadata is not None
    for name, url in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert client.get(url.removeprefix("http://localhost:8000")).status_code != 404, name


def test_it_is_composed_on_given_stores_and_leaves_them_open(settings: Settings) -> None:
    database, clock = open_database(settings.database_url), FixedClock(1_800_000_000)
    stores = OpenStores(database, MemoryStore(clock), SqlRegistry(database))
    made = create_app(settings, stores, clock)
    assert Client(made).get("/jwks").status_code == 200
    made.close()
    database.ping()
    assert stores.transient.get("nothing") is None
    database.close()


@pytest.mark.attack("U11")
def test_U11_without_keys_nothing_is_built(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyStore):
        create_app(changed(settings, keys=KeysSection(directory=tmp_path / "none")))


def test_a_sandbox_holds_no_real_person(settings: Settings) -> None:
    sandbox = changed(settings, sandbox=True)
    create_app(sandbox).close()
    database = open_database(settings.database_url)
    Registry(database, FixedClock(0)).write([Record(REAL)])
    database.close()
    with pytest.raises(NotASandbox):
        create_app(sandbox)
    create_app(settings).close()


def test_the_sandbox_relaxes_what_counts_sends_and_addresses_only() -> None:
    plain, sandbox = Settings(), Settings(sandbox=True)
    assert feature_settings(plain).otp.max_sends == 3
    assert feature_settings(sandbox).otp.max_sends == 10_000
    assert feature_settings(sandbox).otp.tries == feature_settings(plain).otp.tries == 5
    assert feature_settings(plain).otp.fixed_code is None
    assert feature_settings(sandbox).otp.fixed_code == "000000"
    assert feature_settings(sandbox).login.starts.maximum == 10_000
    assert feature_settings(sandbox).card.presentations.maximum == 10_000


def test_what_is_given_counts_in_the_sandbox_too() -> None:
    given = Settings(
        sandbox=True, otp=OtpSection(max_sends=2), throttle=ThrottleSection(per_address=7)
    )
    assert feature_settings(given).otp.max_sends == 2
    assert feature_settings(given).otp.per_address == 7
    assert feature_settings(given).login.attempts.maximum == 7


@pytest.mark.parametrize(
    ("moved", "asks_again"),
    [("note", set()), ("user-agent", {"user_agent"}), ("any", {"user_agent", "network"})],
)
def test_the_policy_says_which_move_of_a_session_asks_again(
    moved: Literal["note", "user-agent", "any"], asks_again: set[str]
) -> None:
    given = Settings(session=SessionSection(moved=moved))
    assert feature_settings(given).login.asks_again == asks_again


def test_sessions_that_moved_are_counted(settings: Settings) -> None:
    database = open_database(settings.database_url)
    audit = MeteredAuditLog(database, b"k" * 32, FixedClock(0))
    before = counted("idp_sessions_moved_total", what="user_agent+network")
    audit.write(SessionMoved(session_id="s", what=("user_agent", "network")))
    database.close()
    assert counted("idp_sessions_moved_total", what="user_agent+network") == before + 1


def test_a_database_that_does_not_answer_is_told_apart(settings: Settings) -> None:
    elsewhere = "postgresql://idp@127.0.0.1:1/idp"
    app = create_app(changed(settings, database=DatabaseSection(url=elsewhere)))
    before = counted("idp_unavailable_total", dependency="database")
    assert Client(app).get("/authorize?client_id=x").status_code == 503
    assert counted("idp_unavailable_total", dependency="database") == before + 1
    app.close()


def test_requests_are_counted_by_rule_and_never_by_path(app: Application) -> None:
    labels = {"endpoint": "/login/<t>/otp", "method": "GET", "status": "400"}
    before = counted("idp_requests_total", **labels)
    assert Client(app).get("/login/some-ticket/otp").status_code == 400
    assert counted("idp_requests_total", **labels) == before + 1


@pytest.mark.attack("P13")
def test_P13_nothing_sent_makes_a_log_line_of_its_own(app: Application, lines: io.StringIO) -> None:
    evil = 'x"}\n{"event":"admin logged in"}\r\n\x1b[31m'
    Client(app).get(
        "/authorize",
        query_string={"client_id": evil, "state": evil, "login_hint": evil},
        headers={"User-Agent": evil.replace("\n", "").replace("\r", "")},
    )
    (line,) = lines.getvalue().splitlines()
    assert json.loads(line)["endpoint"] == "/authorize"
    assert "admin" not in line
    assert "\x1b" not in line


def test_the_access_line_carries_the_reference_of_the_page(
    app: Application, lines: io.StringIO
) -> None:
    page = Client(app).get("/nowhere", headers={"Accept": "text/html"}).text
    reference = json.loads(lines.getvalue().splitlines()[-1])["reference"]
    assert reference in page


def test_the_sandbox_keeps_its_code_back_but_for_the_demo_phone() -> None:
    assert feature_settings(Settings(sandbox=True)).otp.silent
    shown = Settings(sandbox=True, otp=OtpSection(send_fixed_code=True))
    assert not feature_settings(shown).otp.silent
    assert not feature_settings(Settings()).otp.silent
