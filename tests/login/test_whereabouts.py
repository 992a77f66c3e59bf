"""Kinds of browsers and networks: coarse, and the same after an update."""

from ipaddress import ip_network

import pytest

from idp.login.whereabouts import NOWHERE, SOON, Whereabouts, moved, of
from idp.web.forwarded import Trust
from idp.web.http import Request, from_environ

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"  # noqa: E501


def at(agent: str = "", peer: str = "") -> Whereabouts:
    return of(Request("GET", "/", headers={"user-agent": agent} if agent else {}, peer=peer))


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (CHROME.format(140), "chrome/windows"),
        (CHROME.format(140) + " Edg/140.0.0.0", "edge/windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "firefox/linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari",
            "safari/ios",
        ),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130", "samsung/android"),
        ("curl/8.5", "other/other"),
        ("", "other/other"),
    ],
)
def test_a_user_agent_is_known_by_its_browser_and_system(agent: str, family: str) -> None:
    assert at(agent).agent == family


def test_an_update_is_no_move() -> None:
    assert at(CHROME.format(140)) == at(CHROME.format(141))


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("203.0.113.9", "203.0.0.0/16"),
        ("2001:db8:1:2::9", "2001:db8::/32"),
        ("::ffff:203.0.113.9", "203.0.0.0/16"),
        ("unix", ""),
    ],
)
def test_a_network_is_a_prefix(peer: str, network: str) -> None:
    assert at(peer=peer).network == network


def test_no_user_agent_at_all_is_another_kind_of_browser() -> None:
    assert moved(at(CHROME.format(140)), at(), seconds=SOON) == ("user_agent",)


def test_behind_a_proxy_the_network_is_the_clients() -> None:
    trust = Trust((ip_network("10.0.0.0/8"),))
    sent = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "8.8.4.4"}
    assert of(from_environ(sent, trust)).network == "8.8.0.0/16"
    assert of(from_environ(sent)).network == "10.0.0.0/16"  # nobody said to believe it


def test_what_moved() -> None:
    home, cafe = at("Firefox Linux", "203.0.113.9"), at("Firefox Linux", "198.51.100.9")
    other = at("Chrome Windows", "203.0.113.10")
    assert moved(home, home, seconds=0) == ()
    assert moved(home, cafe, seconds=SOON - 1) == ("network",)
    assert moved(home, cafe, seconds=SOON) == ()
    assert moved(home, other, seconds=SOON) == ("user_agent",)
    assert moved(home, at("Chrome Windows", "198.51.100.9"), seconds=1) == ("user_agent", "network")
    assert moved(NOWHERE, home, seconds=1) == moved(home, NOWHERE, seconds=1) == ()
