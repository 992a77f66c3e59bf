"""The passcode: a second factor, asked for after a possession was proved."""

import pytest

from idp.accounts.model import Lock
from idp.login.requirement import Requirement
from tests.authn.test_otp import ask
from tests.world import World, forms

RESUME = "/authorize/resume?t="


def passcode_page(world: World, browser):
    """Level 2 is wanted and the code was proved."""
    page = ask(world, browser, page=world.begin(browser, Requirement(level=2)))
    proved = browser.submit(page, otp=world.code(), action="verify")
    assert proved.headers["Location"].endswith("/passcode")
    return browser.get(proved.headers["Location"])


def test_level_two_is_a_code_and_a_passcode(world):
    world.citizen()
    browser = world.browser()
    done = browser.submit(passcode_page(world, browser), passcode="246813")
    assert done.headers["Location"].startswith(RESUME)
    visit, _ = world.desk.visit(
        browser.request("GET", "/"), done.headers["Location"].removeprefix(RESUME)
    )
    finish = world.desk.step(visit)
    assert (finish.level, finish.amr) == (2, ("mfa", "otp", "pin", "sms"))


def test_a_wrong_passcode_is_told_and_the_sixth_guess_must_wait(world):
    world.citizen()
    browser = world.browser()
    page = passcode_page(world, browser)
    for _ in range(5):
        assert browser.submit(page, passcode="000000").status == 422
    locked = browser.submit(page, passcode="246813")
    assert locked.status == 429
    assert "Retry-After" in locked.headers
    world.clock.advance(15 * 60)
    assert browser.submit(page, passcode="246813").status == 303  # it ends by itself


def test_right_passcodes_use_up_no_guesses(world):
    world.citizen()
    for _ in range(3):  # a person may be sent three codes in this time
        browser = world.browser()
        page = passcode_page(world, browser)
        for _ in range(2):
            assert browser.submit(page, passcode="000000").status == 422
        assert browser.submit(page, passcode="246813").status == 303


def test_who_has_no_passcode_is_told_and_the_relying_party_learns_it_cannot_be(world):
    world.citizen(passcode_hash=None)
    browser = world.browser()
    page = passcode_page(world, browser)
    assert page.status == 403
    assert "notice" in forms(page).ids
    given_up = browser.submit(page, action="cancel")
    visit, _ = world.desk.visit(
        browser.request("GET", "/"), given_up.headers["Location"].removeprefix(RESUME)
    )
    assert visit.transaction.cancelled == "unmet"


def test_a_locked_account_learns_it_is_locked(world):
    world.citizen(lock=Lock.HOLDER)
    browser = world.browser()
    page = passcode_page(world, browser)
    assert page.status == 403
    assert "khóa" in page.body.decode()


@pytest.mark.attack("J07")
def test_J07_the_passcode_alone_opens_nothing(world):
    world.citizen()
    browser = world.browser()
    first = world.begin(browser, Requirement(level=2))
    url = forms(first).action
    skipped = browser.send("POST", f"{url}/passcode", {**forms(first).fields, "passcode": "246813"})
    assert skipped.headers["Location"] == url
