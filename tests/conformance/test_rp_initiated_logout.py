"""oidcc-rp-initiated-logout-certification-test-plan: a test for each module, named like it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conformance.oidcc import unsigned_token
from tests.conformance.suite import Callback, Page, RelyingParty, Tokens

STATE = "state-of-the-suite"


def logged_in(rp: RelyingParty) -> Tokens:
    """A citizen who has a session."""
    return rp.exchange(rp.authorize())


def end_session(rp: RelyingParty, tokens: Tokens, **changes: str | None) -> Page | Callback:
    """Send the browser to the end_session_endpoint; ``None`` leaves a parameter out."""
    plain: dict[str, str | None] = {
        "id_token_hint": tokens.id_token_text,
        "post_logout_redirect_uri": rp.client["post_logout_redirect_uris"][0],
        "state": STATE,
    }
    asked = {name: value for name, value in (plain | changes).items() if value is not None}
    return rp.browser.open(f"{rp.metadata['end_session_endpoint']}?{urlencode(asked)}")


def only(**members: str) -> Mapping[str, str | None]:
    """A logout request of these members alone."""
    names = ("id_token_hint", "post_logout_redirect_uri", "state")
    return {name: members.get(name) for name in names}


def sent_back(rp: RelyingParty, at: Page | Callback, members: Mapping[str, str]) -> None:
    """The browser is at the relying party's address, with these members, and logged out."""
    assert isinstance(at, Callback)
    assert at.url.partition("?")[0] == rp.client["post_logout_redirect_uris"][0]
    assert at.members == members
    logged_out(rp)


def kept_here(rp: RelyingParty, at: Page | Callback) -> None:
    """The citizen is asked first; whatever they answer, the browser stays at the provider."""
    assert isinstance(at, Page)
    still_logged_in(rp)
    done = rp.browser.submit(at, ("decision", "logout"))
    assert isinstance(done, Page)
    assert urlsplit(done.url).path == "/logout"
    logged_out(rp)


def logged_out(rp: RelyingParty) -> None:
    """No session is left."""
    rp.refused(rp.open(prompt="none"), "login_required")


def still_logged_in(rp: RelyingParty) -> None:
    """The session is as it was: nobody is logged out unasked."""
    at = rp.open(prompt="none")
    assert isinstance(at, Callback)
    rp.granted(at)


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    url = rp.metadata["end_session_endpoint"]
    assert url.startswith(f"{rp.metadata['issuer']}/")
    assert urlsplit(url).scheme == "https"


def test_oidcc_rp_initiated_logout(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    sent_back(rp, end_session(rp, tokens), {"state": STATE})
    assert rp.ask_userinfo(tokens).status_code == 401  # what hung on the session ended with it


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    bad = f"{rp.client['post_logout_redirect_uris'][0]}/unregistered"
    kept_here(rp, end_session(rp, tokens, post_logout_redirect_uri=bad))


def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    kept_here(rp, end_session(rp, tokens, id_token_hint=unsigned_token(tokens.id_token)))


def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    kept_here(rp, end_session(rp, tokens, id_token_hint=None))


def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    kept_here(rp, end_session(rp, tokens, **only()))


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """The ID token vouches for the request, so that it is carried out at once."""
    tokens = logged_in(rp)
    at = end_session(rp, tokens, post_logout_redirect_uri=None)
    assert isinstance(at, Page)
    assert at.form("decision") is None
    logged_out(rp)


def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    sent_back(rp, end_session(rp, tokens, state=None), {})


def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    kept_here(rp, end_session(rp, tokens, **only(state=STATE)))


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(
    rp: RelyingParty,
) -> None:
    tokens = logged_in(rp)
    added = f"{rp.client['post_logout_redirect_uris'][0]}?foo=bar"
    kept_here(rp, end_session(rp, tokens, post_logout_redirect_uri=added))


def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: RelyingParty) -> None:
    tokens = logged_in(rp)
    kept_here(rp, end_session(rp, tokens, id_token_hint=forged(tokens)))


def forged(tokens: Tokens) -> str:
    """The same ID token under a key of our own."""
    key = rsa.generate_private_key(65537, 2048)
    claims: dict[str, Any] = dict(tokens.id_token)
    kid = jwt.get_unverified_header(tokens.id_token_text)["kid"]
    return jwt.encode(claims, key, "RS256", headers={"kid": kid})
