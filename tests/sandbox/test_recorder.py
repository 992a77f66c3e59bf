"""The recorder: every exchange of a client, why it failed, and nothing that could be used again."""

import importlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import jwt
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client as Http

from idp.app import Application, create_app
from idp.core.clock import FixedClock
from idp.sandbox.checks import CHECKS, failed_check, outcome
from idp.sandbox.exchange import MOST, Exchange, forget, keep, latest
from idp.sandbox.recorder import Recorder, recorded
from idp.sandbox.redaction import decoded, redact
from idp.storage.memory import MemoryStore
from idp.web.edge import Route
from idp.web.http import Params, Request, Response
from idp.web.i18n import Translator
from tests.sandbox.conftest import settings_in
from tests.sandbox.portal import CALLBACK, ISSUER, VERIFIER, Portal, register, unverified


def value(pairs: list[list[str]], name: str) -> str:
    return dict((each[0], each[1]) for each in pairs)[name]


def test_a_login_is_recorded_from_the_request_to_userinfo(portal: Portal) -> None:
    tokens = portal.tokens()
    assert portal.userinfo(tokens).status_code == 200
    userinfo, token, answered, asked, _ = portal.exchanges()
    assert [asked["endpoint"], answered["endpoint"]] == ["/authorize"] * 2
    assert value(asked["parameters"], "scope") == "openid profile"
    assert value(asked["parameters"], "redirect_uri") == CALLBACK
    assert value(answered["answer"], "redirect_uri") == CALLBACK
    assert token["endpoint"] == "/token"
    assert token["authentication"] == "client_secret_basic"
    assert token["tokens"][0]["name"] == "id_token"
    assert token["tokens"][0]["claims"]["aud"] == portal.client_id
    assert {how for _, how in token["checks"]} == {"passed"}
    assert "TokenIssued" in token["events"]
    assert value(userinfo["answer"], "name") == "Nguyễn Văn Minh"
    assert userinfo["authentication"] == "Bearer"


def test_the_code_that_was_redeemed_can_be_told_from_another(portal: Portal) -> None:
    portal.tokens()
    token, answered, *_ = portal.exchanges()
    assert value(token["parameters"], "code") == value(answered["answer"], "code")
    assert "fingerprint" in value(token["parameters"], "code")


def test_nothing_usable_is_kept(portal: Portal) -> None:
    answer = portal.log_in(portal.authorize())
    tokens = portal.redeem(answer).get_json()
    portal.userinfo(tokens)
    portal.post("/introspect", {"token": tokens["access_token"]})
    renewed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    again = portal.post("/token", renewed).get_json()
    portal.post("/revoke", {"token": again["refresh_token"]})
    kept = json.dumps(portal.exchanges())
    secrets = (
        answer["code"],
        portal.metadata["client_secret"],
        portal.metadata["registration_access_token"],
        *(each[name] for each in (tokens, again) for name in ("access_token", "refresh_token")),
        tokens["id_token"].rpartition(".")[2],
    )
    for secret in secrets:
        assert secret not in kept
    assert {each["endpoint"] for each in json.loads(kept)} == {
        "/register",
        "/authorize",
        "/token",
        "/userinfo",
        "/introspect",
        "/revoke",
    }


def test_a_refusal_says_which_check_failed_and_the_true_reason(portal: Portal) -> None:
    refused = portal.redeem({"code": "no code of ours"})
    assert refused.get_json()["error"] == "invalid_grant"
    (token, *_) = portal.exchanges()
    assert (token["error"], token["reason"]) == ("invalid_grant", "malformed_code")
    assert dict(token["checks"]) == {
        "form": "passed",
        "client_authentication": "passed",
        "grant_type": "passed",
        "DPoP, certificate": "passed",
        "grant": "failed",
        "session, account, consent": "skipped",
    }


