"""The shape that a country runs: PostgreSQL, a Redis of its own, two processes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.storage.embedded import EmbeddedValkey
from tests.e2e.programs import Program

NUMBER = "000199000001"


@pytest.fixture
def deployed(tmp_path: Path, postgres_url: str) -> Iterator[Program]:
    with EmbeddedValkey(tmp_path / "redis") as redis:
        program = Program.under(
            tmp_path,
            IDP_DATABASE__URL=postgres_url,
            IDP_REDIS__URL=redis,
            IDP_SANDBOX="true",
        )
        seeded = program.idp("demo", "seed")
        assert seeded.returncode == 0, seeded.stderr
        bind = f"127.0.0.1:{program.port}"
        with program.running("serve", "--bind", bind, "--workers", "2"):
            yield program


def said(program: Program, *arguments: str) -> object:
    done = program.idp(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_logins_sessions_and_the_audit_log_over_postgresql(deployed: Program) -> None:
    by_code = said(deployed, "demo", "login", "--method", "otp", "--as", NUMBER, "--level", "2")
    by_card = said(deployed, "demo", "login", "--method", "card", "--as", NUMBER)
    assert by_code["claims"]["acr"] == "urn:vn:eid:level:2"
    assert by_card["claims"]["amr"] == ["hwk", "sc"]
    assert by_code["claims"]["sub"] == by_card["claims"]["sub"]
    assert len(said(deployed, "session", "list", NUMBER)) == 2
    assert len(said(deployed, "session", "revoke", "--all", NUMBER)["revoked"]) == 2
    assert said(deployed, "session", "list", NUMBER) == []
    assert deployed.idp("audit", "verify").returncode == 0
    assert deployed.idp("check").returncode == 0
