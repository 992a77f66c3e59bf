"""The one-time code at the desk: the way through, and every way it must not go."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from idp.accounts.model import Lock
from idp.authn.otp.challenge import new_code, normalise
from idp.core.person import CivilStatus
from idp.login.requirement import Requirement
from tests.world import NUMBER, World, forms

RESUME = "/authorize/resume?t="


def ask(world: World, browser, number: str = NUMBER, page=None):
    """Ask for a code and open its page."""
    page = page or world.begin(browser)
    answered = browser.submit(page, id_number=number, method="otp")
    assert answered.status == 303, answered.body.decode()
    return browser.get(answered.headers["Location"])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_citizen_logs_in_with_a_code(world):
    world.citizen()
    browser = world.browser()
    done = browser.submit(ask(world, browser), otp=world.code(), action="verify")
    assert done.status == 303
    assert done.headers["Location"].startswith(RESUME)


def test_the_login_steps_cost_four_round_trips(world):
    world.citizen()
    browser = world.browser()
    before = world.store.round_trips
    browser.submit(ask(world, browser), otp=world.code(), action="verify")
    assert world.store.round_trips - before == 4  # begin 1, ask 1, page 0, verify 2


def test_a_code_may_be_typed_with_spaces_and_wide_digits(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    code = world.code()
    typed = f" {code[:3]} " + "".join(chr(ord("０") + int(each)) for each in code[3:])
    assert browser.submit(page, otp=typed, action="verify").status == 303


def test_a_wrong_code_is_told_and_the_right_one_still_works(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    code = world.code()
    again = browser.submit(page, otp=wrong(code), action="verify")
    assert again.status == 422
    assert "error-summary" in forms(again).ids
    assert browser.submit(again, otp=code, action="verify").status == 303


def test_the_fifth_wrong_code_ends_it_and_the_card_stays_open(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    code = world.code()
    for _ in range(4):
        assert browser.submit(page, otp=wrong(code), action="verify").status == 422
    spent = browser.submit(page, otp=wrong(code), action="verify")
    assert spent.status == 429
    assert browser.submit(page, otp=code, action="verify").status == 409
    first = browser.get(forms(page).action.removesuffix("/otp"))
    assert ("method", "card") in forms(first).buttons


@pytest.mark.attack("L05")
def test_L05_a_code_is_of_use_once_in_its_own_login_only(world):
    world.citizen()
    mine, other = world.browser(), world.browser()
    page, elsewhere = ask(world, mine), ask(world, other)
    newest = world.code()  # sent to the second login
    assert mine.submit(page, otp=newest, action="verify").status == 422
    assert other.submit(elsewhere, otp=newest, action="verify").status == 303
    again = other.submit(elsewhere, otp=newest, action="verify")  # the form was sent twice
    assert again.status == 303
    assert mine.submit(page, otp=newest, action="verify").status == 422


@pytest.mark.attack("L05")
def test_L05_a_code_is_dead_once_a_newer_one_was_sent(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    old = world.code()
    assert browser.submit(page, action="resend").status == 303
    new = world.code()
    assert old == new or browser.submit(page, otp=old, action="verify").status == 422
    assert browser.submit(page, otp=new, action="verify").status == 303


@pytest.mark.attack("L05")
def test_L05_a_code_of_one_person_never_logs_in_another(world):
    world.citizen()
    other = world.citizen("000199000002", phone="+84987654321")
    browser = world.browser()
    first = world.begin(browser)
    ask(world, browser, page=first)
    code = world.code()
    page = ask(world, browser, "000199000002", page=first)
    answered = browser.submit(page, otp=code, action="verify")
    assert answered.status == 422 or world.code() == code
    proved = browser.submit(page, otp=world.code(), action="verify")
    assert proved.status == 303
    visit, _ = world.desk.visit(
        browser.request("GET", "/"), proved.headers["Location"].removeprefix(RESUME)
    )
    assert {each.account_id for each in visit.proofs} == {other.id}


@pytest.mark.attack("L06")
def test_L06_a_code_lives_five_minutes(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    world.clock.advance(5 * 60)
    assert browser.submit(page, otp=world.code(), action="verify").status == 409
    assert browser.submit(page, action="resend").status == 303  # without typing the number again
    assert browser.submit(page, otp=world.code(), action="verify").status == 303


def test_asking_twice_sends_one_code(world):
    world.citizen()
    browser = world.browser()
    page = world.begin(browser)
    ask(world, browser, page=page)
    code = world.code()
    code_page = ask(world, browser, page=page)  # Back, or a double click
    assert world.code() == code
    assert browser.submit(code_page, otp=code, action="verify").status == 303


@pytest.mark.attack("L07")
def test_L07_no_more_than_three_codes_in_a_quarter_of_an_hour(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    code = ""
    for _ in range(2):
        assert browser.submit(page, action="resend").status == 303
        code = world.code()
    refused = browser.submit(page, action="resend")
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) <= 15 * 60
    assert browser.submit(page, otp=code, action="verify").status == 303  # the last one lives


@pytest.mark.attack("L07")
def test_L07_a_hundred_resends_at_once_send_at_most_three(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    barrier = Barrier(20)

    def resend(_: int) -> int:
        barrier.wait()
        return browser.submit(page, action="resend").status

    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(resend, range(20)))
    assert statuses == {303: 2, 429: 18}


@pytest.mark.attack("L10")
@pytest.mark.parametrize("who", ["nobody", "no phone", "deceased", "locked by an authority"])
def test_L10_the_answers_do_not_tell_whether_a_person_exists(world, who):
    world.citizen()
    stranger = "000199000009"
    if who == "no phone":
        world.citizen(stranger, phone=None)
    if who == "deceased":
        world.citizen(stranger, status=CivilStatus.DECEASED)
    if who == "locked by an authority":
        world.citizen(stranger, lock=Lock.AUTHORITY)
    answers = []
    for number in (NUMBER, stranger):
        browser = world.browser()
        trips = world.store.round_trips
        page = world.begin(browser)
        asked = browser.submit(page, id_number=number, method="otp")
        code_page = browser.get(asked.headers["Location"])
        ticket = forms(code_page).action.split("/")[2]
        refused = browser.submit(code_page, otp="123456", action="verify")
        token = forms(code_page).fields["csrf_token"]
        answers.append(
            [
                (
                    each.status,
                    each.body.decode().replace(ticket, "T").replace(token, "C"),
                    {name: value.replace(ticket, "T") for name, value in each.headers.items()},
                    each.cookies,
                )
                for each in (asked, code_page, refused)
            ]
            + [world.store.round_trips - trips]
        )
    assert answers[0] == answers[1]


def test_a_locked_account_is_told_so_only_after_the_code(world):
    world.citizen(lock=Lock.HOLDER)
    browser = world.browser()
    done = browser.submit(ask(world, browser), otp=world.code(), action="verify")
    assert done.status == 303


@pytest.mark.attack("L11")
@pytest.mark.parametrize("typed", ["", "12345", "1234567", "1e5", "+12345", "abcdef", "1" * 5000])
def test_L11_what_is_not_a_code_costs_no_try(world, typed):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    for _ in range(6):
        assert browser.submit(page, otp=typed, action="verify").status == 422
    assert browser.submit(page, otp=world.code(), action="verify").status == 303


@pytest.mark.attack("L12")
def test_L12_the_code_is_nowhere_in_the_store(world):
    world.citizen()
    found = 0
    for _ in range(2):  # one code may stand there by chance, as part of a number; not both
        ask(world, world.browser())
        found += world.code() in str(vars(world.store))
    assert found < 2


@pytest.mark.attack("L14")
def test_L14_codes_are_uniform():
    counts = Counter(int(new_code()) // 10_000 for _ in range(100_000))
    expected = 100_000 / 100
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == 100
    assert chi_square < 180  # 99 degrees of freedom: one run in a million is above


def test_fifty_at_once_use_one_code_once(world):
    world.citizen()
    browser = world.browser()
    page = ask(world, browser)
    code = world.code()
    barrier = Barrier(50)

    def verify(_: int) -> tuple[int, str]:
        barrier.wait()
        answer = browser.submit(page, otp=code, action="verify")
        return answer.status, answer.headers["Location"]

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(verify, range(50)))
    assert len(answers) == 1  # a form sent many times ends where the first one led
    assert {status for status, _ in answers} == {303}


@pytest.mark.attack("J04")
def test_J04_a_form_of_another_login_or_browser_is_refused(world):
    world.citizen()
    browser, stranger = world.browser(), world.browser()
    page, other = world.begin(browser), world.begin(browser)
    theirs = world.begin(stranger)
    for foreign in (forms(other), forms(theirs)):
        token = foreign.fields["csrf_token"]
        refused = browser.submit(page, csrf_token=token, id_number=NUMBER, method="otp")
        assert refused.status == 403
    assert browser.submit(page, csrf_token="", id_number=NUMBER, method="otp").status == 403


@pytest.mark.attack("J07")
def test_J07_a_step_cannot_be_skipped(world):
    world.citizen()
    browser = world.browser()
    page = world.begin(browser, Requirement(level=2))
    url = forms(page).action
    assert browser.get(f"{url}/continue").headers["Location"] == url
    assert browser.get(f"{url}/passcode").headers["Location"] == url


def test_cancel_goes_back_to_whoever_began(world):
    browser = world.browser()
    given_up = browser.submit(world.begin(browser), action="cancel")
    assert given_up.headers["Location"].startswith(RESUME)
    ticket = given_up.headers["Location"].removeprefix(RESUME)
    visit, _ = world.desk.visit(browser.request("GET", "/"), ticket)
    assert visit.transaction.cancelled == "citizen"


def test_cookies_off_another_browser_and_an_old_page_each_explain_themselves(world):
    browser, stranger, bare = world.browser(), world.browser(), world.browser()
    world.begin(stranger)
    url = forms(world.begin(browser)).action
    assert "notice" in forms(stranger.get(url)).ids
    assert "notice" in forms(bare.get(url)).ids
    world.clock.advance(31 * 60)
    late = browser.get(url)
    assert "notice" in forms(late).ids
    assert "https://portal.example/" in late.body.decode()


@pytest.mark.parametrize(
    ("typed", "message"),
    [("", "nhập"), ("12345", "12"), ("012345678", "9 số"), ("000199000001x", "12")],
)
def test_what_is_not_a_number_is_told_helpfully(world, typed, message):
    browser = world.browser()
    page = browser.submit(world.begin(browser), id_number=typed, method="otp")
    assert page.status == 422
    assert message in page.body.decode()
    assert "error-summary" in forms(page).ids


def test_normalise_takes_what_people_type():
    assert normalise("123 456") == "123456"
    assert normalise("123-456") == "123456"
    assert normalise("١٢٣٤٥٦") is None
