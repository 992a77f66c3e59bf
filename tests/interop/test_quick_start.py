"""The quick start of docs/relying-parties.md, run as it stands there: only addresses are put in."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conformance.live import Provider
from tests.conformance.suite import Browser
from tests.interop.documented import ROOT, sample
from tests.ports import free_port

DOCUMENT = "docs/relying-parties.md"
PROVIDER, PORTAL = "http://localhost:8000", "http://localhost:3000"
PATIENCE = 30.0

over_http = pytest.mark.parametrize("op", ["http"], indirect=True)


@pytest.fixture
def portal() -> str:
    """Where the portal is to be."""
    return f"http://localhost:{free_port()}"


@pytest.fixture
def folder(op: Provider, portal: str, tmp_path: Path) -> Path:
    """The portal's folder, with the secret of the client that the document registers."""
    text = sample(DOCUMENT, "## Quick start on your machine", "json", {PORTAL: portal})
    metadata = json.loads(text)
    del metadata["client_id"]  # another run of this test may have it
    registered = op.register(**metadata)
    (tmp_path / "client-secret").write_text(f"{registered['client_secret']}\n")
    (tmp_path / "client-id").write_text(registered["client_id"])
    return tmp_path


def names(op: Provider, portal: str, folder: Path) -> Mapping[str, str]:
    return {
        PROVIDER: op.issuer,
        PORTAL: portal,
        "quickstart": (folder / "client-id").read_text(),
    }


def check(shown: Mapping[str, Any], op: Provider) -> None:
    claims, userinfo = shown["id_token"], shown["userinfo"]
    assert claims["iss"] == op.issuer
    assert claims["acr"] == "urn:vn:eid:level:1"
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["name"] == "Trần Thị Mai"


@over_http
def test_flask(
    op: Provider,
    portal: str,
    folder: Path,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = sample(DOCUMENT, "### Flask", "python", names(op, portal, folder))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_PROXY", "localhost")
    app: dict[str, Any] = {"__name__": "app"}
    exec(compile(code, DOCUMENT, "exec"), app)
    with app["app"].test_client() as program:
        sent = program.get("/login", base_url=portal)
        assert re.match("portal_session=", sent.headers["Set-Cookie"])
        back = browser.log_in(browser.open(sent.location))
        check(program.get(back.url).json, op)


@pytest.fixture
def express(op: Provider, portal: str, folder: Path, node: str) -> Iterator[str]:
    """The Express portal, running; its URL."""
    port = portal.rpartition(":")[2]
    put = {**names(op, portal, folder), "listen(3000)": f"listen({port})"}
    (folder / "app.mjs").write_text(sample(DOCUMENT, "### Express", "js", put))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    process = subprocess.Popen([node, "app.mjs"], cwd=folder)
    try:
        _await(process, portal)
        yield portal
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(f"{url}/nothing", trust_env=False)
            return
        except httpx.TransportError:
            assert process.poll() is None, "it did not start"
            assert time.monotonic() < deadline
            time.sleep(0.05)


@over_http
def test_express(op: Provider, express: str, browser: Browser) -> None:
    with httpx.Client(trust_env=False, timeout=PATIENCE) as citizen:
        sent = citizen.get(f"{express}/login")
        back = browser.log_in(browser.open(sent.headers["location"]))
        check(citizen.get(back.url).json(), op)


def test_its_commands_install_what_the_portals_import() -> None:
    """The packages that the document installs are those that its programs import."""
    text = (ROOT / DOCUMENT).read_text("utf-8")
    [installed] = re.findall(r"pip install ([a-z ]+)\n", text)
    assert set(installed.split()) == {"authlib", "flask", "requests"}
    [packages] = re.findall(r"^npm install ([a-z -]+)$", text, re.M)
    code = sample(DOCUMENT, "### Express", "js", {})
    imported = {each for each in re.findall(r"from '([^']+)'", code) if ":" not in each}
    assert imported == set(packages.split())
