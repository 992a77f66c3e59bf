"""What login and consent pages show of a relying party, and how safely."""

from dataclasses import replace

import pytest

from idp.oidc.clients.model import Client, Text
from idp.oidc.clients.view import view
from tests.oidc.front import CALLBACK, PORTAL, Front

LOGO = "https://pictures.example.vn/logo.png"
POLICY, TERMS = "https://portal.example.vn/policy", "https://portal.example.vn/terms"


def a_client(**members: object) -> Client:
    return replace(Client("a", Text("A"), "a.example.vn"), **members)  # type: ignore[arg-type]


def test_of_nobody_there_is_nothing_to_show() -> None:
    assert view(None) is None


@pytest.mark.parametrize(
    ("uris", "domain"),
    [
        ((CALLBACK,), "portal.example.vn"),
        ((CALLBACK, f"{CALLBACK}2", "https://b.example.vn/"), "portal.example.vn, b.example.vn"),
        (("vn.example.app:/cb",), ""),
    ],
)
def test_the_domain_is_where_answers_go(uris: tuple[str, ...], domain: str) -> None:
    shown = view(a_client(redirect_uris=uris))
    assert shown is not None
    assert shown.domain == domain


@pytest.mark.parametrize(
    ("logo", "source"),
    [
        (LOGO, ("https://pictures.example.vn",)),
        ("https://pictures.example.vn:8443/a?b=c", ("https://pictures.example.vn:8443",)),
        ("https://[2001:db8::1]/logo.png", ()),
        ("", ()),
    ],
)
def test_a_logo_is_shown_from_its_origin_alone(logo: str, source: tuple[str, ...]) -> None:
    shown = view(a_client(logo_uri=logo))
    assert shown is not None
    assert shown.pictures == source
    assert shown.logo == (logo if source else "")


def test_pages_show_logo_domain_and_documents(front: Front) -> None:
    front.change(replace(PORTAL, logo_uri=LOGO, policy_uri=POLICY, tos_uri=TERMS))
    browser = front.browser()
    page = front.authorize(browser, scope="openid profile")
    assert f'src="{LOGO}"' in page.text
    assert 'id="client-domain">portal.example.vn<' in page.text
    assert f'href="{POLICY}" rel="noopener noreferrer"' in page.text
    assert f'href="{TERMS}" rel="noopener noreferrer"' in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://pictures.example.vn;" in policy
    consent = browser.log_in(page)
    assert 'name="decision"' in consent.text
    assert f'src="{LOGO}"' in consent.text
    assert "https://pictures.example.vn;" in consent.headers["Content-Security-Policy"]


def test_without_them_nothing_comes_from_elsewhere(front: Front) -> None:
    page = front.authorize(front.browser())
    assert "client-logo" not in page.text
    assert "client-policy" not in page.text
    assert "img-src 'self' data:;" in page.headers["Content-Security-Policy"]
