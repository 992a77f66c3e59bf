"""Fixtures that drive a real headless Chromium; a conftest that wants them imports them."""

import atexit
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser import chromium

Contexts = Callable[..., BrowserContext]
PATIENCE = 15_000
"""Milliseconds to wait for a page on a busy machine."""


@cache
def _driver() -> Playwright:
    """One in a process, whichever folders' tests come to it: a second would not start."""
    started = sync_playwright().start()
    atexit.register(started.stop)
    return started


@pytest.fixture(scope="session")
def playwright_driver() -> Playwright:
    return _driver()


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    """Chromium. A machine without one fails these tests: they are never skipped."""
    try:
        found = chromium.find(chromium.bundled_node())
    except FileNotFoundError as error:
        pytest.fail(str(error))
    expect.set_options(timeout=PATIENCE)
    launched = playwright_driver.chromium.launch(
        executable_path=found.path, env=dict(found.environment), timeout=30_000
    )
    yield launched
    launched.close()


@pytest.fixture
def open_context(browser: Browser) -> Iterator[Contexts]:
    """Makes browser contexts: each one a browser of its own, closed after the test."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        context = browser.new_context(**{"locale": "vi-VN", **options})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def page(open_context: Contexts) -> Page:
    """A page in a browser of its own."""
    return open_context().new_page()
