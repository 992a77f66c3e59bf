"""Rich authorization requests (RFC 9396): a transaction is shown, approved once, and told."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client as Http
from werkzeug.test import TestResponse

from idp.oidc.consent.details import parse
from idp.oidc.errors import OAuthError
from tests.oidc.front import (
    ISSUER,
    PORTAL,
    SECRET,
    Browser,
    Front,
    answer,
    claims_of,
    error,
    resume_url,
)

CLIENT = replace(PORTAL, authorization_details_types=("transaction_approval", "document_signing"))
FEE = {
    "type": "transaction_approval",
    "title": "Lệ phí cấp hộ chiếu",
    "payee": "Cục Quản lý xuất nhập cảnh",
    "amount": "1200000",
    "currency": "VND",
    "reference": "HC-2026-0001",
}
CONTRACT = {"type": "document_signing", "title": "Hợp đồng", "sha256": "A" * 43}


@pytest.fixture(autouse=True)
def _registered(front: Front) -> None:
    front.change(CLIENT)


def ask(front: Front, browser: Browser, *details: dict[str, str], **changes: str) -> TestResponse:
    return front.authorize(browser, authorization_details=json.dumps(details), **changes)


def test_the_citizen_reads_it_in_plain_words_and_the_relying_party_gets_it_back(
    front: Front,
) -> None:
    browser = front.browser()
    page = browser.log_in(ask(front, browser, FEE))
    for shown in ("Lệ phí cấp hộ chiếu", "1.200.000 VND", "HC-2026-0001", "Cục Quản lý"):
        assert shown in page.text
    tokens = front.tokens(browser.submit(page, decision="allow"))
    assert tokens["authorization_details"] == [FEE]
    told = Http(front.app).post(
        "/introspect",
        base_url=ISSUER,
        data={"token": tokens["access_token"]},
        auth=("portal", SECRET),
    )
    assert told.get_json()["authorization_details"] == [FEE]
    event = next(each for each in front.events() if each["event"] == "ConsentGiven")
    assert event["approved"] == ["transaction_approval"]
    assert "hộ chiếu" not in json.dumps(front.events(), ensure_ascii=False)


def test_it_goes_into_a_jwt_access_token_and_stays_over_a_refresh(front: Front) -> None:
    front.change(replace(CLIENT, access_token_format=CLIENT.access_token_format.JWT))
    browser = front.browser()
    done = browser.submit(browser.log_in(ask(front, browser, CONTRACT)), decision="allow")
    tokens = front.tokens(done)
    assert claims_of(tokens["access_token"])["authorization_details"] == [CONTRACT]
    front.clock.advance(5)
    again = front.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert again.get_json()["authorization_details"] == [CONTRACT]


def test_each_transaction_is_asked_for_even_where_the_citizen_is_logged_in(front: Front) -> None:
    browser = front.signed_in()
    for _ in range(2):
        page = ask(front, browser, FEE)
        assert "1.200.000 VND" in page.text
        assert "code" in answer(browser.submit(page, decision="allow"))
    assert error(ask(front, browser, FEE, prompt="none")) == "consent_required"


def test_an_approval_serves_no_other_login(front: Front) -> None:
    """Two at once in one browser: a yes to the small one must not let the large one through."""
    browser = front.signed_in()
    large = ask(front, browser, {**FEE, "amount": "99999999"})
    resume = resume_url(large)
    assert "code" in answer(browser.submit(ask(front, browser, FEE), decision="allow"))
    assert "99.999.999 VND" in browser.get(resume).text


def test_no_is_no(front: Front) -> None:
    browser = front.signed_in()
    page = ask(front, browser, FEE)
    assert error(browser.submit(page, decision="deny")) == "access_denied"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "[1]",
        "null",
        "not json",
        '[], "other": []',
        '[{"type": "payment_initiation"}]',
        json.dumps([{"type": "document_signing", "title": "x"}]),
        json.dumps([{**CONTRACT, "sha256": "short"}]),
        json.dumps([{**FEE, "amount": "1,000"}]),
        json.dumps([{**FEE, "amount": 1000}]),
        json.dumps([{**FEE, "title": "a\nb"}]),
        json.dumps([{**FEE, "title": "abc\u202edcb"}]),
        json.dumps([{**FEE, "title": "abc\u200b"}]),
        json.dumps([{**FEE, "title": "abc\u3164"}]),
        json.dumps([{**FEE, "title": "x" * 121}]),
        json.dumps([{**FEE, "locations": ["https://rs.example"]}]),
        json.dumps([FEE] * 6),
    ],
)
def test_what_cannot_be_shown_exactly_is_refused(front: Front, text: str) -> None:
    response = front.authorize(front.browser(), authorization_details=text)
    assert error(response) == "invalid_authorization_details"


def test_a_type_that_is_not_registered_is_refused(front: Front) -> None:
    front.change(replace(CLIENT, authorization_details_types=("document_signing",)))
    assert error(ask(front, front.browser(), FEE)) == "invalid_authorization_details"


@given(st.text() | st.lists(st.dictionaries(st.text(), st.text())).map(json.dumps))
def test_nothing_but_our_own_error_escapes(text: str) -> None:
    with suppress(OAuthError):
        assert parse(text, CLIENT) == () or text.strip()
