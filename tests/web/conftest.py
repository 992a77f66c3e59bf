"""Pages and an edge of a deployment by https, and one call as a WSGI server makes it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from idp.web.edge import Edge
from idp.web.errors import Failure, Failures
from idp.web.forwarded import Trust
from idp.web.settings import Site
from idp.web.templates import Pages

Environ = Callable[..., dict[str, Any]]


@pytest.fixture
def site() -> Site:
    return Site(origin="https://id.example.vn", sandbox=True)


@pytest.fixture
def pages(site: Site) -> Pages:
    return Pages(site)


@pytest.fixture
def failures() -> list[Failure]:
    """What was recorded in the audit log's place."""
    return []


@pytest.fixture
def edge(pages: Pages, failures: list[Failure]) -> Edge:
    return Edge(Failures(pages, failures.append), Trust())


@pytest.fixture
def environ() -> Environ:
    """Makes a WSGI environment; headers by their HTTP_… names."""

    def make(
        method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", **more: str
    ) -> dict[str, Any]:
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "192.0.2.1",
            "SERVER_NAME": "id.example.vn",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **more,
        }

    return make
