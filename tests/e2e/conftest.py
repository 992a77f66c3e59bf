"""Programs for whole walks: one sandbox for each worker, and a real Chromium."""

from collections.abc import Iterator

import pytest

from tests.browser.driver import browser, open_context, page, playwright_driver
from tests.e2e import sandbox as programs
from tests.e2e.sandbox import Sandbox

__all__ = ["browser", "open_context", "page", "playwright_driver"]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A provider with the nine citizens and some more."""
    with programs.sandbox(tmp_path_factory.mktemp("sandbox")) as started:
        yield started


@pytest.fixture(scope="session")
def portal(sandbox: Sandbox) -> Iterator[str]:
    """The URL of the demo portal."""
    with programs.portal(sandbox.program) as url:
        yield url


@pytest.fixture(scope="session")
def bridge(sandbox: Sandbox) -> Iterator[int]:
    """The port of the card program beside the browser."""
    with programs.bridge(sandbox.program) as port:
        yield port
