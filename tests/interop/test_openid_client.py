"""openid-client, a certified relying party in JavaScript, against a running provider."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.conformance.live import Provider, Register
from tests.conformance.suite import Browser, Callback

PROGRAM = Path(__file__).parent / "openid_client" / "relying_party.mjs"
PACKAGE = Path(__file__).parents[2] / "node_modules" / "openid-client" / "package.json"


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the package at its side. Without them this test fails: it is never skipped."""
    found = shutil.which("node")
    assert found, "node is not installed: Node.js 20 or later is needed"
    assert PACKAGE.exists(), "openid-client is not installed: run npm ci --ignore-scripts"
    return found


def private_jwk() -> dict[str, Any]:
    """A P-256 key of a client."""
    jwk: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**jwk, "kid": "rp-1", "use": "sig", "alg": "ES256"}


def public(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The half that is registered."""
    return {name: value for name, value in jwk.items() if name != "d"}


def run(
    node: str, op: Provider, browser: Browser, metadata: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Let the relying party run its course, the browser going wherever it is sent."""
    asked = {"issuer": op.issuer, "metadata": dict(metadata), "scope": metadata["scope"], **more}
    environment = {**os.environ, **({"NODE_EXTRA_CA_CERTS": str(op.ca)} if op.ca else {})}
    process = subprocess.Popen(
        [node, str(PROGRAM), json.dumps(asked)],
        env=environment,
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
            at = browser.log_in(browser.open(said["visit"]))
            assert isinstance(at, Callback)
            process.stdin.write(f"{at.url}\n")
            process.stdin.flush()
        raise AssertionError(process.stderr.read())


def check(result: Mapping[str, Any], client: Mapping[str, Any], op: Provider) -> None:
    """What openid-client verified is what the sandbox's citizen is."""
    claims, userinfo = result["claims"], result["userinfo"]
    assert claims["iss"] == op.issuer
    assert claims["acr"] == "urn:vn:eid:level:1"
    assert set(claims["amr"]) == {"otp", "sms"}
    assert userinfo["sub"] == claims["sub"]
    assert userinfo["pid"] == "000199000001"
    assert userinfo["name"] == "Trần Thị Mai"
    assert userinfo["age_over_18"] is True
    if client["token_endpoint_auth_method"] != "none":
        introspected = result["introspected"]
        assert introspected["active"] is True
        assert introspected["client_id"] == client["client_id"]
        assert introspected["sub"] == claims["sub"]


def test_client_secret_basic(node: str, op: Provider, browser: Browser, register: Register) -> None:
    client = register(id_token_signed_response_alg="RS256")
    check(run(node, op, browser, client), client, op)


def test_private_key_jwt_and_signed_userinfo(
    node: str, op: Provider, browser: Browser, register: Register
) -> None:
    key = private_jwk()
    client = register(
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [public(key)]},
        userinfo_signed_response_alg="ES256",
        access_token_format="jwt",
    )
    check(run(node, op, browser, client, privateKey=key), client, op)


def test_public_client(node: str, op: Provider, browser: Browser, register: Register) -> None:
    client = register(token_endpoint_auth_method="none")
    check(run(node, op, browser, client), client, op)
