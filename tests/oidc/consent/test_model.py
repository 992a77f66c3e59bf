"""When a citizen is asked, and what their answer is."""

from dataclasses import replace

import pytest

from idp.core.handles import digest
from idp.oidc.clients.model import Client, Text
from idp.oidc.consent.model import Consent, RequestedClaims, answer, must_ask

NOW = 1_800_000_000
CLIENT = Client(
    client_id="portal",
    client_name=Text("Cổng"),
    sector="portal.example.vn",
    purpose=Text("Nộp hồ sơ trực tuyến", "To file applications"),
    purpose_version="2",
)
ASKED = RequestedClaims(required=("name",), voluntary=("gender", "phone_number"))


def given(
    *granted: str, refused: tuple[str, ...] = (), version: str = "2", at: int = NOW
) -> Consent:
    return Consent(
        "x", "portal", version, frozenset(granted), frozenset(refused), digest(""), given_at=at
    )


@pytest.mark.parametrize(
    ("asked", "known", "must"),
    [
        (RequestedClaims(), None, False),
        (RequestedClaims(anew=True), None, True),
        (ASKED, None, True),
        (ASKED, given("name", "gender", "phone_number"), False),
        (ASKED, given("name", refused=("gender", "phone_number")), False),
        (ASKED, given("name", "gender"), True),
        (ASKED, given("gender", "phone_number", refused=("name",)), True),
        (ASKED, given("name", "gender", "phone_number", version="1"), True),
        (replace(ASKED, anew=True), given("name", "gender", "phone_number", at=NOW - 1), True),
        (replace(ASKED, anew=True), given("name", "gender", "phone_number", at=NOW), False),
    ],
)
def test_when_the_citizen_is_asked(
    asked: RequestedClaims, known: Consent | None, must: bool
) -> None:
    assert must_ask(asked, known, CLIENT, since=NOW) is must


@pytest.mark.attack("Q12")
def test_Q12_a_withdrawn_consent_is_asked_for_again_even_for_openid_alone() -> None:
    withdrawn = replace(given("name", "gender", "phone_number"), withdrawn_at=NOW)
    assert must_ask(ASKED, withdrawn, CLIENT, since=NOW)
    assert must_ask(RequestedClaims(), withdrawn, CLIENT, since=NOW)


def said(asked: RequestedClaims, *ticked: str, before: Consent | None = None) -> Consent:
    return answer(
        asked,
        frozenset(ticked),
        client=CLIENT,
        account_id="x",
        before=before,
        level=1,
        locale="vi",
        now=NOW,
    )


def test_an_answer_grants_the_required_and_the_ticked_and_remembers_the_rest() -> None:
    consent = said(ASKED, "gender")
    assert consent.granted == {"name", "gender"}
    assert consent.refused == {"phone_number"}
    assert consent.text_digest == digest("Nộp hồ sơ trực tuyến")
    assert (consent.given_at, consent.level, consent.purpose_version) == (NOW, 1, "2")
    assert not must_ask(ASKED, consent, CLIENT, since=NOW)


@pytest.mark.attack("Q05")
def test_Q05_a_tick_for_what_was_not_asked_means_nothing() -> None:
    assert said(ASKED, "pid", "address").granted == {"name"}


def test_an_answer_keeps_what_was_not_asked_this_time() -> None:
    before = given("address", "gender", refused=("email",))
    consent = said(ASKED, "phone_number", before=before)
    assert consent.granted == {"name", "phone_number", "address"}
    assert consent.refused == {"gender", "email"}


@pytest.mark.parametrize(
    "before", [given("address", version="1"), replace(given("address"), withdrawn_at=NOW)]
)
def test_an_answer_keeps_nothing_of_another_purpose_or_of_a_withdrawn_one(before: Consent) -> None:
    assert said(ASKED, before=before).granted == {"name"}
