"""The operator's commands over a deployment of their own: one of each noun, as they are typed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from idp.accounts.repository import Accounts
from idp.audit.events import TokenRefused
from idp.cli import NOUNS, main
from idp.cli.context import Context
from idp.core.personal_number import PersonalNumber
from idp.mrtd.testing.authority import Authority
from idp.standing.revocations import Revocations
from idp.standing.subjects import Subject
from tests.cli.sessions import log_in

NUMBER = "000199000001"


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a development deployment under ``tmp_path``."""
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_TRUST__DIRECTORY", str(tmp_path / "trust"))


def idp(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


def answer(*arguments: str, code: int = 0) -> Any:
    return json.loads(idp(*arguments, "--format", "json", code=code).stdout)


def revoked(kind: Any, subject: str, since: int) -> bool:
    context = Context()
    found = Revocations(context.database, context.clock).is_revoked(Subject(kind, subject), since)
    context.close()
    return found


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_explains_itself(noun: str) -> None:
    assert idp(noun, "--help").stdout.startswith(f"Usage: main {noun}")


def test_help_loads_no_noun() -> None:
    code = "import sys; from idp.cli import main; main(['--help'], standalone_mode=False);"
    code += "print([name for name in sys.modules if name in ('flask', 'sqlalchemy', 'pydantic')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_schema_is_told_and_upgraded() -> None:
    assert answer("database", "status", code=1)["current"] is None
    assert answer("database", "upgrade")["upgraded"]
    assert answer("database", "status")["upgraded"]


def test_keys_are_made_rotated_and_revoked() -> None:
    made = answer("keys", "list")
    assert {(each["alg"], each["state"]) for each in made} == {
        (alg, state)
        for alg in ("ES256", "RS256", "RSA-OAEP-256", "ECDH-ES")
        for state in ("current", "next")
    }
    assert answer("keys", "rotate", "--now") == []  # the next keys are not known long enough
    current = next(each["kid"] for each in made if each["state"] == "current")
    answer("keys", "revoke", current)
    exported = json.loads(idp("keys", "export-jwks").stdout)
    assert current not in {each["kid"] for each in exported["keys"]}
    assert all("d" not in each for each in exported["keys"])
    assert "no such key" in idp("keys", "revoke", current, code=1).output


def test_a_sandbox_rotates_whenever_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SANDBOX", "true")
    before = {each["kid"] for each in answer("keys", "list")}
    for _ in range(2):
        answer("keys", "rotate")
        after = {each["kid"] for each in answer("keys", "list")}
        assert before < after  # the retired ones are published still
        before = after


def test_trust_anchors_come_and_go(tmp_path: Path) -> None:
    authority = Authority.found(1_800_000_000)
    (tmp_path / "root.cer").write_bytes(authority.csca_der())
    (tmp_path / "nonsense.cer").write_bytes(b"nonsense")
    (added,) = answer("trust", "add", str(tmp_path / "root.cer"))
    assert len(added["sha256"]) == 64
    assert [each["id"] for each in answer("trust", "list")] == [added["id"]]
    answer("trust", "remove", added["id"])
    assert answer("trust", "list") == []
    idp("trust", "remove", added["id"], code=1)
    idp("trust", "add", str(tmp_path / "nonsense.cer"), code=1)
    idp("trust", "add", str(tmp_path / "nothing"), code=2)


def test_an_older_revocation_list_is_refused_with_all_that_comes_with_it(tmp_path: Path) -> None:
    authority, now = Authority.found(1_800_000_000), 1_800_000_000
    lists = []
    for number in (1, 2, 3):
        path = tmp_path / f"{number}.crl"
        path.write_bytes(authority.revocation_list(now=now + number, number=number))
        lists.append(str(path))
    first, second, third = lists
    root = tmp_path / "root.cer"
    root.write_bytes(authority.csca_der())
    answer("trust", "add", second)
    refused = idp("trust", "add", str(root), first, code=1)
    assert "1.crl: this authority's newer revocation list" in refused.output
    assert len(answer("trust", "list")) == 1
    answer("trust", "add", second)
    idp("trust", "add", third, first, code=1)
    answer("trust", "add", third, str(root))
    assert len(answer("trust", "list")) == 3


@pytest.mark.parametrize("kid", ["-3xhY", "-h3x", "--x"])
def test_a_key_whose_name_begins_with_a_dash_is_no_option(kid: str) -> None:
    idp("keys", "rotate")
    assert f"there is no such key: {kid}" in idp("keys", "revoke", kid, code=1).output


def test_a_session_is_listed_and_revoked() -> None:
    idp("demo", "seed")
    session = log_in(NUMBER)
    (listed,) = answer("session", "list", NUMBER)
    assert (listed["sid"], listed["acr"]) == (session.id, "urn:vn:eid:level:1")
    assert answer("session", "revoke", session.id) == {"revoked": [session.id]}
    assert answer("session", "list", NUMBER) == []
    assert revoked("session", session.id, session.started_at)
    idp("session", "revoke", session.id, code=1)


def test_all_sessions_of_a_citizen_are_revoked() -> None:
    idp("demo", "seed")
    sessions = {log_in(NUMBER).id, log_in(NUMBER).id}
    assert set(answer("session", "revoke", "--all", NUMBER)["revoked"]) == sessions
    context = Context()
    account = Accounts(context.database).by_number(PersonalNumber(NUMBER))
    context.close()
    assert account is not None
    assert revoked("account", account.id, account.created_at)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("list", "12"), 2), (("list", "000199999999"), 1), (("revoke",), 2)],
)
def test_sessions_of_nobody(arguments: tuple[str, ...], code: int) -> None:
    idp("session", *arguments, code=code)


