"""From a request to the login it needs."""

from dataclasses import replace

import pytest

from idp.login.requirement import Requirement
from idp.oidc.authorization.prompt import requirement
from idp.oidc.authorization.request import AuthorizationRequest
from idp.oidc.clients.model import Client, Text
from idp.oidc.consent.model import RequestedClaims

NOW = 1_800_000_000
CLIENT = Client(
    client_id="portal", client_name=Text("Cổng"), sector="portal.example.vn", methods=("card",)
)
REQUEST = AuthorizationRequest(
    client_id="portal",
    redirect_uri="https://portal.example.vn/cb",
    state=None,
    scope=("openid",),
    nonce=None,
    code_challenge="",
    prompt=(),
    max_age=None,
    level=2,
    claims=(),
    id_token_claims=(),
    asked=RequestedClaims(),
    subject=None,
)
PLAIN = Requirement(level=2, methods=("card",))


def test_a_plain_request_takes_any_session() -> None:
    assert requirement(REQUEST, CLIENT, account_id=None, now=NOW) == PLAIN
    assert requirement(REQUEST, CLIENT, account_id="x", now=NOW) == PLAIN


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_prompt_wants_a_login_of_its_own(prompt: str) -> None:
    asked = replace(REQUEST, prompt=(prompt,))
    assert requirement(asked, CLIENT, account_id=None, now=NOW) == replace(PLAIN, fresh=True)


@pytest.mark.attack("B11")
def test_B11_max_age() -> None:
    def of(max_age: int) -> Requirement:
        return requirement(replace(REQUEST, max_age=max_age), CLIENT, account_id=None, now=NOW)

    assert of(0) == replace(PLAIN, fresh=True)
    assert of(1) == replace(PLAIN, not_before=NOW)
    assert of(300) == replace(PLAIN, not_before=NOW - 299)
    assert of(9_999_999_999) == PLAIN


@pytest.mark.attack("B13")
def test_B13_a_hint_binds_the_login_to_its_citizen() -> None:
    hinted = replace(REQUEST, subject="sub-of-y")
    assert requirement(hinted, CLIENT, account_id="y", now=NOW) == replace(PLAIN, account_id="y")
    assert requirement(hinted, CLIENT, account_id=None, now=NOW) == replace(PLAIN, fresh=True)
