"""The documents' samples for Python and Node, run as they stand there: only names are put in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.live import Provider
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.documented import ISSUER, PORTAL, ROOT, sample

pytestmark = over_tls

DRIVER = Path(__file__).parent / "openid_client" / "sample.mjs"


@pytest.fixture(scope="session")
def registered(op: Provider) -> dict[str, Any]:
    """The client of all samples."""
    return op.register(
        client_name="Portal", redirect_uris=[f"{PORTAL}/callback"], scope="openid profile"
    )


@pytest.fixture
def client_id(registered: dict[str, Any], tmp_path: Path) -> str:
    """Its id; the secret is in a file where a sample is run."""
    (tmp_path / "client-secret").write_text(f"{registered['client_secret']}\n")
    found: str = registered["client_id"]
    return found


def test_python(
    op: Provider,
    browser: Browser,
    client_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With Flask and Authlib."""
    names = {ISSUER: op.issuer, '"portal"': json.dumps(client_id)}
    code = sample("docs/libraries.md", "### Python", "python", names)
    (tmp_path / "secret-key").write_bytes(os.urandom(32))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(op.ca))
    monkeypatch.setenv("NO_PROXY", "localhost")
    portal: dict[str, Any] = {"__name__": "portal"}
    exec(compile(code, "docs/libraries.md", "exec"), portal)
    with portal["app"].test_client() as program:
        sent = program.get("/login", base_url=PORTAL)
        back = browser.log_in(browser.open(sent.location))
        citizen = program.get(back.url).json
    assert citizen["aud"] == client_id
    assert citizen["acr"] == "urn:vn:eid:level:1"
    assert citizen["name"] == "Trần Thị Mai"


def test_node(op: Provider, browser: Browser, client_id: str, tmp_path: Path) -> None:
    """With openid-client: login and callback are called as a framework would."""
    node = shutil.which("node")
    assert node, "node is not installed: Node.js 20 or later is needed"
    names = {ISSUER: op.issuer, "'portal'": json.dumps(client_id)}
    code = sample("docs/libraries.md", "### Node", "js", names)
    (tmp_path / "eid.mjs").write_text(code)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    process = subprocess.Popen(
        [node, str(DRIVER), str(tmp_path / "eid.mjs")],
        cwd=tmp_path,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(op.ca)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        back = browser.log_in(browser.open(process.stdout.readline().strip()))
        said, _ = process.communicate(f"{back.url}\n", timeout=60)
    citizen = json.loads(said)
    assert citizen["aud"] == client_id
    assert citizen["name"] == "Trần Thị Mai"