def test_the_audit_log_tells_what_operators_did_and_what_was_altered(tmp_path: Path) -> None:
    idp("demo", "seed")
    assert answer("audit", "verify") == {"intact": True}
    actions = {each.get("action") for each in answer("audit", "tail")}
    assert "demo.seed" in actions
    idp("audit", "export", "--out", str(tmp_path / "audit.jsonl"))
    assert "demo.seed" in (tmp_path / "audit.jsonl").read_text()
    context = Context()
    with context.database.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET entry = replace(entry, 'demo', 'harm')"))
    context.close()
    finding = answer("audit", "verify", code=1)
    assert (finding["intact"], finding["problem"]) == (False, "altered")


def test_check_has_a_line_for_each_thing() -> None:
    idp("demo", "seed")
    found = answer("check")
    assert [each["name"] for each in found] == [
        "configuration",
        "database",
        "redis",
        "keys",
        "clock",
        "trust anchors",
        "registry",
    ]
    assert all(each["good"] for each in found)


def test_check_names_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idp("demo", "seed")
    (tmp_path / "keys").chmod(0o755)
    monkeypatch.setenv("IDP_REDIS__URL", "redis://127.0.0.1:1")
    wrong = {each["name"] for each in answer("check", code=1) if not each["good"]}
    assert wrong == {"redis", "keys"}


def test_wrong_settings_are_told_by_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_OTP__TTL", "soon")
    monkeypatch.setenv("IDP_ISSUER", "ftp://x")
    for arguments in (("keys", "list"), ("database", "status"), ("demo", "seed")):
        said = idp(*arguments, code=1).output
        assert "IDP_OTP__TTL" in said
        assert "IDP_ISSUER" in said


def test_settings_are_shown_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDP_SMS__TOKEN", "hunter2")
    shown = idp("config", "show").output
    assert "IDP_OTP__TRIES=5" in shown
    assert "hunter2" not in shown


def test_the_reference_of_settings_is_current() -> None:
    document = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert idp("config", "reference").stdout == document.read_text("utf-8")


def test_the_demo_is_not_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "IDP_ISSUER": "https://id.example.vn",
        "IDP_DATABASE__URL": "postgresql://db/idp",
        "IDP_REDIS__URL": "redis://redis",
        "IDP_SMS__URL": "https://sms.example.vn",
        "IDP_SMS__TOKEN": "token",
    }.items():
        monkeypatch.setenv(name, value)
    assert "not for production" in idp("demo", "seed", code=1).output


def test_seeding_lists_the_citizens_and_may_be_repeated() -> None:
    first = answer("demo", "seed", "--citizens", "3")
    assert len(first) == 12
    assert first[0]["number"] == NUMBER
    assert all(each["number"].startswith("000") for each in first)
    assert answer("demo", "seed", "--citizens", "3") == first


def test_the_entry_behind_a_reference_is_found_and_explained() -> None:
    context = Context()
    refusal = TokenRefused(
        client_id="portal", error="invalid_grant", reason="code_verifier", reference="r3f3r3nc3-id"
    )
    context.audit.write(refusal)
    context.close()
    (entry,) = answer("audit", "find", "r3f3r3nc3-id")
    assert entry["reason"] == "code_verifier"
    assert "keep the verifier of each request" in idp("audit", "find", "r3f3r3nc3-id").stdout
    assert answer("audit", "find", "\u200br3f3r3nc3\u2011id\u00a0") == [entry]  # as it was pasted
    assert answer("audit", "find", "another-one", code=1) == []
