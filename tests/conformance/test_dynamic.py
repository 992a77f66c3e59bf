"""The modules of oidcc-dynamic-certification-test-plan.

Every client is registered by the test that uses it, over the wire, and authenticates with its key.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from tests.conformance.dynamic import (
    CALLBACK,
    Documents,
    DynamicClients,
    KeyedParty,
    Registrar,
    documents,
    key,
    key_set,
)
from tests.conformance.live import Provider
from tests.conformance.oidcc import (
    happy,
    test_oidcc_ensure_request_object_with_redirect_uri,
    test_oidcc_refresh_token,
    test_oidcc_server,
    unsigned_token,
)
from tests.conformance.suite import Browser, Callback, Page
from tests.conformance.test_config import test_oidcc_discovery_endpoint_verification

__all__ = [
    "test_oidcc_discovery_endpoint_verification",
    "test_oidcc_ensure_request_object_with_redirect_uri",
    "test_oidcc_refresh_token",
    "test_oidcc_server",
]
"""Modules that the plan shares with others."""
PATIENCE = 40.0
"""Seconds after which a new key must be known: the provider asks again after 30."""
OFFLINE = ["authorization_code", "refresh_token"]


@pytest.fixture(scope="module")
def served(op: Provider) -> Iterator[Documents]:
    """The suite's own web server."""
    with documents(op) as found:
        yield found


@pytest.fixture(scope="module")
def registrar(op: Provider, metadata: dict[str, Any]) -> Iterator[Registrar]:
    """The registration endpoint, as discovered."""
    with op.http() as http:
        yield Registrar(http, metadata["registration_endpoint"])


@pytest.fixture(scope="module")
def clients(registrar: Registrar) -> DynamicClients:
    """The plan's clients for the modules that it shares with others."""
    return DynamicClients(registrar)


@pytest.fixture
def rp(
    browser: Browser,
    clients: DynamicClients,
    metadata: dict[str, Any],
    jwks: jwt.PyJWKSet,
) -> KeyedParty:
    """The suite as a dynamic client."""
    return KeyedParty(browser, clients.of("client", "code"), metadata, jwks)


def test_oidcc_idtoken_rs256(rp: KeyedParty, registrar: Registrar) -> None:
    client = registrar.register(id_token_signed_response_alg="RS256")
    happy(replace(rp, client=client))


def test_oidcc_idtoken_unsigned(rp: KeyedParty, registrar: Registrar) -> None:
    """Not offered, so that the suite skips it; not registered either."""
    assert "none" not in rp.metadata["id_token_signing_alg_values_supported"]
    registrar.refused("invalid_client_metadata", id_token_signed_response_alg="none")


def test_oidcc_userinfo_rs256(rp: KeyedParty, registrar: Registrar) -> None:
    client = registrar.register(userinfo_signed_response_alg="RS256", scope="openid profile")
    party = replace(rp, client=client)
    tokens = party.exchange(party.authorize(scope="openid profile"))
    response = party.ask_userinfo(tokens)
    assert response.headers["content-type"].split(";")[0] == "application/jwt"
    claims = jwt.decode(
        response.text,
        rp.jwks[jwt.get_unverified_header(response.text)["kid"]],
        algorithms=["RS256"],
        audience=client["client_id"],
        issuer=rp.metadata["issuer"],
    )
    assert claims["sub"] == tokens.id_token["sub"]
    assert claims["name"]


def test_oidcc_ensure_redirect_uri_in_authorization_request(
    rp: KeyedParty, registrar: Registrar
) -> None:
    """The suite registers two hosts, and no sector document."""
    uris = [CALLBACK, "https://example.org/redirect"]
    error_page(replace(rp, client=registrar.register(redirect_uris=uris)), redirect_uri=None)


def test_oidcc_redirect_uri_query_OK(rp: KeyedParty, registrar: Registrar) -> None:
    """The registered query is kept, and the answer stands behind it."""
    uri = f"{CALLBACK}?foo=bar"
    party = replace(rp, client=registrar.register(redirect_uris=[uri]))
    callback = party.browser.log_in(party.open())
    assert callback.url.startswith(f"{uri}&")
    members = dict(parse_qsl(urlsplit(callback.url).query))
    assert (members["foo"], members["state"]) == ("bar", party.asked["state"])
    tokens = party.exchange(callback)
    assert tokens.id_token["nonce"] == party.asked["nonce"]


def test_oidcc_redirect_uri_query_mismatch(rp: KeyedParty, registrar: Registrar) -> None:
    client = registrar.register(redirect_uris=[f"{CALLBACK}?foo=bar"])
    error_page(replace(rp, client=client), redirect_uri=f"{CALLBACK}?foo=baz")


def test_oidcc_redirect_uri_query_added(rp: KeyedParty) -> None:
    error_page(rp, redirect_uri=f"{CALLBACK}?foo=bar")


def error_page(party: KeyedParty, **changes: str | None) -> None:
    """The redirect URI is refused on a page."""
    page = party.open(**changes)
    assert isinstance(page, Page)
    assert page.status == 400
    assert page.error == "invalid_redirect_uri"


def test_oidcc_redirect_uri_regfrag(registrar: Registrar) -> None:
    registrar.refused("invalid_redirect_uri", redirect_uris=[f"{CALLBACK}#fragment"])


def test_oidcc_registration_logo_uri(rp: KeyedParty, registrar: Registrar) -> None:
    """The logo is on the login page, whose policy allows this one picture's origin."""
    logo = "https://openid.net/wordpress-content/uploads/2016/05/oid-l.jpg"
    page = login_page(replace(rp, client=registrar.register(logo_uri=logo)))
    assert f'<img class="logo" id="client-logo" src="{logo}"' in page.html


