"""A fuzzer over everything that /openapi.json describes: schemathesis, all of its checks."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.live import SECRET, Live, serve

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = 15


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A provider that everybody may register clients at."""
    directory = tmp_path_factory.mktemp("sandbox")
    directory.chmod(0o700)
    with serve(directory, sandbox=True) as provider:
        yield provider


@pytest.mark.attack("P14")
def test_P14_nothing_that_is_described_breaks_for_nobody(sandbox: Live, tmp_path: Path) -> None:
    run(sandbox, tmp_path)
    with sandbox.http() as http:
        registered = http.post(
            "/register", json={"client_name": "A", "redirect_uris": ["https://a.example/cb"]}
        )
    assert registered.status_code == 201  # so that what was let in went all the way


@pytest.mark.attack("P14")
def test_P14_nothing_that_is_described_breaks_for_a_client(live: Live, tmp_path: Path) -> None:
    # Whoever is let in is told 400 for a code or a token that is none (RFC 6749 §5.2).
    run(
        live,
        tmp_path,
        *("--auth", f"portal:{SECRET}"),
        *("--exclude-checks", "positive_data_acceptance"),
    )


def run(live: Live, directory: Path, *options: str) -> None:
    command = (
        *(str(SCHEMATHESIS), "run", f"{live.issuer}/openapi.json", "--checks", "all"),
        *("--max-examples", str(EXAMPLES), "--no-color", "--seed", "1", *options),
    )
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
