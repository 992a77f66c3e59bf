"""Two providers for other people's relying parties: over plain HTTP and over TLS."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conformance.live import Provider, Register, provider
from tests.conformance.suite import Browser

pytest.register_assert_rewrite("tests.interop.relying_party")

over_tls = pytest.mark.parametrize("op", ["https"], indirect=True)
"""For what FAPI or the back channel wants: the provider calls loopback addresses there alone."""
PACKAGES = Path(__file__).parents[2] / "node_modules"


@pytest.fixture(scope="session")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider."""
    with provider(tmp_path_factory.mktemp("op"), tls=False) as started:
        yield started


@pytest.fixture(scope="session")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider with a certificate of a private authority."""
    with provider(tmp_path_factory.mktemp("op"), tls=True) as started:
        yield started


@pytest.fixture(scope="session", params=["http", "https"])
def op(request: pytest.FixtureRequest) -> Provider:
    """Each of the two. They outlast a change from one to the other, in whatever order tests run."""
    started: Provider = request.getfixturevalue(request.param)
    return started


@pytest.fixture
def browser(op: Provider) -> Iterator[Browser]:
    """A citizen's browser without any cookie."""
    with op.http() as http:
        yield Browser(op.issuer, http)


@pytest.fixture
def register(op: Provider) -> Register:
    """Registers a client for logins and logouts; what is answered, its secret with it."""
    return partial(
        op.register,
        grant_types=["authorization_code", "refresh_token"],
        client_name="Relying party",
        redirect_uris=["https://rp.example/callback"],
        post_logout_redirect_uris=["https://rp.example/logged-out"],
        scope="openid profile pid age",
    )


@pytest.fixture(scope="session")
def node() -> str:
    """Node, with the packages at its side. Without them a test fails: it is never skipped."""
    found = shutil.which("node")
    assert found, "node is not installed: Node.js 20 or later is needed"
    for name in ("openid-client", "oauth4webapi", "jose", "express", "passport-openidconnect"):
        assert (PACKAGES / name).exists(), f"{name} is missing: run npm ci --ignore-scripts"
    return found
