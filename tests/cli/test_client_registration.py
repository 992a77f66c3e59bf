"""``idp client invite``, ``prune``, and what operators see of clients that register themselves."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.audit.events import AuthorizationGranted
from idp.audit.log import AuditLog
from idp.cli import main
from idp.core.clock import FixedClock, system_clock
from idp.core.handles import digest
from idp.keystore.file import KeyStore
from idp.oidc.clients.model import Client, ClientStatus, Text
from idp.oidc.clients.repository import Clients
from idp.oidc.registration.model import Registration
from idp.oidc.registration.repository import Registrations
from idp.storage.database import Database, open_database
from idp.storage.schema import upgrade

DAY = 24 * 3600
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Path, sqlite_url: str) -> Run:
    monkeypatch.setenv("IDP_DATABASE__URL", sqlite_url)
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(directory))
    monkeypatch.setenv("IDP_REGISTRATION__POLICY", "token")
    monkeypatch.chdir(tmp_path)
    return lambda *said: CliRunner().invoke(main, ["client", *said], prog_name="idp")


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url)
    upgrade(opened)
    yield opened
    opened.close()


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def registered(
    database: Database, client_id: str, *, days_ago: int = 0, status: str = "active"
) -> Client:
    """A client that registered itself without any token."""
    made = Client(
        client_id,
        Text(client_id),
        client_id,
        status=ClientStatus(status),
        created_at=system_clock() - days_ago * DAY,
    )
    records = Registrations(database, system_clock)
    records.create(made, Registration(client_id, digest("x"), ("openid",)), most=100)
    return made


def test_an_invitation_is_shown_once_and_kept_as_a_digest(run: Run, database: Database) -> None:
    made = answer(run("invite", "--uses", "3", "--ttl", "3600", "--scope", "openid pid"))
    (kept,) = Registrations(database, system_clock).invitations()
    assert kept.digest == digest(made["initial_access_token"])
    assert (kept.name, kept.uses, kept.scope) == (made["name"], 3, ("openid", "pid"))
    assert kept.expires_at - kept.created_at == 3600
    assert made["registration_endpoint"] == "http://localhost:8000/register"
    listed = run("invitations", "--format", "json")
    assert made["initial_access_token"] not in listed.stdout
    assert answer(listed)[0]["name"] == made["name"]


def test_an_invitation_can_be_ended(run: Run, database: Database) -> None:
    name = answer(run("invite", "--format", "json"))["name"]
    assert run("uninvite", name).exit_code == 0
    assert Registrations(database, system_clock).invitations() == ()
    assert run("uninvite", name).exit_code == 1


def test_nobody_is_invited_where_registration_is_closed(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDP_REGISTRATION__POLICY")
    refused = run("invite")
    assert refused.exit_code == 1
    assert "IDP_REGISTRATION__POLICY" in refused.stderr
    assert Registrations(database, system_clock).invitations() == ()


@pytest.mark.parametrize("wrong", [("--uses", "0"), ("--ttl", "1"), ("--scope", 'open"id')])
def test_a_wrong_invitation_is_refused(
    run: Run, database: Database, wrong: tuple[str, str]
) -> None:
    assert run("invite", *wrong).exit_code == 2
    assert Registrations(database, system_clock).invitations() == ()


def test_the_list_says_who_registered_itself(run: Run, database: Database) -> None:
    registered(database, "self")
    Clients(database, system_clock).create(Client("operators", Text("O"), "o"))
    listed = {each["client_id"]: each for each in answer(run("list", "--format", "json"))}
    assert listed["self"]["registered_by"] == "open"
    assert "registered_by" not in listed["operators"]


def test_prune_deletes_what_nobody_used(run: Run, database: Database, directory: Path) -> None:
    for client_id, days in (("idle", 40), ("used", 40), ("used-long-ago", 90), ("new", 1)):
        registered(database, client_id, days_ago=days)
    old = Client("operators", Text("O"), "o")
    Clients(database, FixedClock(system_clock() - 90 * DAY)).create(old)
    key = KeyStore(directory).derive("audit")
    for client_id, days in (("used-long-ago", 60), ("used", 5)):
        log = AuditLog(database, key, FixedClock(system_clock() - days * DAY))
        log.write(AuthorizationGranted(client_id=client_id, acr="", scope=""))
        log.close()
    would = answer(run("prune", "--unused-days", "30", "--dry-run", "--format", "json"))
    assert sorted(would["deleted"]) == ["idle", "used-long-ago"]
    gone = answer(run("prune", "--unused-days", "30", "--format", "json"))
    assert gone["deleted"] == would["deleted"]
    left = {each.client_id for each in Clients(database, system_clock).all()}
    assert left == {"used", "new", "operators"}
    assert {each.client_id for each in Registrations(database, system_clock).all()} == {
        "used",
        "new",
    }


@pytest.mark.attack("N11")
def test_N11_enabling_a_look_alike_warns(run: Run, database: Database) -> None:
    ministry = Client("ministry", Text("Bộ Công an", "Ministry of Public Security"), "m")
    Clients(database, system_clock).create(ministry)
    for client_id, name, alike in (
        ("a", "BO CONG AN", True),
        ("b", "Bộ Cong-An ", True),
        ("c", "Bộ C0ng an", True),
        ("d", "Bộ Công Thương", False),
    ):
        made = registered(database, client_id, status="disabled")
        Clients(database, system_clock).update(replace(made, client_name=Text(name)))
        enabled = run("enable", client_id)
        assert enabled.exit_code == 0
        assert ("looks like that of ministry" in enabled.stderr) is alike
        run("disable", client_id)
