"""Logout in a real browser: the frame that relying parties ask, the frames that log them out."""

import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Route, expect
from werkzeug.test import Client as Http

from idp.web.assets import static_file
from idp.web.http import Request
from idp.web.security import protect
from tests.browser.driver import Contexts
from tests.oidc.front import (
    GOODBYE,
    ISSUER,
    PORTAL,
    Browser,
    Front,
    answer,
)
from tests.oidc.front import front as front
from tests.oidc.front import key_directory as key_directory
from tests.oidc.logout.world import party, visit

RP = "https://portal.example.vn"
ASKING = """<!doctype html><title>rp</title>
<iframe id="op" src="%s/session"></iframe>
<script>
  var message = %s, said = [];
  addEventListener("message", function (e) { if (e.origin === "%s") said.push(e.data); });
  function ask(what) {
    document.getElementById("op").contentWindow.postMessage(what || message, "%s");
  }
</script>"""


def provide(front: Front, context: BrowserContext) -> None:
    """The provider at its own address, answered in this process.

    Its redirects to itself are followed here: the real browser would look for the address outside.
    """

    def respond(route: Route) -> None:
        asked = route.request
        parts = urlsplit(asked.url)
        if parts.path.startswith("/static/"):
            _, _, digest, name = parts.path.split("/", 3)
            found = protect(static_file(Request("GET", parts.path), digest, name), secure=True)
            route.fulfill(status=200, headers=dict(found.headers), body=found.body)
            return
        http = Http(front.app, use_cookies=False)
        got = http.open(
            parts.path,
            query_string=parts.query,
            method=asked.method,
            base_url=ISSUER,
            headers=asked.all_headers(),
            data=asked.post_data_buffer or b"",
        )
        cookies = got.headers.getlist("Set-Cookie")
        if got.headers.get("Location", "").startswith("/"):
            got = http.get(got.headers["Location"], base_url=ISSUER)
        headers = dict(got.headers)
        if cookies:
            headers["Set-Cookie"] = "\n".join(cookies)
        route.fulfill(status=got.status_code, headers=headers, body=got.data)

    context.route(f"{ISSUER}/**", respond)


def carry(browser: Browser, context: BrowserContext) -> None:
    """Log the real browser in as the other one is."""
    for name in ("__Host-eid_session", "__Host-eid_browser_state"):
        found = browser.http.get_cookie(name, domain="id.example.vn")
        assert found is not None
        site = "None" if name.endswith("state") else "Lax"
        context.add_cookies(
            [{"name": name, "value": found.value, "url": ISSUER, "secure": True, "sameSite": site}]
        )


def asks(page: Page, what: str = "") -> str:
    """What the provider's frame answers to the relying party's page."""
    before = page.evaluate("said.length")
    page.evaluate("what => ask(what)", what)
    page.wait_for_function("before => said.length > before", arg=before)
    said: str = page.evaluate("said[said.length - 1]")
    return said


def rp_page(context: BrowserContext, message: str, origin: str = RP) -> Page:
    """A page of a relying party that has the provider's frame in it."""
    body = ASKING % (ISSUER, json.dumps(message), ISSUER, ISSUER)
    context.route(f"{origin}/rp", lambda route: route.fulfill(content_type="text/html", body=body))
    page = context.new_page()
    page.goto(f"{origin}/rp")
    return page


def test_the_frame_tells_a_relying_party_when_the_login_has_changed(
    front: Front, open_context: Contexts
) -> None:
    context = open_context()
    provide(front, context)
    browser = front.signed_in()
    message = f"portal {answer(front.authorize(browser))['session_state']}"
    carry(browser, context)
    page = rp_page(context, message)
    assert asks(page) == "unchanged"
    assert asks(page, message.replace("portal", "clinic")) == "changed"
    for nonsense in ("x", "portal x", "portal  x.y", "portal é.y", message + " x"):
        assert asks(page, nonsense) == "error"
    leaving = context.new_page()
    leaving.goto(f"{ISSUER}/logout")
    leaving.locator("button[value=logout]").click()
    expect(leaving.locator("h1")).to_have_text("Bạn đã đăng xuất")
    assert asks(page) == "changed"


def test_the_frame_is_for_registered_relying_parties(front: Front, open_context: Contexts) -> None:
    context = open_context()
    provide(front, context)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    page = rp_page(context, "portal x.y", "https://evil.example")
    page.wait_for_load_state("networkidle")
    assert any("frame-ancestors" in each for each in complaints)


def test_the_frames_load_and_the_browser_goes_on_whatever_they_hold(
    front: Front, open_context: Contexts
) -> None:
    context = open_context()
    provide(front, context)
    loaded: list[str] = []

    def out(route: Route) -> None:
        loaded.append(route.request.url)
        hostile = "<script>top.location = 'https://evil.example/'</script>"
        route.fulfill(content_type="text/html", body=hostile)

    context.route(re.compile(r"/out(\?|$)"), out)
    context.route(f"{GOODBYE}*", lambda route: route.fulfill(body="back"))
    front.change(
        replace(
            PORTAL,
            frontchannel_logout_uri=f"{RP}/out",
            frontchannel_logout_session_required=True,
        )
    )
    browser = front.signed_in()
    visit(
        front,
        browser,
        party(front, "there", frontchannel_logout_uri="https://there.example.vn/out"),
    )
    token = front.tokens(front.authorize(browser))["id_token"]
    carry(browser, context)
    page = context.new_page()
    asked = f"id_token_hint={token}&post_logout_redirect_uri={GOODBYE}&state=s"
    page.goto(f"{ISSUER}/logout?{asked}")
    page.click("button[value=logout]")  # from there as well
    page.wait_for_url(f"{GOODBYE}?state=s")
    assert [each.partition("?")[0] for each in loaded] == [
        f"{RP}/out",
        "https://there.example.vn/out",
    ]
    assert f"iss={ISSUER.replace(':', '%3A').replace('/', '%2F')}&sid=" in loaded[0]
