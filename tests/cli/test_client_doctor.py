"""``idp client doctor`` as an operator types it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.audit.events import ClientAuthenticationFailed
from idp.audit.reading import tail
from idp.cli import main
from idp.cli.context import Context

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Path, sqlite_url: str) -> Run:
    """The command; a client ``portal`` on localhost is registered."""
    monkeypatch.setenv("IDP_DATABASE__URL", sqlite_url)
    monkeypatch.setenv("IDP_KEYS__DIRECTORY", str(directory))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["client", *arguments], prog_name="idp")

    metadata = {
        "client_id": "portal",
        "client_name": "Cổng dịch vụ công",
        "redirect_uris": ["http://localhost:3000/cb"],
        "scope": "openid",
    }
    file = tmp_path / "client.json"
    file.write_text(json.dumps(metadata), "utf-8")
    assert invoke("create", "--file", str(file)).exit_code == 0
    return invoke


def record(*events: Any) -> list[dict[str, Any]]:
    """Write audit entries; the last one afterwards."""
    context = Context()
    if events:
        context.audit.write(*events)
    entries = tail(context.database, 1)
    context.close()
    return entries


def test_a_healthy_client_is_told_line_by_line_and_the_exit_code_is_0(run: Run) -> None:
    done = run("doctor", "portal")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split(":")[0].split("  ")[0] for line in lines] == ["ok", "not checked", "ok"]
    assert lines[0].endswith("status: portal: is enabled.")


def test_a_refused_request_is_a_problem_and_the_exit_code_is_1(run: Run) -> None:
    record(
        ClientAuthenticationFailed(
            client_id="portal", reason="other_method", method="client_secret_post"
        )
    )
    done = run("doctor", "portal", "--format", "json")
    assert done.exit_code == 1
    found = {each["check"]: each for each in json.loads(done.stdout)}
    assert found["requests"]["verdict"] == "problem"
    assert "registered for client_secret_basic" in found["requests"]["sentence"]


def test_the_examination_is_in_the_audit_log(run: Run) -> None:
    run("doctor", "portal")
    (entry,) = record()
    assert (entry["action"], entry["object"]) == ("client.doctor", "portal")


def test_an_unknown_client_is_told_in_a_sentence(run: Run) -> None:
    done = run("doctor", "nobody")
    assert done.exit_code == 1
    assert done.stderr == "no client 'nobody'\n"
