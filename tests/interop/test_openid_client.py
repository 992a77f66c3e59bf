"""openid-client, a certified relying party in JavaScript, against a running provider."""

from pathlib import Path

import pytest

from tests.conformance.live import Provider, Register
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.relying_party import check_claims, check_introspected, check_logout, run

PROGRAMS = Path(__file__).parent / "openid_client"


@pytest.fixture
def rp(node: str) -> list[str]:
    """The command of the relying party that any client may be."""
    return [node, str(PROGRAMS / "relying_party.mjs")]


def test_client_secret_basic(
    rp: list[str], op: Provider, browser: Browser, register: Register
) -> None:
    metadata = {"id_token_signed_response_alg": "RS256"}
    result = run(rp, op, browser, register, metadata=metadata)
    check_claims(result, op)
    check_introspected(result)


def test_private_key_jwt_and_signed_userinfo(
    rp: list[str], op: Provider, browser: Browser, register: Register
) -> None:
    metadata = {
        "token_endpoint_auth_method": "private_key_jwt",
        "userinfo_signed_response_alg": "ES256",
        "access_token_format": "jwt",
    }
    result = run(rp, op, browser, register, metadata=metadata)
    check_claims(result, op)
    check_introspected(result)


def test_public_client(rp: list[str], op: Provider, browser: Browser, register: Register) -> None:
    metadata = {"token_endpoint_auth_method": "none"}
    check_claims(run(rp, op, browser, register, metadata=metadata), op)


@over_tls
def test_message_signing_and_a_logout_by_the_back_channel(
    node: str, op: Provider, browser: Browser, register: Register
) -> None:
    """JAR, PAR, JARM, DPoP, and signed answers everywhere (FAPI 2.0 Message Signing)."""
    result = run([node, str(PROGRAMS / "message_signing.mjs")], op, browser, register)
    check_claims(result, op)
    check_introspected(result)
    check_logout(result)
