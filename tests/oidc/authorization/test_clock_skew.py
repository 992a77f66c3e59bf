"""Nodes whose clocks differ: every request of a walk goes to another node than the one before."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from idp.core.assurance import acr
from idp.core.clock import NODE_SKEW, FixedClock
from idp.oidc.clients.model import TokenFormat
from tests.oidc.front import PORTAL, Front, answer, claims_of

AHEAD = NODE_SKEW // 2


@dataclass
class TwoNodes:
    """The application with clocks ahead and behind in turn; their stores are the same."""

    app: Callable[..., Iterable[bytes]]
    clock: FixedClock
    ahead: bool
    differ: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.ahead = not self.ahead
        self.clock.advance(-self.differ)
        self.differ = AHEAD if self.ahead else -AHEAD
        self.clock.advance(self.differ)
        return self.app(environ, start_response)


@pytest.fixture(params=["ahead first", "behind first"])
def nodes(front: Front, request: pytest.FixtureRequest) -> Front:
    return replace(front, app=TwoNodes(front.app, front.clock, request.param == "behind first"))


def test_a_login_goes_on_at_a_node_whose_clock_differs_by_up_to_6_seconds(nodes: Front) -> None:
    browser = nodes.browser()
    page = nodes.authorize(browser, acr_values=acr(2), max_age="60", prompt="login")
    tokens = nodes.tokens(browser.log_in(page))
    assert claims_of(tokens["id_token"])["acr"] == acr(2)
    for _ in range(2):
        assert _userinfo(nodes, tokens).status_code == 200


def test_consent_given_at_a_node_that_is_behind_counts_for_the_login(nodes: Front) -> None:
    browser = nodes.browser()
    page = browser.log_in(nodes.authorize(browser, scope="openid profile", prompt="consent login"))
    assert "code" in answer(browser.submit(page, decision="allow"))


def test_a_token_in_a_jwt_is_good_at_a_node_that_is_behind(nodes: Front) -> None:
    portal = nodes.services.clients.get(PORTAL.client_id)
    assert portal is not None
    nodes.change(replace(portal, access_token_format=TokenFormat.JWT))
    browser = nodes.browser()
    tokens = nodes.tokens(browser.log_in(nodes.authorize(browser)))
    for _ in range(2):
        assert _userinfo(nodes, tokens).status_code == 200


@pytest.mark.parametrize("issued_ahead", [True, False])
def test_withdrawing_consent_at_a_node_that_is_behind_ends_what_the_other_issued(
    front: Front, issued_ahead: bool
) -> None:
    browser = front.browser()
    front.clock.advance(NODE_SKEW if issued_ahead else 0)
    page = browser.log_in(front.authorize(browser, scope="openid profile"))
    tokens = front.tokens(browser.submit(page, decision="allow"))
    front.clock.advance(-NODE_SKEW if issued_ahead else 0)
    account = next(iter(front.citizens.values()))
    assert front.services.consents.withdraw(account.id, PORTAL.client_id)
    assert _userinfo(front, tokens).status_code == 401
    again = front.authorize(browser, scope="openid profile")  # at once, by single sign-on
    again = front.tokens(browser.submit(again, decision="allow"))
    assert _userinfo(front, again).status_code == 200


def _userinfo(front: Front, tokens: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return front.browser().once("GET", "/userinfo", headers=headers)
