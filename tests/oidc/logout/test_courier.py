"""Back-channel logout, from the citizen's click to relying parties that do their worst."""

import dataclasses
import threading
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from idp.core.handles import digest
from idp.jose.jwe import DecryptionKey, decrypt
from idp.jose.jwk import Jwk, JwkSet
from idp.jose.jwt import InvalidToken
from idp.oidc.clients.model import ClientStatus
from idp.oidc.logout.courier import FAILURES, PAUSE
from idp.oidc.logout.delivery import LIFETIME, DeliveryState, Message
from idp.oidc.logout.repository import LEASE, Outbox
from idp.oidc.logout.token import EVENT
from tests.oidc.front import CLINIC, GOODBYE, PORTAL, Front, Y, claims_of
from tests.oidc.logout.receivers import GIANT, HANG, LIFE, RESET, STREAM, Receivers, receivers
from tests.oidc.logout.world import (
    courier,
    listens,
    messages,
    party,
    session_id,
    verified,
    visit,
)


@pytest.fixture
def outside() -> Iterator[Receivers]:
    with receivers() as found:
        yield found


@pytest.mark.attack("M10")
def test_M10_each_relying_party_gets_a_token_of_its_own(front: Front, outside: Receivers) -> None:
    portal = listens(front, outside.url("portal"))
    clinic = listens(front, outside.url("clinic"), CLINIC)
    browser = front.signed_in()
    visit(front, browser, clinic)
    other = front.signed_in(Y)
    id_token = claims_of(front.tokens(front.authorize(browser, portal))["id_token"])
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        running.once()
    (at_portal,), (at_clinic,) = outside.tokens["portal"], outside.tokens["clinic"]
    claims = verified(front, at_portal, "portal")
    assert (claims["sub"], claims["sid"]) == (id_token["sub"], id_token["sid"])
    assert claims["events"] == {EVENT: {}}
    assert claims["iat"] == front.clock()
    assert "nonce" not in claims
    theirs = verified(front, at_clinic, "clinic")
    assert theirs["sub"] != claims["sub"]
    assert theirs["sid"] != claims["sid"]
    assert theirs["jti"] != claims["jti"]
    assert {each for each, _ in outside.forms} == {"application/x-www-form-urlencoded"}
    assert "code" in other.get("/authorize", **front.request(prompt="none")).location


def test_only_relying_parties_of_the_session_are_told(front: Front, outside: Receivers) -> None:
    listens(front, outside.url("portal"))
    listens(front, outside.url("clinic"), CLINIC)
    browser, other = front.signed_in(), front.signed_in()
    visit(front, other, CLINIC)
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        running.once()
    assert {name: len(found) for name, found in outside.tokens.items()} == {"portal": 1}


@pytest.mark.attack("M09")
def test_M09_fifty_relying_parties_of_which_five_do_their_worst(
    front: Front, outside: Receivers
) -> None:
    bad: dict[str, int | str] = {"p0": HANG, "p1": RESET, "p2": 500, "p3": STREAM, "p4": GIANT}
    outside.behave = dict(bad)
    browser = front.signed_in()
    parties = [
        party(front, f"p{number}", backchannel_logout_uri=outside.url(f"p{number}"))
        for number in range(50)
    ]
    visit(front, browser, *parties)
    session, page = session_id(front, browser), browser.get("/logout")
    with courier(front, timeout=1.0) as running:
        stopping = threading.Event()
        working = threading.Thread(target=running.run, args=(stopping,))
        working.start()
        began = time.monotonic()
        done = browser.submit(page, decision="logout")
        assert time.monotonic() - began < 10  # one by one they would take 50
        assert "Bạn đã đăng xuất" in done.text
        until(lambda: sum(map(len, outside.tokens.values())) == 45, 4)
        until(lambda: all(messages(front, session)[name].tries for name in bad), 4)
        stopping.set()
        working.join(5)
        assert not working.is_alive()
    found = messages(front, session)
    assert {name: found[name].last_status for name in bad} == {
        "p0": "deadline",
        "p1": "unreachable",
        "p2": "500",
        "p3": "deadline",
        "p4": "500",
    }
    for name in bad:
        assert found[name].state is DeliveryState.WAITING
        assert 4 <= found[name].next_try_at - front.clock() <= 6
    assert outside.given < 32  # megabytes of the gigabyte that was offered
    told = {each for each in found if found[each].state is DeliveryState.DELIVERED}
    assert told == {each.client_id for each in parties[5:]}


