"""Clients whose ids are no words: links, forms and the API reach each of them, and no other."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import quote

import pytest
from werkzeug.test import Client as Http

from idp.app import Application
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.repository import Clients
from tests.sandbox.portal import ISSUER, Portal, register

IDS = (
    "https://portal.example.vn/app?x=1&y=2#z",
    "a/b",
    "a//b/",
    "a/next",
    "/",
    "..",
    "../clients",
    "100%25+%2F",
    "<b>\"'&amp;",
    "a:b@c;d,e=f",
    "{x}|\\^`~",
)


@pytest.fixture(scope="module", params=IDS)
def odd(app: Application, request: pytest.FixtureRequest) -> Portal:
    """A client with an id that an operator chose."""
    made = register(app)
    services = app_services(app)
    registered = Clients(services.database, services.clock)
    known = services.clients.get(made.client_id)
    assert known is not None
    secret = secret_digest(
        services.keys.derive("client"), request.param, made.metadata["client_secret"]
    )
    secrets = (replace(known.secrets[0], digest=secret),)
    registered.create(replace(known, client_id=request.param, secrets=secrets))
    services.clients.refresh()
    return Portal(app, {**made.metadata, "client_id": request.param})


def app_services(app: Application):
    return app.routes["/sandbox/client"].handler.args[0].services


def auth(portal: Portal) -> tuple[str, str]:
    """RFC 6749 §2.3.1: form-encoded, then Basic."""
    return quote(portal.client_id, safe=""), portal.metadata["client_secret"]


def test_the_page_of_a_client_is_reached_by_its_link_and_its_forms_work(odd: Portal) -> None:
    home = odd.http.get("/sandbox", base_url=ISSUER, query_string={"q": odd.client_id}).text
    links = [unescape(each) for each in re.findall(r'href="(/sandbox/client[?][^"]*)"', home)]
    (link,) = [each for each in links if each.endswith(f"={_encoded(odd.client_id)}")]
    page = odd.http.get(link, base_url=ISSUER)
    assert page.status_code == 200
    forced = odd.submit(page, action="force", result="access_denied")
    assert forced.status_code == 200
    assert odd.http.get("/sandbox/api/next", base_url=ISSUER, auth=auth(odd)).get_json() == {
        "pending": [{"result": "access_denied"}]
    }
    answer = odd.authorize()
    assert "error=access_denied" in answer.headers["Location"]


def _encoded(client_id: str) -> str:
    return quote(client_id, safe="~_.-")


def test_the_api_reaches_a_client_by_its_credentials(app: Application, odd: Portal) -> None:
    odd.authorize()
    for query in ({}, {"client_id": odd.client_id}):
        options = {"base_url": ISSUER, "auth": auth(odd), "query_string": query}
        found = odd.http.get("/sandbox/api/exchanges", **options)
        assert found.status_code == 200
        assert found.get_json()["exchanges"][0]["endpoint"] == "/authorize"
    other = register(app)
    options = {"base_url": ISSUER, "auth": other.auth}
    refused = other.http.get(
        "/sandbox/api/exchanges", **options, query_string={"client_id": odd.client_id}
    )
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_client")


def test_the_api_reaches_a_client_by_its_id_in_the_path(odd: Portal) -> None:
    odd.authorize()
    path = f"/sandbox/api/clients/{quote(odd.client_id, safe='')}/exchanges"
    found = odd.http.get(path, base_url=ISSUER, auth=auth(odd))
    if odd.client_id.startswith("/"):  # servers differ on such a path: see docs/sandbox.md
        assert found.status_code == 404
    else:
        assert found.get_json()["exchanges"][0]["endpoint"] == "/authorize"


def test_without_credentials_the_api_tells_nothing(app: Application) -> None:
    for path in ("/sandbox/api/next", "/sandbox/api/exchanges"):
        assert Http(app).get(path, base_url=ISSUER).status_code == 401
