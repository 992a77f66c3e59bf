"""Relying parties that are programs of their own. The test is their operator and their citizen.

A program is started with one JSON argument. It writes a JSON object on a line and reads one line of
JSON back: ``{"register": metadata}`` for the client that was registered, ``{"visit": url}`` for the
URL where the browser came back. Last it writes ``{"done": result}``.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from tests.conformance.live import Provider, Register
from tests.conformance.suite import CITIZEN, Browser, Callback

TRUST = ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name the authorities which Node, requests and Python's ssl trust."""


def run(
    command: Sequence[str], op: Provider, browser: Browser, register: Register, **more: Any
) -> dict[str, Any]:
    """Let the relying party run its course, the browser going wherever it is sent; its result."""
    asked = {"issuer": op.issuer, "ca": str(op.ca) if op.ca else None, **more}
    trusted = dict.fromkeys(TRUST, str(op.ca)) if op.ca else {}
    process = subprocess.Popen(
        [*command, json.dumps(asked)],
        env={**os.environ, **trusted, "NO_PROXY": "localhost,127.0.0.1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            said = json.loads(line)
            if "done" in said:
                result: dict[str, Any] = said["done"]
                return result
            if "register" in said:
                answer: Any = register(**said["register"])
            else:
                answer = _visit(browser, said["visit"])
            process.stdin.write(f"{json.dumps(answer)}\n")
            process.stdin.flush()
        raise AssertionError(process.stderr.read())


def _visit(browser: Browser, url: str) -> str:
    at = browser.log_in(browser.open(url))
    assert isinstance(at, Callback)
    return at.url


def check_claims(result: Mapping[str, Any], op: Provider) -> None:
    """What the relying party verified is what the sandbox's citizen is."""
    claims, userinfo = result["claims"], result["userinfo"]
    assert claims["iss"] == op.issuer
    assert claims["acr"] == "urn:vn:eid:level:1"
    assert set(claims["amr"]) == {"otp", "sms"}
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["pid"] == CITIZEN
    assert userinfo["name"] == "Trần Thị Mai"
    assert userinfo["age_over_18"] is True


def check_introspected(result: Mapping[str, Any]) -> None:
    """What it was told about its access token belongs to the same login."""
    introspected = result["introspected"]
    assert introspected["active"] is True
    assert introspected["client_id"] == result["claims"]["aud"]
    assert introspected["sub"] == result["claims"]["sub"]


def check_logout(result: Mapping[str, Any]) -> None:
    """The logout token that it verified is about the session of the login."""
    claims, logout = result["claims"], result["logout"]
    assert claims["sid"]
    for name in ("iss", "sub", "sid"):
        assert logout[name] == claims[name], name