def until(true: object, seconds: float) -> None:
    """Wait for ``true()``."""
    deadline = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.attack("M15")
def test_M15_what_was_down_for_half_an_hour_is_told_soon_after(
    front: Front, outside: Receivers
) -> None:
    listens(front, outside.url("portal"))
    outside.behave["portal"] = RESET
    browser = front.signed_in()
    sid = claims_of(front.tokens(front.authorize(browser))["id_token"])["sid"]
    session, ended_at = session_id(front, browser), front.clock()
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        tried = 0
        while front.clock() < ended_at + 1_800:
            running.once()
            tried = max(tried, messages(front, session)["portal"].tries)
            front.clock.advance(5)
        assert 8 <= tried <= 12
        outside.behave["portal"] = 204
        while not outside.tokens["portal"]:
            front.clock.advance(5)
            running.once()
    assert front.clock() - ended_at <= 1_800 + 15 * 60 * 1.2 + PAUSE
    claims = verified(front, outside.tokens["portal"][0], "portal")
    assert claims["sid"] == sid
    assert claims["iat"] == front.clock()
    assert messages(front, session)["portal"].state is DeliveryState.DELIVERED


def fill(front: Front, name: str, count: int) -> None:
    """Sessions of a relying party that have ended."""
    found = [Message(name, digest(f"{name}-{each}"), "sub", "sid") for each in range(count)]
    outbox = Outbox(front.database, front.clock)
    with front.database.direct().begin() as transaction:
        for row in outbox.rows(found):
            transaction.run(row.statement, **row.values)


@pytest.mark.attack("M14")
def test_M14_ten_thousand_logouts_at_a_dead_relying_party(front: Front, outside: Receivers) -> None:
    party(front, "dead", backchannel_logout_uri="http://127.0.0.1:9/logout")
    party(front, "well", backchannel_logout_uri=outside.url("well"))
    fill(front, "dead", 10_000)
    fill(front, "well", 30)
    with courier(front) as running:
        began = time.monotonic()
        running.once()
        assert time.monotonic() - began < 60
        assert len(outside.tokens["well"]) == 30
        outbox = Outbox(front.database, front.clock)
        assert sum(each.tries for each in outbox.listed("dead", None)) <= FAILURES
        browser = front.signed_in()  # LIVE
        began = time.monotonic()
        assert "Bạn đã đăng xuất" in browser.submit(browser.get("/logout"), decision="logout").text
        assert time.monotonic() - began < 10
        front.clock.advance(int(PAUSE))
        running.once()  # one probe, and it is left alone again
        assert outbox.tidy() == 0
    assert sum(each.tries for each in outbox.listed("dead", None)) <= FAILURES + 1


