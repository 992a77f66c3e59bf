"""The management address: health, readiness, metrics."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from idp.core.errors import Unavailable
from idp.web.management import Management, ManagementServer


class Dependency:
    """Something that can be down; counts how often it is asked."""

    def __init__(self) -> None:
        self.up = True
        self.asked = 0

    def __call__(self) -> None:
        self.asked += 1
        if not self.up:
            raise Unavailable("database")


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def url(dependency: Dependency) -> Iterator[str]:
    management = Management({"database": dependency, "keys": lambda: None}, lambda: b"metric 1\n")
    server = ManagementServer(("127.0.0.1", 0), management)
    yield f"http://127.0.0.1:{server.port}"
    server.close()


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("path", ["/healthz", "/health/live", "/healthz?verbose"])
def test_it_lives(url: str, path: str) -> None:
    assert get(url + path) == (200, b'{"status":"UP"}')


@pytest.mark.parametrize("path", ["/readyz", "/health/ready"])
def test_it_is_ready_when_everything_answers(url: str, path: str) -> None:
    status, body = get(url + path)
    assert status == 200
    assert [each["name"] for each in json.loads(body)["checks"]] == ["database", "keys"]


def test_readiness_names_what_is_down(url: str, dependency: Dependency) -> None:
    dependency.up = False
    status, body = get(f"{url}/readyz")
    states = {each["name"]: each["status"] for each in json.loads(body)["checks"]}
    assert (status, states) == (503, {"database": "DOWN", "keys": "UP"})
    assert get(f"{url}/healthz")[0] == 200


def test_probes_do_not_load_the_dependencies(url: str, dependency: Dependency) -> None:
    for _ in range(20):
        get(f"{url}/readyz")
    assert dependency.asked <= 3


def test_metrics_and_nothing_else(url: str) -> None:
    assert get(f"{url}/metrics") == (200, b"metric 1\n")
    assert get(f"{url}/authorize")[0] == 404


def test_an_address_that_is_taken_is_an_error(url: str) -> None:
    port = int(url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        ManagementServer(("127.0.0.1", port), Management({}, bytes))
