"""Every mistake is made over the wire; the doctor names it from the audit log."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.hazmat.primitives.asymmetric import ec

from idp.audit.reading import of_client
from idp.core.handles import Handle
from idp.jose.jwk import Jwk
from idp.jose.jwt import sign_jwt
from idp.jose.signer import LocalSigner
from idp.oidc.authorization.respond import granted
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Client, Secret
from idp.oidc.doctor.model import Finding, Verdict
from idp.oidc.doctor.refusals import difference, examine
from idp.oidc.provider import endpoints
from idp.oidc.vocabulary import ASSERTION_TYPE
from idp.web.http import Params, Request, Response
from tests.oidc.world import ISSUER, SECRET, VERIFIER, World, basic, form_post
from tests.proofs import DpopKey

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
Mistake = Callable[[World], Client]
MISTAKES: dict[str, tuple[Mistake, tuple[str, ...]]] = {}


def mistake(*told: str) -> Callable[[Mistake], Mistake]:
    def keep(make: Mistake) -> Mistake:
        MISTAKES[make.__name__] = make, told
        return make

    return keep


def bank(world: World, **changes: Any) -> Client:
    jwks = {"keys": [Jwk("k1", KEY.public_key()).export()]}
    method = {"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks}
    return world.add_client("bank", **method, **changes)


def assertion(world: World, key: Any = KEY, kid: str = "k1", **claims: Any) -> str:
    now = world.clock()
    base = {"iss": "bank", "sub": "bank", "aud": ISSUER, "exp": now + 60, "iat": now}
    said = {**base, "jti": secrets.token_urlsafe(8), **claims}
    return sign_jwt(
        LocalSigner(kid, "ES256", key), {k: v for k, v in said.items() if v is not None}
    )


def with_assertion(world: World, token: str) -> Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion": token,
        "client_assertion_type": ASSERTION_TYPE,
    }
    answer = world.call("/token", form_post("/token", form, {}))
    return answer


def asked_with(world: World, **claims: Any) -> Client:
    client = bank(world)
    assert with_assertion(world, assertion(world, **claims)).status == 401
    return client


def authorize(world: World, **params: str) -> Response:
    """What /authorize answers, an error page too."""
    base = {
        "client_id": "portal",
        "redirect_uri": "https://portal.example.vn/cb",
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
    }
    given = {name: value for name, value in (base | params).items() if value}
    request = Request("GET", "/authorize", query=Params(given.items()))
    route = {each.path: each.route for each in endpoints(world.services)}["/authorize"]
    try:
        return route.handler(request)
    except Exception as error:
        assert route.translate is not None
        page = route.translate(request, error)
        assert page is not None
        return page


def diagnose(world: World, client: Client) -> list[Finding]:
    entries = of_client(world.database, client.client_id, within=1_000)
    return list(examine(entries, client, issuer=ISSUER))


@mistake("client_secret_post", "registered for client_secret_basic")
def the_method_used_is_not_the_method_registered(world: World) -> Client:
    form = {"client_id": "portal", "client_secret": SECRET}
    assert world.call("/token", form_post("/token", form, {})).status == 401
    return world.client


@mistake("client_secret is wrong")
def the_secret_is_wrong(world: World) -> Client:
    headers = {"authorization": basic("portal", "another")}
    assert world.call("/token", form_post("/token", {}, headers)).status == 401
    return world.client


@mistake("its overlap has ended: deploy the new one")
def the_secret_was_rotated_and_has_expired(world: World) -> Client:
    pepper = world.services.keys.derive("client")
    old = replace(world.client.secrets[0], expires_at=world.clock() - 1)
    new = Secret(secret_digest(pepper, "portal", "the-new-one"))
    client = world.change_client(world.client, secrets=(new, old))
    assert world.post("/token", client, grant_type="client_credentials").status == 401
    return client


@mistake("the client is disabled")
def the_client_is_disabled(world: World) -> Client:
    world.disable(world.client)
    assert world.post("/token", world.client, grant_type="client_credentials").status == 401
    return world.client


@mistake("has the aud https://other.example.vn/token", f"Expected: {ISSUER}")
def the_aud_of_the_assertion_is_not_the_issuer(world: World) -> Client:
    return asked_with(world, aud="https://other.example.vn/token")


@mistake("its exp is 3600 s ahead")
def the_exp_of_the_assertion_is_too_far(world: World) -> Client:
    return asked_with(world, exp=world.clock() + 3_600)


@mistake("expired 120 s ago", "set your clock")
def the_clock_is_behind(world: World) -> Client:
    return asked_with(world, exp=world.clock() - 120, iat=world.clock() - 180)


@mistake("90 s in the future", "set your clock")
def the_clock_is_ahead(world: World) -> Client:
    return asked_with(world, iat=world.clock() + 90, exp=world.clock() + 150)


@mistake("was used before", "new jti")
def the_jti_of_the_assertion_is_reused(world: World) -> Client:
    client = bank(world)
    token = assertion(world)
    assert [with_assertion(world, token).status for _ in range(2)] == [200, 401]
    return client


@mistake("has no jti")
def the_assertion_has_no_jti(world: World) -> Client:
    return asked_with(world, jti=None)


@mistake("has the kid k2")
def the_kid_is_not_published(world: World) -> Client:
    return asked_with(world, kid="k2")


@mistake("a signature that the published key does not verify")
def the_assertion_is_signed_with_another_key(world: World) -> Client:
    return asked_with(world, key=OTHER_KEY)


@mistake("is signed with ES256", "PS256")
def the_alg_is_not_the_registered_one(world: World) -> Client:
    client = bank(world, token_endpoint_auth_signing_alg="PS256")
    assert with_assertion(world, assertion(world)).status == 401
    return client


@mistake(
    "redirect_uri https://portal.example.vn/cb/ is not registered",
    "Registered: https://portal.example.vn/cb",
    "a slash at the end",
)
def the_redirect_uri_has_a_slash_too_many(world: World) -> Client:
    assert authorize(world, redirect_uri="https://portal.example.vn/cb/").status == 400
    return world.client


@mistake("redirect_uri http://portal.example.vn/cb is not registered", "the scheme (http or https)")
def the_redirect_uri_is_http(world: World) -> Client:
    assert authorize(world, redirect_uri="http://portal.example.vn/cb").status == 400
    return world.client


@mistake("has no code_challenge")
def pkce_is_missing(world: World) -> Client:
    app = world.add_client("app", token_endpoint_auth_method="none")
    none = {"code_challenge": "", "code_challenge_method": ""}
    answer = authorize(world, client_id="app", redirect_uri=app.redirect_uris[0], **none)
    assert "error=invalid_request" in answer.headers["Location"]
    return app


@mistake("must be S256")
def pkce_is_plain(world: World) -> Client:
    challenge = {"code_challenge": VERIFIER, "code_challenge_method": "plain"}
    assert "error=" in authorize(world, **challenge).headers["Location"]
    return world.client


@mistake("scope phone is not registered", "Registered: audit:write")
def the_scope_is_not_registered(world: World) -> Client:
    service = world.add_resource_server()
    answer = world.post("/token", service, grant_type="client_credentials", scope="phone")
    assert answer.status == 400
    return service


@mistake("response_type")
def the_response_type_is_not_registered(world: World) -> Client:
    answer = authorize(world, response_type="id_token", nonce="n")
    assert "error=" in answer.headers["Location"]
    return world.client


@mistake("code_verifier does not belong")
def the_verifier_is_of_another_request(world: World) -> Client:
    assert world.redeem(world.code(), code_verifier="w" * 43).status == 400
    return world.client


@mistake("code_verifier is missing")
def the_verifier_is_missing(world: World) -> Client:
    assert world.redeem(world.code(), code_verifier="").status == 400
    return world.client


@mistake("had no code_challenge")
def the_verifier_was_not_announced(world: World) -> Client:
    assert world.redeem(world.code(verifier="")).status == 400
    return world.client


@mistake("redirect_uri https://portal.example.vn/CB", "the case of the path")
def the_redirect_uri_of_the_code_is_another(world: World) -> Client:
    assert world.redeem(world.code(), redirect_uri="https://portal.example.vn/CB").status == 400
    return world.client


@mistake("redeemed 75 s after it was issued", "expires after 60 s")
def the_code_has_expired(world: World) -> Client:
    authorization = world.authorization()
    code = world.code(authorization)
    world.services.audit.write(granted(authorization))
    world.clock.advance(75)
    assert world.redeem(code).status == 400
    return world.client


@mistake("the code has expired, or is not from this provider")
def the_code_is_of_nobody(world: World) -> Client:
    assert world.redeem(str(Handle.new())).status == 400
    return world.client


@mistake("was redeemed before")
def the_code_is_reused(world: World) -> Client:
    code = world.code()
    assert [world.redeem(code).status for _ in range(2)] == [200, 400]
    return world.client


@mistake("was issued to another client")
def the_code_is_another_clients(world: World) -> Client:
    assert world.redeem(world.code(), world.other).status == 400
    return world.other


@mistake("grant_type is missing")
def a_mistake_without_a_sentence_of_its_own_is_told_as_it_was_answered(world: World) -> Client:
    assert world.post("/token", world.client).status == 400
    return world.client


def with_proof(world: World, **claims: Any) -> Client:
    client = world.add_client("app", dpop_bound_access_tokens=True)
    nonce = world.services.sender_constraint.nonce()
    said = {"now": world.clock(), "nonce": nonce, **claims}
    proof = DpopKey().proof("POST", f"{ISSUER}/token", **said)
    headers = {"authorization": basic("app", SECRET), "dpop": proof}
    form = {"grant_type": "client_credentials"}
    assert world.call("/token", form_post("/token", form, headers)).status == 400
    return client


@mistake("has the htu https://other.example.vn/token")
def the_dpop_proof_is_for_another_url(world: World) -> Client:
    return with_proof(world, htu="https://other.example.vn/token")


@mistake("iat that is 600 s old")
def the_dpop_proof_is_old(world: World) -> Client:
    return with_proof(world, iat=world.clock() - 600)


@mistake("has no DPoP proof")
def the_dpop_proof_is_missing(world: World) -> Client:
    client = world.add_client("app", dpop_bound_access_tokens=True)
    assert world.post("/token", client, grant_type="client_credentials").status == 400
    return client


@mistake("the request object has the aud https://other.example.vn")
def the_request_object_is_for_another_provider(world: World) -> Client:
    client = bank(world)
    now = world.clock()
    claims = {
        "iss": "bank",
        "aud": "https://other.example.vn",
        "client_id": "bank",
        "exp": now + 60,
        "redirect_uri": client.redirect_uris[0],
        "response_type": "code",
        "scope": "openid",
    }
    token = sign_jwt(LocalSigner("k1", "ES256", KEY), claims)
    answer = authorize(world, client_id="bank", redirect_uri=client.redirect_uris[0], request=token)
    assert "error=invalid_request_object" in answer.headers["Location"]
    return client


@mistake("request_uri is not known, has expired or was used")
def the_pushed_request_has_expired(world: World) -> Client:
    uri = f"urn:ietf:params:oauth:request_uri:{Handle.new()}"
    assert authorize(world, request_uri=uri, redirect_uri="").status == 400
    return world.client


@pytest.mark.parametrize("name", MISTAKES)
def test_the_doctor_names_the_mistake(world: World, name: str) -> None:
    make, told = MISTAKES[name]
    problems = [each for each in diagnose(world, make(world)) if each.verdict is not Verdict.OK]
    assert len(problems) == 1, problems
    for each in told:
        assert each.lower() in problems[0].sentence.lower()
    assert "\n" not in problems[0].sentence


def test_a_client_that_was_never_refused_is_healthy(world: World) -> None:
    world.tokens()
    (finding,) = diagnose(world, world.client)
    assert finding.verdict is Verdict.OK


def test_a_mistake_that_was_mended_since_is_a_warning(world: World) -> None:
    the_secret_is_wrong(world)
    world.tokens()
    (finding,) = diagnose(world, world.client)
    assert finding.verdict is Verdict.WARNING
    assert "A later request succeeded" in finding.sentence


def test_the_same_mistake_is_told_once_with_how_often_and_its_last_reference(world: World) -> None:
    for _ in range(3):
        the_secret_is_wrong(world)
    (finding,) = diagnose(world, world.client)
    assert "Refused 3 times" in finding.sentence
    assert world.audited()[0]["reference"] in finding.sentence


def test_a_login_that_the_citizen_cannot_finish_is_no_mistake_of_the_client(world: World) -> None:
    nobody = replace(world.services.desk, methods=())  # no way to prove who one is
    world.services = replace(world.services, desk=nobody)
    answer = authorize(world, prompt="none")
    assert "error=unmet_authentication_requirements" in answer.headers["Location"]
    (finding,) = diagnose(world, world.client)
    assert finding.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        ("https://portal.example.vn/cb/", "a slash at the end"),
        ("http://portal.example.vn/cb", "the scheme (http or https)"),
        ("https://portal.example.vn:8443/cb", "the port"),
        ("https://Portal.example.vn/cb", "the case of the host"),
        ("https://www.portal.example.vn/cb", "the host"),
        ("https://portal.example.vn/Cb", "the case of the path"),
        ("https://portal.example.vn/callback", "the path"),
        ("https://portal.example.vn/cb?", "the query"),
        ("https://portal.example.vn/cb#", "a fragment"),
        ("http://other.example.vn/cb", ""),
        ("https://portal.example.vn:port/cb", ""),
        ("", ""),
    ],
)
def test_the_difference_to_the_registered_redirect_uri_is_named(sent: str, what: str) -> None:
    assert difference(sent, "https://portal.example.vn/cb") == what
