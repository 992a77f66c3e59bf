"""Several ways to add a factor: the citizen chooses, and may choose again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from idp.core.assurance import Factor
from idp.core.clock import FixedClock
from idp.login.authentication import Authentication, Method
from idp.login.dispatch import Authenticate
from idp.login.pages import further_methods, other_url, show
from idp.login.requirement import Requirement
from idp.login.visit import Visit
from idp.storage.database import metadata, open_database
from tests.world import Browser, World, build

PATTERN = Method("card", (Factor.KNOWLEDGE,), ("kba",), opens=False)
"""Under a name that the pages have words for."""


@pytest.fixture
def world(tmp_path: Path, clock: FixedClock, sqlite_url: str) -> Iterator[World]:
    database = open_database(sqlite_url)
    with database.begin() as connection:
        metadata.create_all(connection)
    yield build(tmp_path, database, clock)
    database.close()


def halfway(world: World, browser: Browser) -> Visit:
    """A login at level 2 whose possession is proved."""
    page = world.begin(browser, Requirement(level=2))
    action = page.body.decode().split('action="', 1)[1].split('"', 1)[0]
    visit, _ = world.desk.visit(browser.request("GET", action), action.split("/")[2])
    otp = Authentication.of(world.otp.method, world.citizen().id, world.clock())
    put, proved = world.login.proofs.prove(visit, otp)
    world.store.run(put)
    return proved


def test_with_one_further_method_its_page_is_next(world: World) -> None:
    visit = halfway(world, world.browser())
    assert world.desk.proceed(visit).headers["Location"] == f"{visit.url}/passcode"
    assert other_url(world.desk, visit) == ""


def test_with_several_further_methods_the_citizen_chooses(world: World) -> None:
    browser = world.browser()
    visit = halfway(world, browser)
    passcode = next(each for each in world.desk.methods if each.name == "passcode")
    desk = replace(world.desk, methods=(world.otp.method, passcode, PATTERN))
    step = desk.step(visit)
    assert step == Authenticate(("passcode", "card"))
    assert further_methods(desk, step) == ("passcode", "card")
    assert desk.proceed(visit).headers["Location"] == visit.url
    assert other_url(desk, visit) == visit.url
    page = show(desk, browser.request("GET", visit.url), visit.ticket.text).body.decode()
    assert f'href="{visit.url}/passcode"' in page
    assert f'href="{visit.url}/card"' in page
    assert 'name="id_number"' not in page
