"""Every page that ends a login, or stops it for a while, has a way out of it."""

import re

from werkzeug.test import TestResponse

from idp.core import assurance
from idp.login.replay import SECONDS
from tests.oidc.front import CLINIC, CODE, PORTAL, Browser, Front, Page, X, resume_url


def onward(response: TestResponse) -> str:
    """Where the page's button leads."""
    found = re.search(r'id="onward" href="([^"]+)"', response.text)
    assert found, response.text
    return found[1]


def begun(front: Front, browser: Browser) -> TestResponse:
    """The page for the code that was sent to the citizen."""
    first = front.authorize(browser, CLINIC)
    return browser.submit(first, id_number=X.digits, method="otp")


def test_too_many_codes_leave_the_other_ways(front: Front) -> None:
    browser = front.browser()
    page = begun(front, browser)
    while page.status_code == 200:
        page = browser.submit(page, action="resend")
    assert page.status_code == 429
    assert "id_number" in browser.get(onward(page)).text


def test_too_many_wrong_passcodes_end_at_the_service(front: Front) -> None:
    browser = front.browser()
    first = front.authorize(browser, acr_values=assurance.acr(2))
    page = browser.submit(first, id_number=X.digits, method="otp")
    page = browser.submit(page, otp=CODE, action="verify")
    while 'name="passcode"' in page.text:
        page = browser.submit(page, passcode="999999")
    assert page.status_code == 429
    assert int(page.headers["Retry-After"]) > 60
    assert ("action", "cancel") in Page(page.text).buttons
    assert "error=access_denied" in browser.submit(page, action="cancel").headers["Location"]


def test_a_login_that_is_over_leads_to_the_service(front: Front) -> None:
    """To its own page, or to where it is answered when it named none."""
    for client, home in ((PORTAL, PORTAL.client_uri), (CLINIC, "https://clinic.example.vn/")):
        browser = front.browser()
        page = front.authorize(browser, client)
        browser.log_in(page)
        front.clock.advance(SECONDS)
        again = browser.get(resume_url(page))
        assert again.status_code == 409
        assert onward(again) == home


def test_without_a_cookie_or_in_another_browser_too(front: Front) -> None:
    login = Page(front.authorize(front.browser(), CLINIC).text).action
    other = front.browser()
    assert onward(other.get(login)) == "https://clinic.example.vn/"
    front.authorize(other)
    assert onward(other.get(login)) == "https://clinic.example.vn/"