def test_a_wrong_secret_is_recorded_under_the_client_it_names(portal: Portal) -> None:
    form = {"grant_type": "authorization_code", "code": "x"}
    wrong = (portal.client_id, "wrong-secret-0123456789")
    assert portal.http.post("/token", base_url=ISSUER, data=form, auth=wrong).status_code == 401
    (token, *_) = portal.exchanges()
    assert token["error"] == "invalid_client"
    assert dict(token["checks"])["client_authentication"] == "failed"
    assert "wrong-secret" not in json.dumps(token)


def test_a_refused_authorization_request_says_which_parameter(portal: Portal) -> None:
    portal.authorize(max_age="soon")
    (asked, *_) = portal.exchanges()
    assert asked["error"] == "invalid_request"
    assert dict(asked["checks"])["max_age"] == "failed"
    assert dict(asked["checks"])["prompt"] == "passed"
    assert dict(asked["checks"])["claims"] == "skipped"


def test_an_unregistered_redirect_uri_is_recorded_though_it_ends_on_a_page(portal: Portal) -> None:
    portal.authorize(redirect_uri="https://other.example.vn/cb")
    (asked, *_) = portal.exchanges()
    assert asked["error"] == "invalid_redirect_uri"
    assert dict(asked["checks"])["redirect_uri"] == "failed"
    assert value(asked["parameters"], "redirect_uri") == "https://other.example.vn/cb"


