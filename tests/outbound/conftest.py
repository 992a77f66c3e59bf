"""An authority of our own, hostile servers under it, and clients that trust it."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from idp.outbound.client import OutboundClient, OutboundSettings
from idp.outbound.connection import Resolve, system_resolve
from tests.conformance.live import certify
from tests.outbound.hostile import Hostile, hostile


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """The authority's certificate, and a server's side of TLS as localhost."""
    ca, certificate, key = certify(tmp_path_factory.mktemp("pki"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return ca, tls


@pytest.fixture
def server(pki: tuple[Path, ssl.SSLContext]) -> Iterator[Hostile]:
    """A server over TLS."""
    with hostile(pki[1]) as running:
        yield running


@pytest.fixture
def plain() -> Iterator[Hostile]:
    """A server in the clear."""
    with hostile(None) as running:
        yield running


@pytest.fixture
def client(pki: tuple[Path, ssl.SSLContext]) -> Callable[..., OutboundClient]:
    """Make a client that trusts the authority and may call this machine."""

    def make(resolve: Resolve = system_resolve, **changes: Any) -> OutboundClient:
        settings = {"allow_loopback": True, "ca_file": pki[0], "floor": 0.0} | changes
        return OutboundClient(OutboundSettings(**settings), resolve)

    return make