def test_oidcc_registration_policy_uri(rp: KeyedParty, registrar: Registrar) -> None:
    policy = "https://openid.net/wordpress-content/uploads/2015/05/policy.pdf"
    page = login_page(replace(rp, client=registrar.register(policy_uri=policy)))
    assert page.links["client-policy"] == policy


def test_oidcc_registration_tos_uri(rp: KeyedParty, registrar: Registrar) -> None:
    terms = "https://openid.net/wordpress-content/uploads/2015/05/terms.pdf"
    page = login_page(replace(rp, client=registrar.register(tos_uri=terms)))
    assert page.links["client-terms"] == terms


def login_page(party: KeyedParty) -> Page:
    """The first page, from which a login goes on to its end."""
    page = party.open()
    assert isinstance(page, Page)
    assert page.form("id_number")
    party.exchange(party.granted(party.browser.log_in(page)))
    return page


def test_oidcc_registration_jwks_uri(
    rp: KeyedParty, registrar: Registrar, served: Documents
) -> None:
    uri = served.put(key_set(key()))
    happy(replace(rp, client=registrar.register(jwks=None, jwks_uri=uri)))


def test_oidcc_registration_sector_uri(
    rp: KeyedParty, registrar: Registrar, served: Documents
) -> None:
    uri = served.put([CALLBACK])
    client = registrar.register(sector_identifier_uri=uri, subject_type="pairwise")
    happy(replace(rp, client=client))


def test_oidcc_registration_sector_bad(registrar: Registrar, served: Documents) -> None:
    uri = served.put(["https://other.example/callback"])
    registrar.refused("invalid_client_metadata", sector_identifier_uri=uri)


def test_oidcc_server_rotate_keys(op: Provider, metadata: dict[str, Any]) -> None:
    """Rotated while it serves: new signing keys are there, and the ones before still are."""

    def kids() -> set[str]:
        with op.http() as http:
            keys = http.get(metadata["jwks_uri"]).json()["keys"]
        return {each["kid"] for each in keys if each["use"] == "sig"}

    before = after = kids()
    op.idp("keys", "rotate", "--now")
    until = time.monotonic() + PATIENCE
    while after == before and time.monotonic() < until:
        time.sleep(0.2)
        after = kids()  # asked once a round: the next answer may be the other process's
    assert after > before


def test_oidcc_refresh_token_rp_key_rotation(
    rp: KeyedParty, registrar: Registrar, served: Documents
) -> None:
    """A key that is new at the client's jwks_uri is good as soon as the provider asks again."""
    uri = served.put(key_set(key()))
    client = registrar.register(jwks=None, jwks_uri=uri, grant_types=OFFLINE)
    party = replace(rp, client=client)
    tokens = happy(party, scope="openid offline_access", prompt="consent")
    served.found[urlsplit(uri).path] = key_set(key("second"))
    party = replace(party, key=key("second"))
    response = party.refresh(tokens.answer["refresh_token"])
    until = time.monotonic() + PATIENCE
    while response.status_code == 401 and time.monotonic() < until:
        time.sleep(0.5)
        response = party.refresh(tokens.answer["refresh_token"])
    assert party.verified(response, nonce=None).id_token["sub"] == tokens.id_token["sub"]


def test_oidcc_request_uri_unsigned(
    rp: KeyedParty, registrar: Registrar, served: Documents
) -> None:
    """A registered request_uri with an unsigned object (OIDC Core §15.2)."""
    uri = served.put("")
    client = registrar.register(request_uris=[uri], request_object_signing_alg="none")
    party = replace(rp, client=client)
    served.found[urlsplit(uri).path] = unsigned_token(party.parameters())
    by_reference(party, uri)


def test_oidcc_request_uri_signed_rs256(
    rp: KeyedParty, registrar: Registrar, served: Documents
) -> None:
    uri = served.put("")
    client = registrar.register(request_uris=[uri], request_object_signing_alg="RS256")
    party = replace(rp, client=client)
    own = {"iss": client["client_id"], "aud": party.metadata["issuer"]}
    served.found[urlsplit(uri).path] = key().sign({**party.parameters(), **own})
    by_reference(party, uri)


def by_reference(party: KeyedParty, uri: str) -> None:
    """A login whose request is at ``uri``, with only what OAuth needs beside it."""
    asked = party.asked
    beside = {name: asked[name] for name in ("client_id", "response_type", "scope")}
    at = party.browser.open(party.url({**beside, "request_uri": uri}))
    callback = party.granted(party.browser.log_in(at))
    assert isinstance(callback, Callback)
    tokens = party.exchange(callback)
    assert tokens.id_token["nonce"] == asked["nonce"]


def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(rp: KeyedParty) -> None:
    happy(replace(rp, audience=rp.metadata["issuer"]))


def test_registration_is_answered_in_json(registrar: Registrar) -> None:
    """Whatever is sent."""
    response = registrar.http.post(registrar.endpoint, content=b"{", headers={})
    assert response.status_code == 415
    wrong = registrar.http.post(
        registrar.endpoint, content=b"{", headers={"Content-Type": "application/json"}
    )
    assert json.loads(wrong.content)["error"] == "invalid_client_metadata"


def test_an_id_token_is_signed_with_rs256_where_none_is_named(
    rp: KeyedParty, registrar: Registrar
) -> None:
    """oidcc-idtoken-signature of the basic plan, with a dynamic client."""
    client = registrar.register()
    assert client["id_token_signed_response_alg"] == "RS256"
    happy(replace(rp, client=client))
