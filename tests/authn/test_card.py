"""The card at the desk: the whole exchange, and every way it must not go."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier

import pytest

from idp.accounts.model import Account, Lock
from idp.core.handles import HANDLE_CHARS, Handle, b64url, b64url_decode
from idp.core.person import CivilStatus
from idp.mrtd.challenge import rnd_ifd
from idp.mrtd.testing.software_card import SoftwareCard
from idp.registry.model import CardStatus
from idp.web.http import Response
from tests.world import NUMBER, ORIGIN, Browser, World, forms

RESUME = "/authorize/resume?t="


@dataclass
class Exchange:
    """One card page, and an agent beside it."""

    world: World
    browser: Browser
    page: Response

    @property
    def url(self) -> str:
        return forms(self.page).action

    @property
    def token(self) -> str:
        return self.page.body.decode().partition("launch_token=")[2].partition('"')[0]

    @property
    def match_code(self) -> str:
        return self.page.body.decode().partition('id="match-code">')[2].partition("<")[0]

    def launch(self) -> dict:
        answered = self.browser.post_json("/card/launch", {"launch_token": self.token})
        assert answered.status == 200, answered.body
        return json.loads(answered.body)

    def show(self, card: SoftwareCard, opened: dict, **changes: object) -> Response:
        challenge = rnd_ifd(ORIGIN, opened["session"], b64url_decode(opened["nonce"]))
        body = presentation(card, challenge) | changes
        return self.browser.post_json(f"/card/{opened['session']}/presentation", body)

    def state(self) -> str:
        return json.loads(self.browser.get(f"{self.url}/status").body)["state"]


def presentation(card: SoftwareCard, challenge: bytes) -> dict[str, object]:
    files = {f"dg{number}": b64url(data) for number, data in card.files.data_groups.items()}
    signed = {"sod": b64url(card.files.sod), "signature": b64url(card.sign(challenge))}
    return {**files, **signed}


def start(world: World, number: str = NUMBER) -> Exchange:
    browser = world.browser()
    asked = browser.submit(world.begin(browser), id_number=number, method="card")
    return Exchange(world, browser, browser.get(asked.headers["Location"]))


def refusal(answer: Response) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return json.loads(answer.body)["type"]


@pytest.fixture
def account(world) -> Account:
    return world.citizen()


@pytest.fixture
def card(world, account) -> SoftwareCard:
    return world.issue(account)


def test_a_citizen_logs_in_with_a_card_on_this_machine(world, account, card):
    exchange = start(world)
    assert exchange.state() == "waiting"
    opened = exchange.launch()
    assert exchange.state() == "opened"
    assert (opened["origin"], opened["client_name"]) == (ORIGIN, "Cổng dịch vụ")
    answered = json.loads(exchange.show(card, opened).body)
    assert answered["return_url"] == f"{ORIGIN}{exchange.url}/return?code={answered['return_code']}"
    done = exchange.browser.get(f"{exchange.url}/return?code={answered['return_code']}")
    assert done.headers["Location"].startswith(RESUME)
    ticket = done.headers["Location"].removeprefix(RESUME)
    visit, _ = world.desk.visit(exchange.browser.request("GET", "/"), ticket)
    finish = world.desk.step(visit)
    assert (finish.account_id, finish.level, finish.amr) == (account.id, 1, ("hwk", "sc"))


def test_a_phone_that_picks_the_match_code_lets_the_page_go_on(world, card):
    exchange = start(world)
    opened = exchange.launch()
    assert exchange.match_code in opened["match_code_choices"]
    assert exchange.show(card, opened, match_code=exchange.match_code).status == 200
    assert exchange.state() == "done"
    assert exchange.browser.get(exchange.url).headers["Location"].startswith(RESUME)


def test_a_wrong_match_code_is_refused(world, card):
    exchange = start(world)
    opened = exchange.launch()
    wrong = next(each for each in opened["match_code_choices"] if each != exchange.match_code)
    assert refusal(exchange.show(card, opened, match_code=wrong)) == "card-not-accepted"
    assert exchange.state() == "failed"


def test_the_proof_stays_with_the_browser_that_asked(world, card):
    exchange, stranger = start(world), start(world)
    code = json.loads(exchange.show(card, exchange.launch()).body)["return_code"]
    assert exchange.browser.get(f"{exchange.url}/continue".replace("/card", "")).headers[
        "Location"
    ] == exchange.url.removesuffix("/card")
    assert stranger.browser.get(f"{stranger.url}/return?code={code}").status == 400
    assert stranger.browser.get(f"{exchange.url}/return?code={code}").status == 400
    first, again = (exchange.browser.get(f"{exchange.url}/return?code={code}") for _ in range(2))
    assert (first.status, again.status) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]


def test_another_browser_is_not_told_how_far_it_is(world):
    exchange, stranger = start(world), start(world)
    asked = stranger.browser.get(f"{exchange.url}/status")
    assert (asked.status, refusal(asked)) == (404, "login-unknown")


@pytest.mark.attack("K03")
def test_K03_the_challenge_lives_two_minutes(world, card):
    exchange = start(world)
    opened = exchange.launch()
    world.clock.advance(120)
    assert refusal(exchange.show(card, opened)) == "session-used"
    assert exchange.state() == "expired"


def test_the_launch_token_lives_two_minutes_and_can_be_renewed(world, card):
    exchange = start(world)
    old = exchange.token
    world.clock.advance(120)
    late = exchange.browser.post_json("/card/launch", {"launch_token": old})
    assert refusal(late) == "session-unknown"
    again = exchange.browser.get(exchange.url)
    assert again.headers["Location"] == exchange.url
    exchange.page = exchange.browser.get(exchange.url)
    assert exchange.token != old
    assert exchange.show(card, exchange.launch()).status == 200


def test_a_reload_shows_the_same_token(world):
    exchange = start(world)
    token = exchange.token
    exchange.page = exchange.browser.get(exchange.url)
    assert exchange.token == token


def test_a_launch_token_and_a_challenge_are_used_once(world, card):
    exchange = start(world)
    opened = exchange.launch()
    again = exchange.browser.post_json("/card/launch", {"launch_token": exchange.token})
    assert refusal(again) == "session-used"
    assert exchange.show(card, opened).status == 200
    assert refusal(exchange.show(card, opened)) == "session-used"


@pytest.mark.attack("K05")
def test_K05_a_challenge_the_agent_chose_itself_is_refused(world, card):
    exchange = start(world)
    opened = exchange.launch()
    chosen = b64url(card.sign(bytes(8)))
    answer = exchange.show(card, opened, signature=chosen, nonce=b64url(bytes(32)))
    assert refusal(answer) == "card-not-genuine"


def test_a_refused_card_burns_the_challenge(world, card):
    exchange = start(world)
    opened = exchange.launch()
    assert refusal(exchange.show(card, opened, signature=b64url(b"x" * 64))) == "card-not-genuine"
    assert refusal(exchange.show(card, opened)) == "session-used"


@pytest.mark.attack("K08")
def test_K08_data_of_another_card_are_refused(world, card):
    other = world.issue(world.citizen("000199000002"))
    exchange = start(world)
    mixed = b64url(other.files.data_groups[1])
    assert refusal(exchange.show(card, exchange.launch(), dg1=mixed)) == "card-not-genuine"


@pytest.mark.attack("K14")
@pytest.mark.parametrize("status", [CardStatus.REVOKED, CardStatus.LOST, CardStatus.SUPERSEDED])
def test_K14_a_card_that_is_no_longer_valid_is_refused(world, account, status):
    exchange = start(world)
    answer = exchange.show(world.issue(account, status), exchange.launch())
    assert refusal(answer) == "card-not-accepted"


@pytest.mark.attack("K14")
@pytest.mark.parametrize("changes", [{"status": CivilStatus.DECEASED}, {"lock": Lock.AUTHORITY}])
def test_K14_a_card_of_somebody_who_may_not_log_in_is_refused(world, changes):
    number = "000199000003"
    card = world.issue(world.citizen(number, **changes))
    exchange = start(world, number)
    assert refusal(exchange.show(card, exchange.launch())) == "card-not-accepted"


def test_a_genuine_card_the_registry_does_not_know_is_refused(world, account, card):
    exchange = start(world)
    unknown = world.issue(account)  # another chip; the registry now keeps the first one's key
    world.registry.put_card(
        account.number,
        replace(world.login.proofs.registry.cards(account.number)[0], aa_key_digest="0" * 64),
    )
    assert refusal(exchange.show(unknown, exchange.launch())) == "card-not-accepted"


@pytest.mark.attack("K15")
def test_K15_the_number_typed_must_be_the_cards(world, card):
    world.citizen("000199000002")
    exchange = start(world, "000199000002")
    assert refusal(exchange.show(card, exchange.launch())) == "card-not-accepted"


@pytest.mark.attack("K19")
def test_K19_without_the_chips_key_there_is_no_proof(world, card):
    exchange = start(world)
    answer = exchange.show(card, exchange.launch(), dg15=b64url(b""))
    assert refusal(answer) == "card-not-genuine"


@pytest.mark.attack("K20")
def test_K20_bogus_answers_are_slowed_down_and_the_citizen_is_not(world, card):
    exchange, mine = start(world), start(world)
    mine.browser.peer = "198.51.100.7"
    session = exchange.launch()["session"]
    bogus = {**presentation(card, bytes(8)), "signature": b64url(b"x" * 64)}
    statuses = Counter(
        exchange.browser.post_json(f"/card/{session}/presentation", bogus).status
        for _ in range(310)
    )
    assert statuses[429] == 10
    assert mine.show(card, mine.launch()).status == 200


@pytest.mark.attack("K22")
@pytest.mark.parametrize(
    "changes", [{"sod": None}, {"sod": 7}, {"signature": ["x"]}, {"dg1": "not base64url!"}]
)
def test_K22_members_of_another_type_are_refused(world, card, changes):
    exchange = start(world)
    assert exchange.show(card, exchange.launch(), **changes).status == 400


@pytest.mark.attack("K17")
def test_K17_oversize_files_are_refused(world, card):
    exchange = start(world)
    answer = exchange.show(card, exchange.launch(), sod=b64url(b"\x77" * 17_000))
    assert refusal(answer) == "card-not-genuine"


@pytest.mark.parametrize("token", ["", "x" * 54, "A" * 54])
def test_an_unknown_launch_token_or_session_is_unknown(world, token):
    browser = world.browser()
    unknown = browser.post_json("/card/launch", {"launch_token": token})
    assert refusal(unknown) == "session-unknown"


def test_fifty_at_once_use_one_challenge_once(world, card):
    exchange = start(world)
    opened = exchange.launch()
    challenge = rnd_ifd(ORIGIN, opened["session"], b64url_decode(opened["nonce"]))
    body = presentation(card, challenge)
    barrier = Barrier(50)

    def show(_: int) -> int:
        barrier.wait()
        return exchange.browser.post_json(f"/card/{opened['session']}/presentation", body).status

    with ThreadPoolExecutor(50) as pool:
        statuses = Counter(pool.map(show, range(50)))
    assert statuses == {200: 1, 409: 49}


def test_the_cards_page_costs_what_it_must(world, card):
    browser = world.browser()
    before = world.store.round_trips
    asked = browser.submit(world.begin(browser), id_number=NUMBER, method="card")
    exchange = Exchange(world, browser, browser.get(asked.headers["Location"]))
    assert world.store.round_trips - before == 2  # begin, ask; page 0
    opened = exchange.launch()
    code = json.loads(exchange.show(card, opened).body)["return_code"]
    browser.get(f"{exchange.url}/return?code={code}")
    assert world.store.round_trips - before == 5  # launch 1, presentation 1, return 1


def test_what_the_page_shows_first_is_shown_from_the_cookie_once(world):
    exchange = start(world)
    assert exchange.browser.cookies["__Host-eid_card"] == ""
    before = world.store.round_trips
    exchange.browser.get(exchange.url)
    assert world.store.round_trips - before == 1


def test_another_logins_cookie_shows_nothing(world):
    """Tossed in by a stranger, it must not have the citizen read a card for them."""
    theirs, mine = start(world), start(world)
    flow = theirs.token[:11]
    for salt in ("", "A" * 12):
        mine.browser.cookies["__Host-eid_card"] = f"{flow}{salt}"
        again = Exchange(world, mine.browser, mine.browser.get(mine.url))
        assert again.token == mine.token


def test_a_made_up_offer_opens_nothing(world):
    exchange = start(world)
    exchange.browser.cookies["__Host-eid_card"] = f"{exchange.token[:11]}{'A' * 12}"
    exchange.page = exchange.browser.get(exchange.url)
    opened = exchange.browser.post_json("/card/launch", {"launch_token": exchange.token})
    assert refusal(opened) == "session-unknown"


def test_a_session_of_an_offer_that_was_renewed_is_dead(world, card):
    exchange = start(world)
    opened = exchange.launch()
    exchange.browser.get(f"{exchange.url}?fresh=1")
    assert refusal(exchange.show(card, opened)) == "session-unknown"
    exchange.page = exchange.browser.get(exchange.url)
    assert exchange.state() == "waiting"
    assert exchange.show(card, exchange.launch()).status == 200


def test_the_return_code_tells_nothing_and_cannot_be_changed(world, account, card):
    exchange = start(world)
    code = json.loads(exchange.show(card, exchange.launch()).body)["return_code"]
    sealed = b64url_decode(code[HANDLE_CHARS:])
    assert account.id.encode() not in sealed
    changed = code[:HANDLE_CHARS] + b64url(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    for bad in (changed, code[:HANDLE_CHARS], f"{code}A", "A" * 2_000):
        assert exchange.browser.get(f"{exchange.url}/return?code={bad}").status == 400
    assert exchange.browser.get(f"{exchange.url}/return?code={code}").status == 303


def test_an_agent_that_is_too_fast_is_told_so_and_so_is_the_page(world, card):
    exchange = start(world)
    exchange.launch()
    for _ in range(599):
        exchange.browser.post_json("/card/launch", {"launch_token": "x"})
        exchange.browser.post_json("/card/launch", {"launch_token": str(Handle.new())})
    exchange.page = exchange.browser.get(
        exchange.browser.get(f"{exchange.url}?fresh=1").headers["Location"]
    )
    answered = exchange.browser.post_json("/card/launch", {"launch_token": exchange.token})
    assert refusal(answered) == "throttled"
    assert exchange.state() == "failed"
