"""What clients are told of a refusal: in production a reference, in the sandbox the reason too."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import idp.oidc
from idp.accounts.model import Lock
from idp.core.person import CivilStatus
from idp.oidc import reasons
from idp.oidc.errors import MAX_SEEN, OAuthError, printable
from idp.oidc.provider import endpoints
from idp.web.errors import new_reference
from idp.web.http import Params, Request, Response
from idp.web.settings import Site
from idp.web.templates import Pages
from tests.oidc.world import ISSUER, World, basic, body, form_post

WRONG = basic("portal", "not-the-secret")
Call = Callable[[World], Response]
CALLS: dict[str, Call] = {
    "/token": lambda world: world.post("/token", world.client, grant_type="password"),
    "/par": lambda world: world.post("/par", world.client, redirect_uri="https://x.example.vn/"),
    "/introspect": lambda world: world.post("/introspect", world.client),
    "/revoke": lambda world: world.post("/revoke", world.client),
    "/userinfo": lambda world: world.userinfo(world.tokens(scope=("profile",))["access_token"]),
    "/bc-authorize": lambda world: world.post("/bc-authorize", world.client, scope="openid"),
    "/device_authorization": lambda world: world.post("/device_authorization", world.client),
}


def sandbox(world: World) -> World:
    pages = Pages(Site(ISSUER, sandbox=True))
    return replace_services(world, pages=pages)


def replace_services(world: World, **members: Any) -> World:
    world.services = replace(world.services, **members)
    return world


def wrong_secret(world: World, path: str) -> Response:
    return world.call(path, form_post(path, {"token": "x"}, {"authorization": WRONG}))


@pytest.mark.parametrize("path", CALLS)
def test_every_refusal_of_a_client_has_a_reference_that_is_in_the_audit_entry(
    world: World, path: str
) -> None:
    answer = CALLS[path](world)
    assert answer.status in (400, 403), answer.body
    (entry,) = world.audited()
    assert body(answer)["reference"] == entry["reference"]
    assert entry["client_id"] == "portal"


def test_in_production_a_client_is_not_told_the_reason(world: World) -> None:
    told = body(wrong_secret(world, "/token"))
    reference = told.pop("reference")
    assert told == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
    }
    (entry,) = world.audited()
    assert (entry["reason"], entry["reference"]) == ("wrong_secret", reference)


@pytest.mark.parametrize(
    "path", ["/token", "/par", "/introspect", "/revoke", "/bc-authorize", "/device_authorization"]
)
def test_in_the_sandbox_every_endpoint_tells_the_reason(world: World, path: str) -> None:
    told = body(wrong_secret(sandbox(world), path))
    assert "client_secret is wrong" in told["error_description"]
    assert told["reference"] == world.audited()[0]["reference"]


def test_in_the_sandbox_userinfo_tells_the_reason(world: World) -> None:
    answer = sandbox(world).userinfo("A" * 54)
    assert "unknown, expired or revoked" in body(answer)["error_description"]


def test_in_production_an_unknown_client_is_answered_like_a_known_one(world: World) -> None:
    known = wrong_secret(world, "/token")
    headers = {"authorization": basic("nobody", "not-the-secret")}
    unknown = world.call("/token", form_post("/token", {}, headers))
    first, second = body(known), body(unknown)
    assert len(first.pop("reference")) == len(second.pop("reference"))
    assert (first, known.status, known.headers.keys()) == (
        second,
        unknown.status,
        unknown.headers.keys(),
    )


def test_a_stranger_with_an_invented_access_token_causes_no_audit_entry(world: World) -> None:
    before = len(world.audited(100))
    answer = world.userinfo("A" * 54)
    assert "reference" not in body(answer)
    assert len(world.audited(100)) == before


def test_a_stranger_who_names_a_public_client_causes_no_audit_entry(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    before = len(world.audited(100))
    for path in ("/revoke", "/device_authorization"):
        assert world.post(path, app).status == 400
    assert len(world.audited(100)) == before


def test_an_error_page_names_its_client_and_the_address_without_its_query(world: World) -> None:
    asked = "https://citizen:pw@portal.example.vn/other?pid=000199000001"
    _refused_page(world, client_id="portal", redirect_uri=asked)
    (entry,) = world.audited()
    assert entry["client_id"] == "portal"
    assert entry["reason"] == "invalid_redirect_uri"
    assert entry["seen"] == "https://portal.example.vn/other?"


def test_an_error_page_of_an_unknown_client_leaves_nothing_of_the_request(world: World) -> None:
    _refused_page(world, client_id="a-secret-typed-in-the-wrong-field", redirect_uri="https://x/")
    (entry,) = world.audited()
    assert entry["reason"] == "unknown_client"
    assert not {"client_id", "seen"} & set(entry)


def _refused_page(world: World, **params: str) -> None:
    route = {each.path: each.route for each in endpoints(world.services)}["/authorize"]
    request = Request("GET", "/authorize", query=Params(params.items()))
    with pytest.raises(OAuthError) as caught:
        route.handler(request)
    assert route.translate is not None
    page = route.translate(request, caught.value)
    assert page is not None
    assert page.status == 400


def test_no_command_line_takes_a_reference_for_an_option() -> None:
    assert not any(new_reference().startswith("-") for _ in range(1_000))


def test_whatever_ended_a_grant_or_token_has_a_sentence() -> None:
    sources = "".join(each.read_text("utf-8") for each in Path(idp.oidc.__path__[0]).rglob("*.py"))
    ended = set(re.findall(r'Ended\("([a-z_]+)"\)', sources))
    status = {f"account_{each.value}" for each in CivilStatus if each is not CivilStatus.ALIVE}
    locked = {f"account_locked_{each.value}" for each in Lock}
    assert len(ended) > 10
    assert (ended | status | locked | {"account_gone", "account_not_activated"}) <= set(
        reasons.REASONS
    )


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("the code is late", "The code is late"),
        ("client_secret is wrong", "client_secret is wrong"),
    ],
)
def test_the_name_of_a_member_is_not_capitalised(told: str, shown: str) -> None:
    assert reasons.capitalised(told) == shown


@pytest.mark.parametrize("reason", reasons.REASONS)
def test_a_reason_is_a_sentence_that_an_error_description_may_hold(reason: str) -> None:
    for text in (reasons.sentence(reason), reasons.sentence(reason, "value", 7)):
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", text)


def test_what_was_seen_is_short_printable_ascii() -> None:
    shown = printable('a"b\\c\x1b[31m\u202e\u200bđ' + "x" * 1_000)
    assert shown.startswith("a?b?c?[31m???xxx")
    assert len(shown) == MAX_SEEN
