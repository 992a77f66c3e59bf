"""UserInfo: who may ask, how, and what comes back."""

import jwt
import pytest

from idp.core.handles import Handle
from idp.web.http import FORM, Params, Request, Response
from tests.oidc.world import ISSUER, World, body

PERSONAL = ("openid", "profile", "pid", "phone", "email", "address", "age")
EVERYTHING = (
    "name",
    "family_name",
    "middle_name",
    "given_name",
    "gender",
    "birthdate",
    "nationality",
    "updated_at",
    "pid",
    "former_ids",
    "phone_number",
    "phone_number_verified",
    "email",
    "email_verified",
    "address",
    "age_over_14",
    "age_over_18",
    "age_over_60",
)


def ask(world: World, token: str, **request: object) -> Response:
    headers = {"authorization": f"Bearer {token}", **request.pop("headers", {})}  # type: ignore[dict-item]
    members = {"method": "GET", "path": "/userinfo", "headers": headers, **request}
    return world.call("/userinfo", Request(**members))  # type: ignore[arg-type]


def challenge(response: Response) -> tuple[int, str]:
    return response.status, response.headers.get("WWW-Authenticate", "")


def test_oidcc_userinfo_get(world: World) -> None:
    tokens = world.tokens()
    response = ask(world, tokens["access_token"])
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert body(response) == {"sub": world.id_token(tokens["id_token"])["sub"]}


def test_oidcc_userinfo_post_header(world: World) -> None:
    tokens = world.tokens()
    assert ask(world, tokens["access_token"], method="POST").status == 200


def test_oidcc_userinfo_post_body(world: World) -> None:
    form = Params({"access_token": world.tokens()["access_token"]}.items())
    headers = {"content-type": FORM}
    response = world.call("/userinfo", Request("POST", "/userinfo", form=form, headers=headers))
    assert response.status == 200


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("profile", EVERYTHING[:8]),
        ("pid", ("pid", "former_ids")),
        ("phone", ("phone_number", "phone_number_verified")),
        ("email", ("email", "email_verified")),
        ("age", ("age_over_14", "age_over_18", "age_over_60")),
    ],
)
def test_oidcc_scope(world: World, scope: str, claims: tuple[str, ...]) -> None:
    tokens = world.tokens(scope=("openid", scope), claims=claims)
    found = body(ask(world, tokens["access_token"]))
    assert set(found) == {"sub", *claims}


def test_values_are_the_registrys(world: World) -> None:
    tokens = world.tokens(scope=PERSONAL, claims=EVERYTHING)
    found = body(ask(world, tokens["access_token"]))
    assert found["name"] == "Nguyễn Thị Ánh"
    assert found["pid"] == "000199000001"
    assert found["birthdate"] == "1999-02-03"
    assert found["phone_number"] == "+84901234567"
    assert found["age_over_18"] is True
    assert found["age_over_60"] is False


def test_only_what_was_consented_to(world: World) -> None:
    tokens = world.tokens(scope=PERSONAL, claims=("age_over_18",))
    assert set(body(ask(world, tokens["access_token"]))) == {"sub", "age_over_18"}


@pytest.mark.attack("Q05")
def test_Q05_nothing_beyond_the_registration_of_today(world: World) -> None:
    tokens = world.tokens(scope=("openid",), claims=("pid", "name"))
    assert set(body(ask(world, tokens["access_token"]))) == {"sub", "pid", "name"}
    world.change_client(world.client, scope=("openid", "profile"))
    assert set(body(ask(world, tokens["access_token"]))) == {"sub", "name"}


def test_a_signed_answer_for_who_registered_so(world: World) -> None:
    client = world.add_client("signed", userinfo_signed_response_alg="RS256")
    tokens = world.tokens(client)
    response = ask(world, tokens["access_token"])
    assert response.headers["Content-Type"] == "application/jwt"
    published = jwt.PyJWKSet.from_dict(world.services.keys.jwks())
    token = response.body.decode()
    key = published[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="signed", issuer=ISSUER)
    assert set(claims) == {"sub", "iss", "aud"}
    assert claims["sub"] == world.id_token(tokens["id_token"])["sub"]


