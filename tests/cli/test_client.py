"""``idp client`` as an operator uses it, over a real database and key store."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.audit.reading import tail
from idp.cli import main
from idp.core.clock import system_clock
from idp.keystore.file import KeyStore
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Text
from idp.oidc.clients.repository import Clients
from idp.storage.database import Database, open_database
from tests.outbound.hostile import hostile, ok

PORTAL = {
    "client_name": "Cổng dịch vụ công",
    "redirect_uris": ["https://portal.example.vn/cb"],
    "scope": "openid profile",
}
GIVEN = {**PORTAL, "client_id": "portal", "client_secret": "a-secret-of-more-than-128-bits"}

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Path, sqlite_url: str) -> Run:
    monkeypatch.setenv("IDP_DATABASE__URL", sqlite_url)
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(directory))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, file: Any = None, typed: tuple[str, ...] = ()) -> Result:
        if file is not None:
            path = tmp_path / "client.json"
            path.write_text(file if isinstance(file, str) else json.dumps(file), "utf-8")
            arguments = (*arguments, "--file", str(path))
        said = "".join(f"{each}\n" for each in typed)
        return CliRunner().invoke(main, ["client", *arguments], input=said, prog_name="idp")

    return invoke


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_create_honours_what_is_given(run: Run, database: Database, directory: Path) -> None:
    created = answer(run("create", file=GIVEN))
    assert created["client_id"] == "portal"
    assert created["client_secret"] == GIVEN["client_secret"]
    assert created["client_secret_expires_at"] == 0
    assert created["client_name"] == "Cổng dịch vụ công"
    assert created["token_endpoint_auth_method"] == "client_secret_basic"
    assert created["status"] == "active"
    pepper = KeyStore(directory).derive("client")
    (kept,) = Clients(database, system_clock).all()[0].secrets
    assert kept.digest == secret_digest(pepper, "portal", str(GIVEN["client_secret"]))


def test_create_makes_what_is_not_given(run: Run) -> None:
    created = answer(run("create", "--format", "json", file=PORTAL))
    assert len(created["client_id"]) >= 22
    assert len(created["client_secret"]) >= 43


def test_the_secret_is_shown_once(run: Run) -> None:
    secret = answer(run("create", file=GIVEN))["client_secret"]
    shown = run("show", "portal")
    assert answer(shown)["client_id"] == "portal"
    assert secret not in shown.output
    assert secret not in run("list", "--format", "json").output


@pytest.mark.parametrize("methods", [["otp", "fax"], ["OTP"], [""], ["otp,card"]])
def test_an_unknown_authentication_method_is_refused(run: Run, methods: list[str]) -> None:
    answer(run("create", file={**GIVEN, "methods": ["otp", "card", "passcode"]}))
    for command in (("create",), ("update", "portal")):
        refused = run(*command, file={**PORTAL, "methods": methods})
        assert refused.exit_code == 1
        assert refused.stderr == "methods: each must be one of otp, card, passcode\n"
    assert answer(run("show", "portal"))["methods"] == ["otp", "card", "passcode"]


def test_a_public_client_has_none(run: Run) -> None:
    created = answer(run("create", file={**PORTAL, "token_endpoint_auth_method": "none"}))
    assert "client_secret" not in created


def test_a_short_secret_is_warned_about(run: Run) -> None:
    result = run("create", file={**GIVEN, "client_secret": "short"})
    assert result.exit_code == 0
    assert "128 bits" in result.stderr


def test_list(run: Run) -> None:
    answer(run("create", file=GIVEN))
    assert run("list").stdout == "portal\tactive\tCổng dịch vụ công\n"
    assert [each["client_id"] for each in answer(run("list", "--format", "json"))] == ["portal"]


def test_update_replaces_the_metadata_and_keeps_the_secret(run: Run, database: Database) -> None:
    answer(run("create", file=GIVEN))
    before = Clients(database, system_clock).get("portal")
    changed = answer(run("update", "portal", file={**PORTAL, "scope": "openid"}))
    assert changed["scope"] == "openid"
    assert "client_secret" not in changed
    after = Clients(database, system_clock).get("portal")
    assert before is not None
    assert after is not None
    assert after.secrets == before.secrets
    assert after.created_at == before.created_at
    other = run("update", "portal", file={**PORTAL, "client_id": "other"})
    assert other.exit_code == 1


def test_rotate_secret_leaves_the_old_one_for_a_while(run: Run, database: Database) -> None:
    old = answer(run("create", file=GIVEN))["client_secret"]
    new = answer(run("rotate-secret", "portal", "--overlap", "60"))["client_secret"]
    assert new != old
    rotated = Clients(database, system_clock).get("portal")
    assert rotated is not None
    first, second = rotated.secrets
    assert first.expires_at is None
    assert second.expires_at is not None
    assert second.expires_at <= system_clock() + 60
    answer(run("rotate-secret", "portal", "--overlap", "0"))
    at_once = Clients(database, system_clock).get("portal")
    assert at_once is not None
    assert len(at_once.secrets) == 1


def test_disable_enable_delete(run: Run) -> None:
    answer(run("create", file=GIVEN))
    assert answer(run("disable", "portal"))["status"] == "disabled"
    assert answer(run("enable", "portal"))["status"] == "active"
    assert answer(run("delete", "portal", "--format", "json"))["deleted"] is True
    assert run("show", "portal").exit_code == 1
    assert run("create", file=GIVEN).exit_code == 1  # an id is given once


def test_every_action_is_in_the_audit_log(run: Run, database: Database) -> None:
    answer(run("create", file=GIVEN))
    answer(run("disable", "portal"))
    last = tail(database, 1)[0]
    assert last["event"] == "OperatorAction"
    assert (last["action"], last["object"]) == ("client.disable", "portal")


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        ({**PORTAL, "grant_types": ["password"], "profile": "x"}, 1, "grant_types"),
        ({**PORTAL, "redirect_uris": ["javascript:alert(1)"]}, 1, "redirect_uris"),
        ({**GIVEN, "client_secret": "é"}, 1, "client_secret"),
        ({**GIVEN, "client_secret": "x" * 600}, 1, "client_secret"),
        ("not json", 2, "not a JSON object"),
        ("[]", 2, "not a JSON object"),
    ],
)
def test_what_cannot_be_registered(run: Run, file: Any, code: int, told: str) -> None:
    result = run("create", file=file)
    assert result.exit_code == code
    assert told in result.stderr
    assert answer(run("list", "--format", "json")) == []


def test_every_problem_is_told_at_once_with_the_name_that_was_meant(run: Run) -> None:
    wrong = {"redirect_uris": PORTAL["redirect_uris"], "profle": "x", "jwks_uri": "http://[::1]/"}
    refused = run("create", file=wrong)
    assert refused.exit_code == 1
    assert [each.split(":")[0] for each in refused.stderr.splitlines()] == [
        *("profle", "client_name", "jwks_uri")
    ]
    assert "profle: unknown member of client metadata; did you mean profile?" in refused.stderr


def test_defaults_are_those_of_the_registration_endpoint(run: Run) -> None:
    created = answer(run("create", file={name: PORTAL[name] for name in PORTAL if name != "scope"}))
    assert created["id_token_signed_response_alg"] == "RS256"
    assert created["scope"] == "openid"
    assert created["require_pkce"] is True


def test_what_show_prints_can_be_changed_and_given_back(run: Run, tmp_path: Path) -> None:
    answer(run("create", file={**GIVEN, "default_max_age": 0}))
    shown = answer(run("show", "portal"))
    assert answer(run("update", "portal", file=shown)) == shown


def test_an_operator_sets_a_rule_aside_visibly(run: Run, database: Database) -> None:
    file = {**GIVEN, "jwks_uri": "http://127.0.0.1:9/keys", "x_note": "ours"}
    assert run("create", file=file).exit_code == 1
    allowed = ("--allow", "loopback-addresses", "--allow", "unknown-members")
    created = run("create", *allowed, file=file)
    assert answer(created)["allowed"] == ["loopback-addresses", "unknown-members"]
    assert "warning: the rule on loopback-addresses was overridden" in created.stderr
    entry = tail(database, 1)[0]
    assert (entry["action"], entry["allowed"]) == (
        "client.create",
        ["loopback-addresses", "unknown-members"],
    )
    inside = {**GIVEN, "client_id": "b", "jwks_uri": "https://10.0.0.1/keys"}
    assert run("create", *allowed, file=inside).exit_code == 1  # never called, whatever is allowed
    assert run("create", "--allow", "anything", file=file).exit_code == 2


def test_a_hidden_character_is_refused_and_of_an_old_client_escaped(
    run: Run, database: Database
) -> None:
    evil = {**GIVEN, "client_name": "Ngân hàng\u202e\x1b[2J"}
    refused = run("create", file=evil)
    assert refused.exit_code == 1
    assert "client_name: has a character that is not shown: U+202E" in refused.stderr
    answer(run("create", file=GIVEN))
    clients = Clients(database, system_clock)
    (stored,) = clients.all()
    clients.update(replace(stored, client_name=Text("Ngân hàng\u202e\x1b[2J")))
    for command in (("list",), ("list", "--format", "json"), ("show", "portal")):
        said = run(*command)
        assert "Ngân hàng\\u202e\\u001b[2J" in said.stdout
        assert not {"\u202e", "\x1b"} & set(said.stdout)
    assert answer(run("show", "portal"))["client_name"] == "Ngân hàng\u202e\x1b[2J"


ANSWERS = (
    "web",
    "Cổng dịch vụ công",
    "Public services",
    "https://portal.example.vn/cb",
    "client_secret_basic",
    "openid profile",
    "Nộp hồ sơ",
    "urn:vn:eid:level:2",
    "yes",
    "https://portal.example.vn/",
    "https://portal.example.vn/logout",
    "it@portal.example.vn",
    "y",
)


def test_interactive_asks_the_questions_and_registers_the_client(run: Run) -> None:
    created = answer(run("create", "--interactive", typed=ANSWERS))
    assert created["client_name"] == "Cổng dịch vụ công"
    assert created["client_name#en"] == "Public services"
    assert created["redirect_uris"] == ["https://portal.example.vn/cb"]
    assert created["grant_types"] == ["authorization_code", "refresh_token"]
    assert created["minimum_acr"] == "urn:vn:eid:level:2"
    assert created["backchannel_logout_uri"] == "https://portal.example.vn/logout"
    assert created["contacts"] == ["it@portal.example.vn"]
    assert created["require_pkce"] is True
    assert len(created["client_secret"]) >= 43


def test_interactive_defaults_are_enough_but_for_name_and_address(run: Run) -> None:
    typed = ("", "Cổng", "", "https://portal.example.vn/cb", *[""] * 9)
    created = answer(run("create", "--interactive", typed=typed))
    assert created["scope"] == "openid profile"
    assert created["token_endpoint_auth_method"] == "client_secret_basic"


def test_interactive_checks_each_answer_at_once(run: Run) -> None:
    typed = (
        *("web", "", "Cổng\u202e", "Cổng", ""),
        *("http://portal.example.vn/cb", "https://portal.example.vn/cb"),
        *("private_key_jwt", "", "https://127.0.0.1/keys", "https://portal.example.vn/keys"),
        *[""] * 8,
    )
    result = run("create", "--interactive", typed=typed)
    assert answer(result)["jwks_uri"] == "https://portal.example.vn/keys"
    assert "client_name: is required" in result.stderr
    assert "client_name: has a character that is not shown: U+202E" in result.stderr
    assert "redirect_uris: 'http://portal.example.vn/cb' must be https" in result.stderr
    assert "jwks: send the client's public keys" in result.stderr
    assert "jwks_uri: 'https://127.0.0.1/keys' cannot be called" in result.stderr


@pytest.mark.parametrize("kind", ["browser", "native", "service"])
def test_interactive_asks_only_what_fits_the_kind_of_application(run: Run, kind: str) -> None:
    typed = {
        "browser": ("Cổng", "", "https://portal.example.vn/cb", *[""] * 8),
        "native": ("Ứng dụng", "", "vn.example.app:/cb", *[""] * 8),
        "service": ("Máy", "", "records:read", "", ""),
    }[kind]
    created = answer(run("create", "--interactive", typed=(kind, *typed)))
    assert ("client_secret" in created) is (kind == "service")
    if kind == "service":
        assert created["grant_types"] == ["client_credentials"]
        assert created["scope"] == "records:read"


@pytest.mark.parametrize("typed", [ANSWERS[:5], (*ANSWERS[:-1], "n")])
def test_interactive_registers_nothing_that_is_not_confirmed(
    run: Run, typed: tuple[str, ...]
) -> None:
    assert run("create", "--interactive", typed=typed).exit_code == 1
    assert answer(run("list", "--format", "json")) == []


def test_a_file_or_questions_and_not_both(run: Run) -> None:
    assert run("create").exit_code == 2
    assert run("create", "--interactive", file=GIVEN).exit_code == 2


@pytest.mark.parametrize("command", ["show", "disable", "enable", "delete", "rotate-secret"])
def test_an_unknown_client(run: Run, command: str) -> None:
    result = run(command, "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.stderr


def test_a_file_that_is_not_there_is_wrong_usage(run: Run) -> None:
    assert run("create", "--file", "absent.json").exit_code == 2


def test_a_sector_is_joined_only_with_its_own_word(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hostile(None) as server:
        uri = server.url("/sector.json", scheme="http")
        file = {**GIVEN, "sector_identifier_uri": uri}
        server.answer(ok(json.dumps(PORTAL["redirect_uris"]).encode()))
        refused = run("create", file=file)
        assert refused.exit_code == 1  # this machine is not called unasked
        assert f"sector_identifier_uri: {uri!r} cannot be called" in refused.stderr
        monkeypatch.setenv("IDP_OUTBOUND__ALLOW_LOOPBACK", "true")
        made = answer(run("create", "--format", "json", file=file))
        assert made["sector_identifier_uri"] == uri
        elsewhere = {**file, "redirect_uris": ["https://clinic.example.vn/cb"]}
        refused = run("update", "portal", file=elsewhere)
        assert refused.exit_code == 1
        assert "does not list https://clinic.example.vn/cb" in refused.stderr
        assert answer(run("show", "portal"))["redirect_uris"] == PORTAL["redirect_uris"]
