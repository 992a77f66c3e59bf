"""The modules of oidcc-3rdparty-init-login-certification-test-plan (OIDC Core §4)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.dynamic import Registrar
from tests.conformance.live import Provider

BASIC = {"token_endpoint_auth_method": "client_secret_basic", "jwks": None}


@pytest.fixture(scope="module")
def registrar(op: Provider, metadata: dict[str, Any]) -> Iterator[Registrar]:
    """The registration endpoint, as discovered."""
    with op.http() as http:
        yield Registrar(http, metadata["registration_endpoint"])


def test_oidcc_3rd_party_init_login(registrar: Registrar) -> None:
    """The URI is in the answer, and at the management endpoint."""
    uri = "https://suite.example/test/a/idp/initiate"
    registered = registrar.register(initiate_login_uri=uri, **BASIC)
    assert registered["client_secret"]
    assert registrar.read(registered)["initiate_login_uri"] == uri


def test_oidcc_3rd_party_init_login_nohttps(registrar: Registrar) -> None:
    uri = "http://suite.example/test/a/idp/initiate"
    registrar.refused("invalid_client_metadata", initiate_login_uri=uri, **BASIC)