def test_without_a_token(world: World) -> None:
    status, header = challenge(world.call("/userinfo", Request("GET", "/userinfo")))
    assert status == 401
    bearer, dpop, *_ = header.split(", ")
    assert bearer == 'Bearer realm="userinfo"'  # RFC 6750 §3.1: no error code
    assert dpop == 'DPoP realm="userinfo"'  # RFC 9449 §7.1


@pytest.mark.attack("H03")
def test_H03_other_ways_to_carry_a_token(world: World) -> None:
    token = world.tokens()["access_token"]
    in_query = Request("GET", "/userinfo", query=Params({"access_token": token}.items()))
    misplaced = world.call("/userinfo", in_query)
    assert misplaced.status == 400
    challenge = misplaced.headers["WWW-Authenticate"]  # RFC 6750 §3
    assert challenge == 'Bearer realm="userinfo", error="invalid_request"'
    form = Params({"access_token": token}.items())
    assert ask(world, token, method="POST", form=form).status == 400
    twice = Params((("access_token", token), ("access_token", token)))
    assert world.call("/userinfo", Request("POST", "/userinfo", form=twice)).status == 400
    for value, status in (
        (f"bearer {token}", 200),
        (f"Bearer  {token}", 200),
        (f"Basic {token}", 401),
        (token, 401),
        ("Bearer", 401),
        (f"Bearer {token}, Bearer {token}", 401),
        (f"Bearer {token},Bearer {token}", 401),
    ):
        assert ask(world, "", headers={"authorization": value}).status == status


@pytest.mark.attack("H04")
def test_H04_bad_tokens_all_look_alike(world: World) -> None:
    revoked, expired = world.tokens()["access_token"], world.tokens()["access_token"]
    world.post("/revoke", world.client, token=revoked)
    world.clock.advance(600)
    answers = [ask(world, each) for each in (revoked, expired, str(Handle.new()), "x", "a.b.c")]
    assert {each.status for each in answers} == {401}
    assert len({each.body for each in answers}) == 1
    assert 'error="invalid_token"' in answers[0].headers["WWW-Authenticate"]


@pytest.mark.attack("H09")
def test_H09_without_openid(world: World) -> None:
    token = world.tokens(scope=("profile",))["access_token"]
    status, header = challenge(ask(world, token))
    assert status == 403
    assert 'error="insufficient_scope"' in header


@pytest.mark.attack("H10")
def test_H10_sub_is_that_of_the_id_token_and_of_no_other_client(world: World) -> None:
    subjects = set()
    for client in (world.client, world.other):
        tokens = world.tokens(client)
        sub = body(ask(world, tokens["access_token"]))["sub"]
        assert sub == world.id_token(tokens["id_token"])["sub"]
        subjects.add(sub)
    assert len(subjects) == 2


@pytest.mark.attack("H11")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://portal.example.vn"])
def test_H11_other_origins_are_not_let_in(world: World, origin: str) -> None:
    world.add_client("app", token_endpoint_auth_method="none")
    token = world.tokens()["access_token"]
    response = ask(world, token, headers={"origin": origin})
    assert "Access-Control-Allow-Origin" not in response.headers
    preflight = Request("OPTIONS", "/userinfo", headers={"origin": origin})
    assert "Access-Control-Allow-Origin" not in world.call("/userinfo", preflight).headers


def test_a_browser_client_may_ask_with_a_preflight(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    origin = {"origin": "https://app.example.vn"}
    preflight = world.call("/userinfo", Request("OPTIONS", "/userinfo", headers=origin))
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin["origin"]
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    response = ask(world, world.tokens(app)["access_token"], headers=origin)
    assert response.headers["Access-Control-Allow-Origin"] == origin["origin"]
    refusal = ask(world, "x", headers=origin)
    assert refusal.headers["Access-Control-Allow-Origin"] == origin["origin"]


def test_oidcc_claims_essential(world: World) -> None:
    tokens = world.tokens(scope=("openid",), claims=("name",))
    assert body(ask(world, tokens["access_token"]))["name"] == "Nguyễn Thị Ánh"
