"""``account_level`` is in no ID token unasked: CONTRACT, scope ``profile`` and OIDC Core §5.5."""

import json
from typing import Any

import pytest
from werkzeug.test import Client as Http

from tests.oidc.front import ISSUER, Front, Page, claims_of
from tests.oidc.front import front as front
from tests.oidc.front import key_directory as key_directory


def told(front: Front, **asked: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ID token's claims and UserInfo's; the citizen gives nothing that is voluntary."""
    browser = front.browser()
    page = browser.log_in(front.authorize(browser, **asked))
    if page.status_code == 200 and "decision" in page.text:
        assert "account_level" not in Page(page.text).boxes  # no consent is needed
        page = browser.submit(page, decision="allow")
    tokens = front.tokens(page)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    found = Http(front.app).get("/userinfo", base_url=ISSUER, headers=bearer)
    return claims_of(tokens["id_token"]), found.get_json()


def test_scope_openid_gives_it_nowhere(front: Front) -> None:
    id_token, userinfo = told(front)
    assert "account_level" not in id_token
    assert userinfo.keys() == {"sub"}


def test_scope_profile_gives_it_at_userinfo(front: Front) -> None:
    id_token, userinfo = told(front, scope="openid profile")
    assert "account_level" not in id_token
    assert userinfo["account_level"] == 2


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
def test_the_claims_parameter_gives_it_where_it_is_asked_for(front: Front, member: str) -> None:
    asked = json.dumps({member: {"account_level": None}})
    id_token, userinfo = told(front, claims=asked)
    assert ("account_level" in id_token) is (member == "id_token")
    assert ("account_level" in userinfo) is (member == "userinfo")