def test_a_pushed_request_is_recorded_and_its_reference_is_not_kept(portal: Portal) -> None:
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "nonce": "n"}
    challenge = {
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    pushed = portal.post("/par", {**asked, **challenge}).get_json()
    (par, *_) = portal.exchanges()
    assert par["endpoint"] == "/par"
    assert pushed["request_uri"] not in json.dumps(par)


def test_a_logout_is_recorded_under_its_client(portal: Portal) -> None:
    tokens = portal.tokens()
    portal.go("GET", f"/logout?id_token_hint={tokens['id_token']}")
    (out, *_) = portal.exchanges()
    assert out["endpoint"] == "/logout"
    assert out["tokens"][0]["name"] == "id_token_hint"


def test_a_code_in_a_signed_answer_is_hidden_too(portal: Portal) -> None:
    answer = portal.log_in(portal.authorize(response_mode="jwt"))
    code = unverified(answer["response"])["code"]
    (answered, *_) = portal.exchanges()
    assert answered["tokens"][0]["claims"]["code"].startswith("[hidden, 54 characters")
    assert code not in json.dumps(answered)


@pytest.mark.parametrize("mode", ["form_post", "jwt", "query"])
def test_a_refusal_is_seen_in_every_response_mode(portal: Portal, mode: str) -> None:
    portal.authorize(max_age="soon", response_mode=mode)
    (asked, *_) = portal.exchanges()
    assert asked["error"] == "invalid_request"
    assert dict(asked["checks"])["max_age"] == "failed"


def test_what_was_forced_stands_in_the_exchange(portal: Portal) -> None:
    portal.force("expired_code")
    portal.redeem(portal.log_in(portal.authorize()))
    (token, *_) = portal.exchanges()
    assert (token["forced"], token["error"]) == ("expired_code", "invalid_grant")
    portal.force("access_denied")
    portal.authorize()
    (asked, *_) = portal.exchanges()
    assert asked["forced"] == "access_denied"


def test_requests_of_no_known_client_are_kept_apart(app: Application, portal: Portal) -> None:
    portal.authorize(client_id="no-such-client")
    page = Http(app).get("/sandbox/client", base_url=ISSUER).text
    assert "no-such-client" in page
    assert "no-such-client" not in json.dumps(portal.exchanges())


def test_one_noisy_client_pushes_out_nothing_of_another(app: Application, portal: Portal) -> None:
    quiet = register(app)
    tokens = quiet.tokens()
    before = quiet.exchanges()
    for _ in range(10):
        for _ in range(60):
            portal.redeem({"code": "x"})
        assert quiet.userinfo(tokens).status_code == 200
    found = quiet.exchanges()
    assert len(found) == len(before) + 10
    assert found[10:] == before
    assert len(portal.exchanges()) == MOST


def test_an_exchange_is_told_at_the_time_when_it_came(
    app: Application, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = portal_recorder(app)
    clock = FixedClock(recorder.services.clock())
    asked = clock()

    def slow(request: Request) -> Response:
        clock.advance(7)
        return Response(200, b"")

    services = replace(recorder.services, clock=clock)
    monkeypatch.setattr(recorder, "services", services)
    request = Request("GET", "/authorize", query=Params((("client_id", portal.client_id),)))
    recorded(recorder, "/authorize", Route(slow)).handler(request)
    clock.advance(30)
    found, *_ = portal.exchanges()
    assert found["at"] == asked
    page = portal.http.get(f"/sandbox/client?client_id={portal.client_id}", base_url=ISSUER).text
    assert Translator("vi").moment(asked) in page
    assert Translator("vi").moment(asked).count(":") == 2


def portal_recorder(app: Application) -> Recorder:
    """The recorder of a sandbox, found where its pages have it."""
    handler = app.routes["/sandbox/client"].handler
    assert isinstance(handler, partial)
    found: Recorder = handler.args[0].recorder
    return found


def test_the_last_fifty_are_kept_the_newest_first() -> None:
    clock = FixedClock(1_800_000_000)
    store = MemoryStore(clock)
    for number in range(MOST + 7):
        clock.advance(1)
        made = Exchange(clock(), "/token", "POST", "none", (("n", str(number)),), 200, ())
        keep(store, ("portal", made))
    kept = latest(store, "portal")
    assert [each.parameters[0][1] for each in kept] == [
        str(each) for each in range(MOST + 6, 6, -1)
    ]
    assert latest(store, "clinic") == ()
    forget(store, "portal")
    assert latest(store, "portal") == ()


def test_exchanges_are_forgotten_after_a_day() -> None:
    clock = FixedClock(1_800_000_000)
    store = MemoryStore(clock)
    keep(store, ("portal", Exchange(clock(), "/token", "POST", "none", (), 200, ())))
    clock.advance(24 * 3_600)
    assert latest(store, "portal") == ()


def test_unknown_parameters_keep_their_name_and_length_only() -> None:
    found = redact([("passwort", "geheim"), ("user_code", "WDJB-MJHT"), ("scope", "openid")])
    assert dict(found.parameters) == {
        "passwort": "[hidden, 6 characters]",
        "user_code": "[hidden, 9 characters]",
        "scope": "openid",
    }


def test_a_token_loses_its_signature() -> None:
    token = jwt.encode({"sub": "portal"}, ec.generate_private_key(ec.SECP256R1()), "ES256")
    found = redact([("client_assertion", token)])
    assert found.tokens[0]["claims"] == {"sub": "portal"}
    assert token.rpartition(".")[2] not in repr(found)
    assert decoded("a.b.c") is None
    assert decoded("") is None


def test_the_checks_are_functions_that_exist() -> None:
    for made in CHECKS.values():
        for _, functions in made:
            for each in functions:
                module, _, name = each.rpartition(".")
                found = importlib.import_module(
                    f"idp.{module}" if module.startswith("sandbox.") else f"idp.oidc.{module}"
                )
                methods = (getattr(kind, name, None) for kind in vars(found).values())
                assert hasattr(found, name) or any(methods), each


def test_a_check_that_cannot_be_told_is_not_guessed() -> None:
    assert failed_check("/token", ("idp.web.edge.answer",)) == ""
    assert outcome("/token", "", refused=True) == ()


def test_outside_the_sandbox_nothing_is_recorded_or_served(tmp_path: Path) -> None:
    app = create_app(settings_in(tmp_path, sandbox=False))
    try:
        recorded = {
            path for path, each in app.routes.items() if "sandbox" in each.handler.__module__
        }
        assert recorded == set()
        for path in ("/sandbox", "/sandbox/client", "/sandbox/api/clients/portal/exchanges"):
            assert Http(app).get(path, base_url=ISSUER).status_code == 404
    finally:
        app.close()
