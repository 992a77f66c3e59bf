"""The suite's configuration: one provider over TLS, static clients, a browser for each test.

The tests of a module that has ``RUNS`` run with several response types, and in its
``RESPONSE_MODE``.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from tests.certificates import Pair, authority, issued, self_signed, write
from tests.conformance.live import Provider, provider
from tests.conformance.mtls import Certificates
from tests.conformance.registered import Clients
from tests.conformance.suite import Browser, RelyingParty

pytest.register_assert_rewrite("tests.conformance.oidcc", "tests.conformance.ciba_requests")

LOGIN_PAGE = {
    f"test_oidcc_{name}"
    for name in (
        *("display_page", "display_popup", "login_hint", "ui_locales"),
        *("prompt_none_not_logged_in", "ensure_post_request_succeeds"),
    )
}
"""Tests that begin in a browser where nobody is logged in."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The runs of a plan."""
    runs = getattr(metafunc.module, "RUNS", {})
    if metafunc.function.__name__ in runs:
        metafunc.parametrize("response_type", runs[metafunc.function.__name__], indirect=True)


@pytest.fixture
def response_type(request: pytest.FixtureRequest) -> str:
    """The response type of the run; the code unless a plan says else."""
    asked: str = getattr(request, "param", "code")
    return asked


@pytest.fixture(scope="session")
def op(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """The provider under test."""
    with provider(tmp_path_factory.mktemp("op"), tls=True) as started:
        yield started


@pytest.fixture(scope="session")
def clients(op: Provider) -> Clients:
    """The suite's static clients as they are registered, their secrets with them."""
    return Clients(op)


@pytest.fixture(scope="session")
def metadata(op: Provider) -> dict[str, Any]:
    """The provider's metadata, discovered."""
    url = f"{op.issuer}/.well-known/openid-configuration"
    with op.http() as http:
        found: dict[str, Any] = http.get(url).json()
    return found


@pytest.fixture(scope="session")
def jwks(op: Provider, metadata: dict[str, Any]) -> jwt.PyJWKSet:
    """The provider's keys."""
    with op.http() as http:
        return jwt.PyJWKSet.from_dict(http.get(metadata["jwks_uri"]).json())


@pytest.fixture
def fresh(op: Provider) -> Iterator[Browser]:
    """A browser without any cookie."""
    with op.http() as http:
        yield Browser(op.issuer, http)


@pytest.fixture(scope="session")
def shared(op: Provider) -> Iterator[Browser]:
    """The browser of a citizen who logged in once and never left."""
    with op.http() as http:
        yield Browser(op.issuer, http)


@pytest.fixture
def browser(request: pytest.FixtureRequest, fresh: Browser) -> Browser:
    """The browser of a test: a fresh one for everything that asks for the code in a query."""
    name = request.function.__name__
    again = getattr(request.module, "RUNS", {}).get(name, ("code",)) != ("code",)
    if not again or name in LOGIN_PAGE:
        return fresh
    found: Browser = request.getfixturevalue("shared")
    found.seen.clear()
    return found


@pytest.fixture
def rp(
    request: pytest.FixtureRequest,
    response_type: str,
    browser: Browser,
    clients: Clients,
    metadata: dict[str, Any],
    jwks: jwt.PyJWKSet,
) -> RelyingParty:
    """The suite as ``client``."""
    return RelyingParty(
        browser,
        clients.of("client", response_type),
        metadata,
        jwks,
        response_type=response_type,
        response_mode=getattr(request.module, "RESPONSE_MODE", ""),
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """What the clients of a plan with certificates show; a second one may vouch for itself."""
    return Certificates(authority(), tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def second_pair() -> Pair:
    """A certificate that the TLS layer takes because the operator listed it itself."""
    return self_signed("second")


@pytest.fixture(scope="session")
def mtls_op(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, second_pair: Pair
) -> Iterator[Provider]:
    """A provider that asks connections for certificates."""
    trusted = certificates.directory / "trusted.pem"
    files = [
        write(certificates.directory, name, pair)[0]
        for name, pair in (("ca", certificates.ca), ("second", second_pair))
    ]
    trusted.write_bytes(b"".join(each.read_bytes() for each in files))
    options = ("--client-certificates",)
    directory = tmp_path_factory.mktemp("mtls")
    with provider(directory, tls=True, options=options, IDP_MTLS__CA_FILE=str(trusted)) as started:
        yield started


@pytest.fixture(scope="session")
def mtls_browser(mtls_op: Provider) -> Iterator[Browser]:
    """The browser of a citizen who logged in there once and never left."""
    with mtls_op.http() as http:
        yield Browser(mtls_op.issuer, http)


@pytest.fixture
def bare(mtls_op: Provider, certificates: Certificates) -> Iterator[httpx.Client]:
    """Connections without a certificate."""
    with certificates.connect(mtls_op, None, "none") as http:
        yield http


@pytest.fixture
def stranger(mtls_op: Provider, certificates: Certificates) -> Iterator[httpx.Client]:
    """Connections with another certificate of the same authority."""
    with certificates.connect(mtls_op, issued(certificates.ca, "stranger"), "stranger") as http:
        yield http