def test_when_a_relying_party_answers_again_nothing_waits_for_its_next_try(
    front: Front, outside: Receivers
) -> None:
    party(front, "flaky", backchannel_logout_uri=outside.url("flaky"))
    outside.behave["flaky"] = 503
    fill(front, "flaky", FAILURES)
    with courier(front) as running:
        running.once()
        assert outside.tries["flaky"] == FAILURES
        running.once()
        assert outside.tries["flaky"] == FAILURES
        outside.behave["flaky"] = 200
        front.clock.advance(LIFETIME // 100)
        running.once()
    assert len(outside.tokens["flaky"]) == FAILURES


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_any_other_answer_is_no_delivery_and_is_tried_again(
    front: Front, outside: Receivers, status: int
) -> None:
    listens(front, outside.url("portal"))
    outside.behave["portal"] = status
    browser = front.signed_in()
    session = session_id(front, browser)
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        running.once()
        first = messages(front, session)["portal"]
        assert (first.state, first.tries, first.last_status) == (
            DeliveryState.WAITING,
            1,
            str(status),
        )
        front.clock.advance(LIFETIME + 1)
        running.once()
    last = messages(front, session)["portal"]
    assert (last.state, last.tries) == (DeliveryState.GIVEN_UP, 2)


def test_what_a_courier_held_when_it_died_is_delivered_by_the_next(
    front: Front, outside: Receivers
) -> None:
    listens(front, outside.url("portal"))
    browser = front.signed_in()
    browser.submit(browser.get("/logout"), decision="logout")
    assert len(Outbox(front.database, front.clock).claim("portal", 10)) == 1  # and no more of it
    with courier(front) as running:
        running.once()
        assert not outside.tokens["portal"]
        front.clock.advance(LEASE)
        running.once()
    assert len(outside.tokens["portal"]) == 1


@pytest.mark.parametrize("change", ["no address", "disabled", "moved"])
def test_the_registration_as_it_is_now_says_where(
    front: Front, outside: Receivers, change: str
) -> None:
    portal = listens(front, outside.url("old"))
    browser = front.signed_in()
    session = session_id(front, browser)
    browser.submit(browser.get("/logout"), decision="logout")
    if change == "moved":
        listens(front, outside.url("new"))
    else:
        disabled = {"status": ClientStatus.DISABLED} if change == "disabled" else {}
        uri = portal.backchannel_logout_uri if disabled else ""
        front.change(dataclasses.replace(PORTAL, backchannel_logout_uri=uri, **disabled))
    with courier(front) as running:
        running.once()
    found = messages(front, session)["portal"]
    if change == "moved":
        assert (found.state, len(outside.tokens["new"])) == (DeliveryState.DELIVERED, 1)
    else:
        assert (found.state, found.last_status) == (DeliveryState.GIVEN_UP, "no_address")
    assert not outside.tries["old"]


def test_an_address_inside_is_never_called(front: Front) -> None:
    listens(front, "https://169.254.169.254/logout")
    browser = front.signed_in()
    session = session_id(front, browser)
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        running.once()
    found = messages(front, session)["portal"]
    assert (found.state, found.tries, found.last_status) == (DeliveryState.WAITING, 1, "address")


def test_the_request_of_a_relying_party_waits_for_nobody(front: Front, outside: Receivers) -> None:
    listens(front, outside.url("portal"))
    outside.behave["portal"] = HANG
    browser = front.signed_in()
    token = front.tokens(front.authorize(browser))["id_token"]
    began = time.monotonic()
    gone = browser.get("/logout", id_token_hint=token, post_logout_redirect_uri=GOODBYE)
    assert time.monotonic() - began < LIFE  # as long as the relying party hangs
    assert gone.headers["Location"] == GOODBYE


def test_who_gets_id_tokens_encrypted_gets_logout_tokens_so(
    front: Front, outside: Receivers
) -> None:
    key, stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    jwks = JwkSet((Jwk("enc", key.public_key(), use="enc"),)).export()
    members = {"jwks": jwks, "id_token_encrypted_response_alg": "ECDH-ES"}
    sealing = listens(front, outside.url("portal"), dataclasses.replace(PORTAL, **members))
    browser = front.signed_in()
    front.change(dataclasses.replace(sealing, jwks={}))
    browser.submit(browser.get("/logout"), decision="logout")
    with courier(front) as running:
        running.once()
        assert "portal" not in outside.tokens  # rather none than one in the clear
        front.change(sealing)
        front.clock.advance(3_600)
        running.once()
    (token,) = outside.tokens["portal"]
    with pytest.raises(InvalidToken):
        decrypt(token, (DecryptionKey("enc", stranger),))
    assert verified(front, decrypt(token, (DecryptionKey("enc", key),)), "portal")["sid"]
