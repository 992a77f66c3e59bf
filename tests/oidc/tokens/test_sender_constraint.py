"""Bound tokens at every endpoint that gives or takes one (RFC 9449, RFC 8705 §3)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
import pytest

from idp.oidc.authorization import pushed
from idp.oidc.clients.model import Client
from idp.oidc.clients.profile import FAPI2_SECURITY
from idp.storage.transient import Operation
from idp.web.http import FORM, Params, Request, Response
from tests.certificates import der, self_signed
from tests.oidc.world import INVALID_GRANT, ISSUER, SECRET, World, basic, body, form_post, refused
from tests.proofs import DpopKey, sha256

CERTIFICATE = der(self_signed("portal")[0])
OTHER_CERTIFICATE = der(self_signed("portal")[0])
"""Of the same name, with another key."""
INVALID_PROOF = (400, "invalid_dpop_proof")
USE_NONCE = (400, "use_dpop_nonce")


@dataclass
class Bound:
    """A client that calls with a proof of its key, a certificate, or what a test takes away."""

    world: World
    client: Client
    key: DpopKey | None = field(default_factory=DpopKey)
    certificate: bytes | None = None

    def nonce(self) -> str:
        return self.world.services.sender_constraint.nonce()

    def headers(self, path: str, *, method: str = "POST", **how: Any) -> dict[str, str]:
        if self.key is None:
            return {}
        claims = {"now": self.world.clock(), "nonce": self.nonce(), **how}
        return {"dpop": self.key.proof(method, ISSUER + path, **claims)}

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Response:
        headers = self.headers(path) if headers is None else headers
        if self.client.public:
            form["client_id"] = self.client.client_id
        else:
            headers = {**headers, "authorization": basic(self.client.client_id, SECRET)}
        return self.call(form_post(path, form, headers))

    def call(self, request: Request) -> Response:
        members = {each: getattr(request, each) for each in request.__slots__}
        return self.world.call(
            request.path, Request(**{**members, "certificate": self.certificate})
        )

    def redeem(self, code: str | None = None, headers: dict[str, str] | None = None) -> Response:
        form = {
            "grant_type": "authorization_code",
            "code": code or self.world.code(self.world.authorization(self.client)),
            "redirect_uri": self.client.redirect_uris[0],
            "code_verifier": "v" * 43,
        }
        return self.post("/token", headers, **form)

    def refresh(self, token: str) -> Response:
        return self.post("/token", grant_type="refresh_token", refresh_token=token)

    def tokens(self) -> dict[str, Any]:
        answer = body(self.redeem())
        assert "access_token" in answer, answer
        return answer

    def userinfo(self, token: str, scheme: str = "DPoP", **how: Any) -> Response:
        headers = {"authorization": f"{scheme} {token}"}
        if scheme.lower() == "dpop":
            headers |= self.headers("/userinfo", method="GET", **({"token": token} | how))
        return self.call(Request("GET", "/userinfo", headers=headers))


@pytest.fixture
def dpop(world: World) -> Bound:
    return Bound(world, world.add_client("bank", dpop_bound_access_tokens=True))


@pytest.fixture
def app(world: World) -> Bound:
    """A public client: an application on a phone."""
    return Bound(world, world.add_client("app", token_endpoint_auth_method="none"))


@pytest.fixture
def mtls(world: World) -> Bound:
    client = world.add_client("hospital", tls_client_certificate_bound_access_tokens=True)
    return Bound(world, client, None, CERTIFICATE)


def resource_error(response: Response) -> tuple[int, str]:
    """Status and error of a refusal that carries its challenge (RFC 9449 §7.1)."""
    status, error = refused(response)
    assert f'error="{error}"' in response.headers["WWW-Authenticate"]
    return status, error


def test_a_token_is_bound_to_the_key(dpop: Bound) -> None:
    tokens = dpop.tokens()
    assert dpop.key
    assert tokens["token_type"] == "DPoP"
    assert dpop.userinfo(tokens["access_token"]).status == 200
    assert dpop.userinfo(tokens["access_token"], "dPOP").status == 200
    told = dpop.world.introspect(tokens["access_token"], dpop.client)
    assert told["token_type"] == "DPoP"
    assert told["cnf"] == {"jkt": dpop.key.jkt}


def test_the_binding_stands_in_a_jwt(world: World) -> None:
    client = world.add_client("reader", access_token_format="jwt", resource="https://api.example")
    bound = Bound(world, client)
    answer = bound.tokens()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert bound.key
    assert claims["cnf"] == {"jkt": bound.key.jkt}
    assert bound.userinfo(answer["access_token"]).status == 200


def test_who_need_not_prove_anything_may(world: World) -> None:
    assert Bound(world, world.client).tokens()["token_type"] == "DPoP"
    assert Bound(world, world.client, key=None).tokens()["token_type"] == "Bearer"


def test_every_answer_gives_a_nonce(dpop: Bound) -> None:
    for response in (
        dpop.redeem(),
        dpop.post("/token", {}),
        dpop.post("/par", {}),
        dpop.userinfo("none"),
        dpop.userinfo(dpop.tokens()["access_token"]),
    ):
        assert response.headers["DPoP-Nonce"] == dpop.nonce()


def test_a_browser_reads_the_nonce_and_sends_the_proof(world: World, app: Bound) -> None:
    headers = {"origin": "https://app.example.vn"}
    preflight = world.call("/token", Request("OPTIONS", "/token", headers=headers))
    assert "DPoP" in preflight.headers["Access-Control-Allow-Headers"].split(", ")
    exposed = preflight.headers["Access-Control-Expose-Headers"]
    assert "DPoP-Nonce" in exposed.split(", ")


@pytest.mark.attack("R03")
def test_R03_a_proof_holds_our_nonce(dpop: Bound) -> None:
    code = dpop.world.code(dpop.world.authorization(dpop.client))
    for nonce in ("", "foreign"):
        headers = dpop.headers("/token", nonce=nonce)
        assert refused(dpop.redeem(code, headers=headers)) == USE_NONCE
        assert refused(dpop.post("/par", dpop.headers("/par", nonce=nonce), **PUSHED)) == USE_NONCE
    old = dpop.headers("/token")
    dpop.world.clock.advance(240)
    assert refused(dpop.redeem(headers=old)) == USE_NONCE
    assert dpop.redeem().status == 200
    token = dpop.tokens()["access_token"]
    assert resource_error(dpop.userinfo(token, nonce="")) == (401, "use_dpop_nonce")
    assert resource_error(dpop.userinfo(token, iat=dpop.world.clock() + 3600, nonce="")) == (
        401,
        "invalid_dpop_proof",
    )


@pytest.mark.attack("R03")
def test_R03_a_refusal_for_want_of_a_nonce_uses_nothing_up(dpop: Bound) -> None:
    code = dpop.world.code(dpop.world.authorization(dpop.client))
    assert refused(dpop.redeem(code, headers=dpop.headers("/token", nonce=""))) == USE_NONCE
    assert dpop.redeem(code).status == 200


@pytest.mark.attack("R04")
def test_R04_a_proof_works_once(dpop: Bound) -> None:
    headers = dpop.headers("/token")
    assert dpop.redeem(headers=headers).status == 200
    code = dpop.world.code(dpop.world.authorization(dpop.client))
    assert refused(dpop.redeem(code, headers=headers)) == INVALID_PROOF
    assert dpop.redeem(code).status == 200  # the code was not touched
    token = dpop.tokens()["access_token"]
    assert dpop.userinfo(token, jti="one").status == 200
    assert resource_error(dpop.userinfo(token, jti="one")) == (401, "invalid_dpop_proof")
    assert dpop.userinfo(token, jti="two").status == 200


@pytest.mark.attack("R04")
def test_R04_of_many_requests_with_one_proof_one_succeeds(dpop: Bound) -> None:
    token, how = dpop.tokens()["access_token"], {"jti": "one"}
    start = threading.Barrier(12)

    def ask(_: int) -> int:
        start.wait(30)
        return dpop.userinfo(token, **how).status

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(ask, range(12))) == [200, *[401] * 11]


@pytest.mark.attack("R04")
@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"ath": None}, "invalid_dpop_proof"),
        ({"ath": sha256("another")}, "invalid_dpop_proof"),
        ({"htm": "POST"}, "invalid_dpop_proof"),
        ({"htu": f"{ISSUER}/token"}, "invalid_dpop_proof"),
        ({"htu": "http://id.example.vn/userinfo"}, "invalid_dpop_proof"),
        ({"header": {"typ": "jwt"}}, "invalid_dpop_proof"),
        ({"alg": "HS256", "key": "k" * 32}, "invalid_dpop_proof"),
    ],
)
def test_R04_a_proof_of_another_request(dpop: Bound, how: dict[str, Any], error: str) -> None:
    token = dpop.tokens()["access_token"]
    assert resource_error(dpop.userinfo(token, **how)) == (401, error)


@pytest.mark.attack("R04")
def test_R04_a_bound_token_is_no_bearer_token(dpop: Bound) -> None:
    token = dpop.tokens()["access_token"]
    assert resource_error(dpop.userinfo(token, "Bearer")) == (401, "invalid_token")
    form = form_post("/userinfo", {"access_token": token}, {"content-type": FORM})
    assert resource_error(dpop.call(form)) == (401, "invalid_token")
    headers = {"authorization": f"DPoP {token}"}
    bare = dpop.call(Request("GET", "/userinfo", headers=headers))
    assert resource_error(bare) == (401, "invalid_dpop_proof")
    assert bare.headers["WWW-Authenticate"].startswith("DPoP ")


def test_a_bearer_token_needs_no_proof_and_takes_none(world: World) -> None:
    plain = Bound(world, world.client, key=None)
    token = plain.tokens()["access_token"]
    assert plain.userinfo(token, "Bearer").status == 200
    proving = Bound(world, world.client)
    assert resource_error(proving.userinfo(token)) == (401, "invalid_token")


def test_another_key_is_refused(dpop: Bound) -> None:
    token = dpop.tokens()["access_token"]
    thief = Bound(dpop.world, dpop.client)
    assert resource_error(thief.userinfo(token)) == (401, "invalid_token")
    assert dpop.userinfo(token).status == 200


@pytest.mark.parametrize("profile", ["fapi2-security", "baseline"])
def test_who_owes_a_proof_gets_nothing_without(world: World, profile: str) -> None:
    client = world.add_client("bank", dpop_bound_access_tokens=True)
    bound = Bound(world, client, key=None, certificate=CERTIFICATE)
    assert refused(bound.redeem()) == (400, "invalid_request")
    code = bound.post("/token", grant_type="client_credentials")
    assert refused(code) == (400, "invalid_request")


# Codes (RFC 9449 §10)

PUSHED = {
    "response_type": "code",
    "scope": "openid",
    "redirect_uri": "https://bank.example.vn/cb",
}


def bound_code(bound: Bound, jkt: str) -> str:
    """A code whose request named a key."""
    return bound.world.code(bound.world.authorization(bound.client), dpop_jkt=jkt)


def test_a_code_goes_to_the_key_that_was_named(app: Bound) -> None:
    assert app.key
    code = bound_code(app, app.key.jkt)
    thief = Bound(app.world, app.client)
    assert refused(thief.redeem(code)) == INVALID_GRANT
    assert refused(Bound(app.world, app.client, key=None).redeem(code)) == INVALID_GRANT
    answer = app.redeem(code)
    assert body(answer)["token_type"] == "DPoP"
    assert refused(app.redeem(code)) == INVALID_GRANT  # and it was used up


def test_a_code_of_a_request_without_a_key_goes_to_any(app: Bound) -> None:
    assert app.redeem(app.world.code(app.world.authorization(app.client))).status == 200


def test_a_pushed_request_is_bound_to_its_proof(dpop: Bound) -> None:
    answer = body(dpop.post("/par", **PUSHED))
    assert kept(dpop, answer["request_uri"])["dpop_jkt"] == dpop.key.jkt  # type: ignore[union-attr]
    same = body(dpop.post("/par", **PUSHED, dpop_jkt=dpop.key.jkt))  # type: ignore[union-attr]
    assert kept(dpop, same["request_uri"])["dpop_jkt"] == dpop.key.jkt  # type: ignore[union-attr]
    named = body(dpop.post("/par", {}, **PUSHED, dpop_jkt="A" * 43))
    assert kept(dpop, named["request_uri"])["dpop_jkt"] == "A" * 43
    other = dpop.post("/par", **PUSHED, dpop_jkt="A" * 43)
    assert refused(other) == INVALID_PROOF
    assert refused(dpop.post("/par", **PUSHED, dpop_jkt="A")) == (400, "invalid_request")


def test_a_proof_at_par_works_once(dpop: Bound) -> None:
    headers = dpop.headers("/par")
    assert dpop.post("/par", headers, **PUSHED).status == 201
    assert refused(dpop.post("/par", headers, **PUSHED)) == INVALID_PROOF


def test_a_proof_works_once_also_after_the_transient_store_lost_everything(
    dpop: Bound,
) -> None:
    headers = dpop.headers("/par")
    assert dpop.post("/par", headers, **PUSHED).status == 201
    dpop.world.transient.close()
    assert refused(dpop.post("/par", headers, **PUSHED)) == INVALID_PROOF


def kept(bound: Bound, request_uri: str) -> Params:
    _, params = pushed.read(bound.world.services, bound.client, request_uri)
    return params


# Refresh tokens


def test_a_public_clients_refresh_token_is_bound(app: Bound) -> None:
    refresh_token = app.tokens()["refresh_token"]
    thief = Bound(app.world, app.client)
    assert refused(thief.refresh(refresh_token)) == INVALID_GRANT
    assert refused(Bound(app.world, app.client, key=None).refresh(refresh_token)) == INVALID_GRANT
    again = body(app.refresh(refresh_token))
    assert again["token_type"] == "DPoP"
    assert app.userinfo(again["access_token"]).status == 200
    assert refused(thief.refresh(again["refresh_token"])) == INVALID_GRANT
    assert app.refresh(again["refresh_token"]).status == 200


def test_a_confidential_client_may_change_its_key(dpop: Bound) -> None:
    refresh_token = dpop.tokens()["refresh_token"]
    renewed = Bound(dpop.world, dpop.client)
    answer = body(renewed.refresh(refresh_token))
    assert renewed.userinfo(answer["access_token"]).status == 200
    assert resource_error(dpop.userinfo(answer["access_token"])) == (401, "invalid_token")


def test_a_profile_without_rotation_keeps_the_refresh_token(world: World) -> None:
    client = world.add_client("bank", dpop_bound_access_tokens=True)
    bound = Bound(world, world.change_client(client, profile=FAPI2_SECURITY))
    bound.client = replace(client, profile=FAPI2_SECURITY)
    refresh_token = bound.tokens()["refresh_token"]
    for _ in range(3):
        answer = body(bound.refresh(refresh_token))
        assert "refresh_token" not in answer
        assert bound.userinfo(answer["access_token"]).status == 200
        world.clock.advance(60)
    world.services.standing.end_grant(refresh_token[:11])
    assert refused(bound.refresh(refresh_token)) == INVALID_GRANT


# Certificates


@pytest.mark.attack("R08")
def test_R08_a_token_is_bound_to_the_certificate(mtls: Bound) -> None:
    tokens = mtls.tokens()
    token = tokens["access_token"]
    assert tokens["token_type"] == "Bearer"
    assert mtls.userinfo(token, "Bearer").status == 200
    told = mtls.world.introspect(token, mtls.client)
    assert list(told["cnf"]) == ["x5t#S256"]
    for shown in (None, OTHER_CERTIFICATE):
        mtls.certificate = shown
        assert resource_error(mtls.userinfo(token, "Bearer")) == (401, "invalid_token")
    mtls.certificate = CERTIFICATE
    assert resource_error(mtls.userinfo(token, "DPoP")) == (401, "invalid_token")
    assert mtls.userinfo(token, "Bearer").status == 200


@pytest.mark.attack("R08")
def test_R08_who_owes_a_certificate_gets_nothing_without(mtls: Bound) -> None:
    mtls.certificate = None
    assert refused(mtls.redeem()) == (400, "invalid_request")
    mtls.key = DpopKey()
    assert refused(mtls.redeem()) == (400, "invalid_request")


def test_a_token_may_be_bound_to_both(mtls: Bound) -> None:
    mtls.key = DpopKey()
    token = mtls.tokens()["access_token"]
    assert set(mtls.world.introspect(token, mtls.client)["cnf"]) == {"jkt", "x5t#S256"}
    assert mtls.userinfo(token).status == 200
    mtls.certificate = OTHER_CERTIFICATE
    assert resource_error(mtls.userinfo(token)) == (401, "invalid_token")


def test_a_certificate_binds_nothing_unless_it_is_wanted(world: World) -> None:
    bound = Bound(world, world.client, None, CERTIFICATE)
    token = bound.tokens()["access_token"]
    bound.certificate = None
    assert bound.userinfo(token, "Bearer").status == 200


def test_a_bound_login_costs_no_more_round_trips(
    dpop: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Operation, ...]] = []
    run = type(dpop.world.transient).run

    def counted(self: Any, *operations: Operation) -> tuple[Any, ...]:
        calls.append(operations)
        return run(self, *operations)

    monkeypatch.setattr(type(dpop.world.transient), "run", counted)
    plain = Bound(dpop.world, dpop.world.client, key=None)
    plain.tokens()
    before = len(calls)
    dpop.tokens()
    assert len(calls) - before == before
