"""What an answer to an attack must be, whatever the attack was."""

import re
from html import escape
from urllib.parse import parse_qsl, urlsplit

import httpx

from idp.audit.reading import tail
from tests.attacks.live import EVIL, Browser, Live

SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
)
_LEADS = re.compile(r'(?:href|src|action|content|formaction)="([^"]*)"')


def protected(answer: httpx.Response) -> None:
    """Nothing is cached, sniffed, framed or run."""
    for name, value in SECURITY_HEADERS:
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.status_code < 500
    assert "Traceback" not in answer.text


def errpage(live: Live, answer: httpx.Response, *hostile: str) -> None:
    """ERRPAGE: a page of ours that leads nowhere else and is in the audit log."""
    assert 400 <= answer.status_code < 500, (answer.status_code, hostile)
    protected(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    assert "refresh" not in answer.headers
    page = answer.text
    assert "http-equiv" not in page
    assert "<script>" not in page
    assert not [each for each in _LEADS.findall(page) if EVIL in each or "javascript:" in each]
    for each in hostile:
        assert each not in page or escape(each) == each, each
    reference = re.search(r'id="reference"[^>]*>\s*([A-Za-z0-9_-]+)', page)
    assert reference, page
    assert 'id="error-code"' in page
    entries = tail(live.database, 400)
    assert any(each.get("reference") == reference[1] for each in entries)


def redir(live: Live, answer: httpx.Response, error: str, state: str = "") -> dict[str, str]:
    """REDIR(e): to the registered address with the error, the exact state and the issuer."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(live.redirect_uri() + "?")
    assert "#" not in location
    members = dict(parse_qsl(urlsplit(location).query, strict_parsing=True))
    assert (members["error"], members["iss"]) == (error, live.issuer)
    assert not state or members["state"] == state
    assert not {"code", "access_token", "id_token"} & set(members)
    return members


def tok(answer: httpx.Response, status: int, error: str) -> None:
    """TOK(s, e): JSON with the error, not cached, no token."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) <= {"error", "error_description", "reference"}
    protected(answer)


def without_reference(answer: httpx.Response) -> str:
    """A refusal as told, but for the id of its audit entry, which is random and always as long."""
    members = answer.json()
    assert len(members.pop("reference", "x" * 12)) == 12
    return repr(members)


def no_session(live: Live, browser: Browser) -> None:
    """NOSESS: nobody is logged in here."""
    redir(live, browser.authorize(prompt="none"), "login_required")


def has_session(browser: Browser) -> None:
    """INTACT: the citizen is still logged in here."""
    location = browser.authorize(prompt="none").headers["location"]
    assert "code=" in location


def alive(live: Live) -> None:
    """LIVE: another citizen logs in as if nothing were."""
    live.signed_in()
