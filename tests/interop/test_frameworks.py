"""Client libraries of web frameworks, each with the setting that docs/libraries.md tells."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.live import Provider, Register
from tests.conformance.suite import Browser
from tests.interop.conftest import over_tls
from tests.interop.relying_party import check_claims, run

pytestmark = over_tls

PROGRAMS = Path(__file__).parent / "frameworks"
RS256 = {"id_token_signed_response_alg": "RS256"}


@pytest.mark.parametrize(
    ("program", "metadata"),
    [
        ("passport", {"token_endpoint_auth_method": "client_secret_post", "require_pkce": False}),
        ("passport_openid_client", RS256),
        ("express_openid_connect", RS256),
        ("authjs", RS256),
        ("openid_client5", RS256),
    ],
)
def test_a_node_library_logs_a_citizen_in(
    node: str,
    op: Provider,
    browser: Browser,
    register: Register,
    program: str,
    metadata: dict[str, Any],
) -> None:
    command = [node, str(PROGRAMS / f"{program}.mjs")]
    check_claims(run(command, op, browser, register, metadata=metadata), op)


@pytest.mark.parametrize(
    "program", ["django_authlib", "django_mozilla", "django_allauth", "django_social"]
)
def test_a_python_library_logs_a_citizen_in(
    op: Provider, browser: Browser, register: Register, program: str
) -> None:
    command = [sys.executable, str(PROGRAMS / f"{program}.py")]
    check_claims(run(command, op, browser, register, metadata=RS256), op)
