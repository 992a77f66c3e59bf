"""A server that shows every sample page to a real headless Chromium."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from idp.web.adapter import create_app, mount
from idp.web.assets import PATH, static_file
from idp.web.edge import Edge, Route
from idp.web.errors import Failures
from idp.web.forwarded import Trust
from idp.web.http import HttpError, Request, Response, json_response
from idp.web.settings import Site
from idp.web.templates import Pages
from tests.browser.driver import browser, open_context, page, playwright_driver
from tests.web.samples import SAMPLES

__all__ = ["browser", "open_context", "page", "playwright_driver"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def samples() -> Iterator[str]:
    """The base URL of a server that shows each sample at ``/page/<name>``."""
    port_holder = make_server("127.0.0.1", 0, lambda *_: [])
    port = port_holder.server_port
    port_holder.server_close()
    pages = Pages(
        Site(
            origin=f"http://127.0.0.1:{port}",
            sandbox=True,
            hotline="1900 0000",
            privacy_url="/page/error",
        )
    )

    def show(request: Request, name: str) -> Response:
        if name not in SAMPLES:
            raise HttpError(404, "no such sample")
        sample = SAMPLES[name]
        return pages.render(request, sample.template, **sample.context)

    def posted(request: Request) -> Response:
        return json_response([list(pair) for pair in request.form.pairs()])

    edge = Edge(Failures(pages, lambda _: None), Trust())
    app = create_app(edge)
    mount(app, "/page/<name>", Route(show, html=True), edge)
    mount(app, "/post", Route(posted, ("POST",), html=True), edge)
    mount(app, "/status", Route(lambda _: json_response({"state": "waiting"})), edge)
    mount(app, PATH, Route(static_file), edge)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield pages.site.origin
    server.shutdown()
    thread.join(10)
    server.server_close()
