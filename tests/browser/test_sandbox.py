"""/sandbox in a real browser, over a real login's exchanges: 390 and 1280 px, both languages."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from idp.app import create_app
from idp.settings import Settings
from tests.browser.driver import Contexts
from tests.browser.inspection import AXE, RUN_AXE, TOO_WIDE, shot
from tests.sandbox.conftest import settings_in
from tests.sandbox.portal import MAI, Portal, register

WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Portal]]:
    """A sandbox that serves on loopback, and a portal whose citizen has just logged in."""
    settings: Settings = settings_in(tmp_path_factory.mktemp("sandbox"))
    app = create_app(settings)
    portal = register(app)
    portal.tokens()
    portal.redeem({"code": "no code of ours"})
    portal.authorize(max_age="soon")
    portal.force("missing_claim", claim="birthdate", citizen=MAI)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", portal
    server.shutdown()
    thread.join(10)
    server.server_close()
    app.close()


def looked_at(page: Page, name: str) -> None:
    """No accessibility violation, nothing wider than the window, at both widths."""
    page.evaluate(AXE.read_text())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"{name}-{width}")
        assert page.evaluate(RUN_AXE) == []
        assert page.evaluate(TOO_WIDE) <= 0


@pytest.mark.parametrize("locale", ["vi", "en"])
def test_the_sandbox_and_an_open_exchange_are_accessible_and_fit(
    portal: tuple[str, Portal], open_context: Contexts, locale: str
) -> None:
    origin, client = portal
    page = open_context(bypass_csp=True).new_page()  # for axe's own script only
    page.goto(f"{origin}/sandbox?lang={locale}")
    looked_at(page, f"live-sandbox-{locale}")
    page.goto(f"{origin}/sandbox/client?client_id={client.client_id}&lang={locale}")
    for each in page.locator(".exchanges summary").all():
        each.click()
    looked_at(page, f"live-sandbox-client-{locale}")


def test_a_result_is_set_without_javascript(
    portal: tuple[str, Portal], open_context: Contexts
) -> None:
    origin, client = portal
    page = open_context(java_script_enabled=False).new_page()
    page.goto(f"{origin}/sandbox/client?client_id={client.client_id}")
    page.locator("#result").select_option("slow_answer")
    page.locator("#seconds").fill("3")
    page.locator("button[value=force]").click()
    assert "slow_answer" in page.locator("#pending").inner_text()
    assert {"result": "slow_answer", "seconds": 3} in client.pending()
