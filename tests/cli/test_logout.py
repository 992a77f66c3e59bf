"""``idp logout``: what an operator sees of back-channel logout, and sessions that operators end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from tests.cli.sessions import log_in
from tests.oidc.logout.receivers import Receivers, receivers

NUMBER = "000199000001"


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox under ``tmp_path``, with two relying parties and the demo's citizens."""
    monkeypatch.setenv("IDP_STATE_DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("IDP_SANDBOX", "true")
    monkeypatch.setenv("IDP_OUTBOUND__ALLOW_LOOPBACK", "true")
    idp("demo", "seed")


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Receivers]:
    with receivers() as found:
        for name in ("portal", "clinic"):
            metadata = {
                "client_id": name,
                "client_name": name,
                "redirect_uris": [f"https://{name}.example.vn/cb"],
                "backchannel_logout_uri": found.url(name),
            }
            (tmp_path / "client.json").write_text(json.dumps(metadata))
            here = ("--allow", "loopback-addresses")
            idp("client", "create", "--file", str(tmp_path / "client.json"), *here)
        yield found


def idp(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


def answer(*arguments: str) -> Any:
    return json.loads(idp(*arguments, "--format", "json").stdout)


def states(*arguments: str) -> list[tuple[str, str]]:
    return sorted(
        (each["client_id"], each["state"]) for each in answer("logout", "list", *arguments)
    )


def test_an_ended_session_is_told_to_its_relying_parties(outside: Receivers) -> None:
    session = log_in(NUMBER, "portal", "clinic")
    log_in(NUMBER, "portal")
    idp("session", "revoke", session.id)
    assert states() == [("clinic", "waiting"), ("portal", "waiting")]
    assert states("--client", "clinic") == [("clinic", "waiting")]
    outside.behave["clinic"] = 500
    assert answer("logout", "deliver", "--once") == {"tried": 2}
    assert states() == [("clinic", "waiting"), ("portal", "delivered")]
    (row,) = answer("logout", "list", "--state", "waiting")
    assert (row["tries"], row["last_status"]) == (1, "500")
    assert row["next_try_at"] > row["created_at"]
    outside.behave["clinic"] = 200
    idp("logout", "deliver", "--once")
    assert not outside.tokens["clinic"]  # not due yet
    assert answer("logout", "retry", str(row["id"])) == {"id": row["id"]}
    idp("logout", "deliver", "--once")
    assert [len(outside.tokens[each]) for each in ("clinic", "portal")] == [1, 1]
    assert "No undelivered message" in idp("logout", "retry", str(row["id"]), code=1).output
    assert idp("logout", "list").stdout.count("delivered") == 2
    text = json.dumps(answer("logout", "list"))
    assert NUMBER not in text
    assert session.id not in text


@pytest.mark.parametrize(
    "command", [("session", "revoke", "--all", NUMBER), ("account", "lock", NUMBER)]
)
def test_what_ends_every_session_of_a_citizen_tells_of_each(
    outside: Receivers, command: tuple[str, ...]
) -> None:
    log_in(NUMBER, "portal")
    log_in(NUMBER, "portal", "clinic")
    idp(*command)
    idp("logout", "deliver", "--once")
    assert {name: len(found) for name, found in outside.tokens.items()} == {
        "portal": 2,
        "clinic": 1,
    }


@pytest.mark.parametrize("arguments", [("retry", "x"), ("list", "--state", "lost"), ("retry",)])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    idp("logout", *arguments, code=2)
