"""Front-channel logout: which frames the page has, and where the browser goes on."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from idp.oidc.clients.rules import InvalidMetadata, register
from tests.oidc.front import GOODBYE, ISSUER, PORTAL, Browser, Front, Page, claims_of
from tests.oidc.logout.world import party, visit
from tests.web.test_templates import Tags


def frames(page: TestResponse) -> list[str]:
    return [each["src"] or "" for each in Tags(page.text).all("iframe")]


def sources(page: TestResponse) -> list[str]:
    """Where the page's policy lets frames come from."""
    policy = page.headers["Content-Security-Policy"].split("; ")
    (found,) = [each for each in policy if each.startswith("frame-src")] or ["frame-src"]
    return found.split()[1:]


def wants(front: Front, **members: Any) -> None:
    uri = "https://portal.example.vn/out?a=b"
    front.change(replace(PORTAL, frontchannel_logout_uri=uri, **members))


def end(front: Front, browser: Browser, **members: str) -> TestResponse:
    """Log out at the portal's wish, everywhere where that is asked."""
    token = front.tokens(front.authorize(browser))["id_token"]
    page = browser.get("/logout", id_token_hint=token, **members)
    asked = ("decision", "logout") in Page(page.text).buttons
    return browser.submit(page, decision="logout") if asked else page


def test_every_relying_party_that_wants_it_has_a_frame_and_the_browser_goes_on(
    front: Front,
) -> None:
    wants(front, frontchannel_logout_session_required=True)
    browser = front.signed_in()
    there = party(front, "there", frontchannel_logout_uri="https://there.example.vn/out")
    party(front, "unused", frontchannel_logout_uri="https://unused.example.vn/out")
    silent = party(front, "silent")
    visit(front, browser, there, silent)
    claims = claims_of(front.tokens(front.authorize(browser))["id_token"])
    page = end(front, browser, post_logout_redirect_uri=GOODBYE, state="a&b")
    first, second = frames(page)
    assert first.startswith("https://portal.example.vn/out?a=b&")
    members = dict(parse_qsl(urlsplit(first).query))
    assert members == {"a": "b", "iss": ISSUER, "sid": claims["sid"]}
    assert second == "https://there.example.vn/out"  # it registered no need of iss and sid
    assert sources(page) == ["https://portal.example.vn", "https://there.example.vn"]
    (refresh,) = [
        each for each in Tags(page.text).all("meta") if each.get("http-equiv") == "refresh"
    ]
    assert refresh["content"] == f"2; url={GOODBYE}?state=a%26b"
    assert f'href="{GOODBYE}?state=a%26b"' in page.text
    assert browser.http.get_cookie("__Host-eid_session", domain="id.example.vn") is None


def test_without_such_a_relying_party_there_is_no_page_in_between(front: Front) -> None:
    browser = front.signed_in()
    assert end(front, browser, post_logout_redirect_uri=GOODBYE).headers["Location"] == GOODBYE


def test_without_an_address_to_go_to_the_page_stays(front: Front) -> None:
    wants(front)
    page = end(front, front.signed_in())
    assert len(frames(page)) == 1
    assert "http-equiv" not in page.text


def test_only_the_relying_party_that_is_left_has_a_frame(front: Front) -> None:
    wants(front)
    browser = front.signed_in()
    visit(
        front, browser, party(front, "there", frontchannel_logout_uri="https://there.example.vn/")
    )
    asked = browser.get("/logout", client_id="portal", post_logout_redirect_uri=GOODBYE)
    page = browser.submit(asked, decision="here")
    assert frames(page) == ["https://portal.example.vn/out?a=b"]
    assert "Bạn đã đăng xuất khỏi <bdi>Cổng dịch vụ công</bdi>" in page.text


@pytest.mark.attack("M12")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://evil.example/out",
        "https://portal.example.vn:8443/out",
        "https://portal.example.vn@evil.example/out",
        "http://portal.example.vn/out",
        "https://portal.example.vn/out#x",
        'https://portal.example.vn/"><script>',
        "https://*.example.vn/out",
        "//portal.example.vn/out",
    ],
)
def test_M12_no_address_but_of_an_origin_of_its_own_is_registered(uri: str) -> None:
    metadata = {"redirect_uris": ["https://portal.example.vn/cb"], "frontchannel_logout_uri": uri}
    with pytest.raises(InvalidMetadata) as refused:
        register(metadata, client_id="portal")
    assert any("frontchannel_logout_uri" in each for each in refused.value.problems)


@pytest.mark.attack("M12")
def test_M12_no_parameter_adds_a_frame_or_widens_the_policy(front: Front) -> None:
    wants(front)
    browser = front.signed_in()
    hostile = {
        "frontchannel_logout_uri": "https://evil.example/",
        "state": "https://evil.example/",
        "ui_locales": "https://evil.example/",
    }
    page = end(front, browser, **hostile)
    assert sources(page) == ["https://portal.example.vn"]
    assert frames(page) == ["https://portal.example.vn/out?a=b"]
    assert all(
        each["sandbox"] == "allow-scripts allow-same-origin"
        for each in Tags(page.text).all("iframe")
    )
    assert Page(page.text).action == ""
    assert sources(front.browser().get("/logout")) == []
