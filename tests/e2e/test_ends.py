"""What an operator ends has ended on every process when the command returns."""

import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.programs import Program

SECRET = "a-secret-of-the-service-0123456789"
FORM = b"grant_type=client_credentials"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Three processes on one database and one store."""
    program = Program.under(tmp_path_factory.mktemp("ends"))
    bind = f"127.0.0.1:{program.port}"
    with program.running("serve", "--bind", bind, "--workers", "3"):
        yield program


@pytest.fixture
def client(served: Program, tmp_path: Path) -> str:
    metadata = {
        "client_id": tmp_path.name,
        "client_secret": SECRET,
        "client_name": "Service",
        "grant_types": ["client_credentials"],
        "scope": "audit:write",
    }
    file = tmp_path / "client.json"
    file.write_text(json.dumps(metadata))
    done = served.idp("client", "create", "--file", str(file))
    assert done.returncode == 0, done.stderr
    return tmp_path.name


def status(served: Program, client: str) -> int:
    """Of a token request, on a connection of its own: any process may answer it."""
    basic = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
    asked = urllib.request.Request(
        f"{served.url}/token", FORM, headers={"Authorization": f"Basic {basic}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def statuses(served: Program, client: str, count: int) -> set[int]:
    """Of as many requests from four threads at once."""
    found = set[int]()

    def ask() -> None:
        for _ in range(count // 4):
            found.add(status(served, client))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


@pytest.mark.parametrize("ending", ["disable", "delete"])
def test_a_client_that_was_ended_is_ended_on_every_process_when_the_command_returns(
    served: Program, client: str, ending: str
) -> None:
    assert statuses(served, client, 40) == {200}  # every process knows it
    done = served.idp("client", ending, client)
    assert done.returncode == 0, done.stderr
    assert statuses(served, client, 60) == {401}
    assert "In force on every process (3)" in done.stderr


def test_a_secret_that_was_replaced_opens_nothing_when_the_command_returns(
    served: Program, client: str
) -> None:
    assert statuses(served, client, 40) == {200}
    done = served.idp("client", "rotate-secret", client, "--overlap", "0")
    assert done.returncode == 0, done.stderr
    assert statuses(served, client, 60) == {401}


def test_a_key_that_was_revoked_is_published_by_no_process_when_the_command_returns(
    served: Program,
) -> None:
    def published() -> set[str]:
        with urllib.request.urlopen(f"{served.url}/jwks", timeout=10) as answer:
            return {each["kid"] for each in json.load(answer)["keys"]}

    listed = json.loads(served.idp("keys", "list", "--format", "json").stdout)
    kid = next(e["kid"] for e in listed if e["alg"] == "ES256" and e["state"] == "current")
    assert all(kid in published() for _ in range(30))
    done = served.idp("keys", "revoke", kid)
    assert done.returncode == 0, done.stderr
    assert not any(kid in published() for _ in range(60))
