"""The authorization_code grant: what a code gives, once, and to whom."""

import pytest

from idp.core.handles import Handle
from idp.oidc.clients.model import ClientStatus
from idp.oidc.logout.views import endings
from idp.storage.memory import MemoryStore
from idp.web.http import Params, Request
from tests.oidc.world import INVALID_GRANT, SECRET, VERIFIER, World, basic, body, refused


def test_a_code_gives_tokens(world: World) -> None:
    response = world.redeem(world.code())
    assert response.status == 200
    assert response.headers["Cache-Control"] == "no-store"
    tokens = body(response)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 600
    assert tokens["scope"] == "openid"
    assert set(tokens) == {
        "access_token",
        "token_type",
        "expires_in",
        "scope",
        "id_token",
        "refresh_token",
    }
    (event,) = world.audited()
    assert event["event"] == "TokenIssued"
    assert event["kinds"] == ["access_token", "id_token", "refresh_token"]
    assert event["acr"] == "urn:vn:eid:level:2"


def test_two_round_trips(world: World, transient: MemoryStore) -> None:
    code = world.code()
    before = transient.round_trips
    assert world.redeem(code).status == 200
    assert transient.round_trips - before == 2


def test_no_refresh_token_for_who_did_not_register_for_it(world: World) -> None:
    client = world.add_client("simple", grant_types=["authorization_code"])
    assert "refresh_token" not in world.tokens(client)


def test_plain_oauth_without_openid_gives_no_id_token(world: World) -> None:
    tokens = world.tokens(scope=("records:read",))
    assert "id_token" not in tokens


def test_without_pkce_where_the_request_had_none(world: World) -> None:
    assert world.redeem(world.code(verifier=""), code_verifier="").status == 200


@pytest.mark.attack("C05")
@pytest.mark.parametrize("verifier", ["w" * 43, "", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"])
def test_C05_another_verifier(world: World, verifier: str) -> None:
    code = world.code()
    assert refused(world.redeem(code, code_verifier=verifier)) == INVALID_GRANT
    assert world.redeem(code).status == 200


@pytest.mark.attack("C05")
def test_C05_a_verifier_nobody_asked_for_is_a_downgrade(world: World) -> None:
    assert refused(world.redeem(world.code(verifier=""))) == INVALID_GRANT


@pytest.mark.attack("C06")
@pytest.mark.parametrize(
    "verifier",
    [
        "v" * 42,
        "v" * 129,
        "v" * 42 + "=",
        "v" * 43 + " ",
        " " + "v" * 43,
        "v" * 42 + "é",
        "v" * 43 + "\n",
    ],
)
def test_C06_malformed_verifiers(world: World, verifier: str) -> None:
    code = world.code()
    assert refused(world.redeem(code, code_verifier=verifier)) == INVALID_GRANT
    assert world.redeem(code).status == 200


@pytest.mark.attack("C08")
def test_C08_an_empty_verifier_counts_as_none(world: World) -> None:
    code = world.code()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.client.redirect_uris[0],
        "code_verifier": "",
    }
    assert refused(world.post("/token", world.client, **form)) == INVALID_GRANT


@pytest.mark.attack("A20")
@pytest.mark.parametrize(
    "redirect_uri", ["", "https://portal.example.vn/other", "https://portal.example.vn/cb/"]
)
def test_A20_another_redirect_uri_and_the_code_is_left(world: World, redirect_uri: str) -> None:
    code = world.code()
    assert refused(world.redeem(code, redirect_uri=redirect_uri)) == INVALID_GRANT
    assert refused(world.redeem(code, world.other)) == INVALID_GRANT
    assert world.redeem(code).status == 200


@pytest.mark.attack("D06")
@pytest.mark.parametrize(("age", "good"), [(55, True), (59, True), (60, False), (61, False)])
def test_D06_a_code_lives_sixty_seconds(world: World, age: int, good: bool) -> None:
    code = world.code()
    world.clock.advance(age)
    assert (world.redeem(code).status == 200) is good


def test_oidcc_codereuse(world: World) -> None:
    code = world.code()
    tokens = body(world.redeem(code))
    assert refused(world.redeem(code)) == INVALID_GRANT
    assert world.alive(tokens) == (False, False)
    events = [each["event"] for each in world.audited(2)]
    assert events == ["GrantReplayed", "TokenRefused"]


def test_oidcc_codereuse_30seconds(world: World) -> None:
    code = world.code()
    tokens = body(world.redeem(code))
    world.clock.advance(30)
    assert refused(world.redeem(code)) == INVALID_GRANT
    assert world.alive(tokens) == (False, False)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT


def test_another_client_cannot_end_what_a_used_code_gave(world: World) -> None:
    code = world.code()
    tokens = body(world.redeem(code))
    assert refused(world.redeem(code, world.other)) == INVALID_GRANT
    assert world.alive(tokens) == (True, True)


@pytest.mark.attack("D07")
def test_D07_each_kind_of_token_is_good_for_its_own_use_only(world: World) -> None:
    code, spare = world.code(), world.code()
    tokens = body(world.redeem(code))
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    for wrong in (spare, refresh):
        assert world.userinfo(wrong).status == 401
    for wrong in (spare, access):
        assert refused(world.refresh(wrong)) == INVALID_GRANT
    for wrong in (access, refresh):
        assert refused(world.redeem(wrong)) == INVALID_GRANT
    session = world.session()
    for wrong in (session.id, session.id + "A" * 43):
        assert refused(world.redeem(wrong)) == INVALID_GRANT
    assert world.redeem(spare).status == 200
    assert world.alive(tokens) == (True, True)


@pytest.mark.attack("D08")
def test_D08_a_code_after_the_session_ended(world: World) -> None:
    session = world.session()
    code = world.code(world.authorization(session=session))
    endings(world.services).end(session)
    assert refused(world.redeem(code)) == INVALID_GRANT


@pytest.mark.attack("D09")
def test_D09_a_code_after_the_client_changed(world: World) -> None:
    code, again, narrow = (world.code() for _ in range(3))
    changed = world.change_client(world.client, scope=("profile",))
    assert refused(world.redeem(narrow)) == INVALID_GRANT
    changed = world.change_client(changed, scope=world.client.scope, secrets=())
    assert refused(world.redeem(again)) == (401, "invalid_client")
    world.change_client(changed, secrets=world.client.secrets, status=ClientStatus.DISABLED)
    assert refused(world.redeem(code)) == (401, "invalid_client")


@pytest.mark.attack("D12")
def test_D12_other_ways_to_send_it(world: World) -> None:
    code = world.code()
    good = {"grant_type": "authorization_code", "code": code}
    headers = {"authorization": basic("portal", SECRET)}
    for content_type in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        request = Request(
            "POST",
            "/token",
            form=Params(good.items()),
            headers={**headers, "content-type": content_type},
        )
        answer = world.call("/token", request)
        assert answer.status == 415
        assert "application/x-www-form-urlencoded" in body(answer)["error_description"]
    assert world.redeem(code).status == 200


@pytest.mark.attack("D13")
def test_D13_repeated_or_split_parameters(world: World) -> None:
    code = world.code()
    good = (
        ("grant_type", "authorization_code"),
        ("redirect_uri", world.client.redirect_uris[0]),
        ("code_verifier", VERIFIER),
    )
    headers = {
        "authorization": basic("portal", SECRET),
        "content-type": "application/x-www-form-urlencoded",
    }
    twice = Request(
        "POST", "/token", form=Params((*good, ("code", code), ("code", code))), headers=headers
    )
    split = Request(
        "POST",
        "/token",
        query=Params((("code", code),)),
        form=Params((*good, ("code", code))),
        headers=headers,
    )
    for request in (twice, split):
        assert refused(world.call("/token", request)) == (400, "invalid_request")
    assert world.redeem(code).status == 200


@pytest.mark.attack("D14")
def test_D14_guessing_codes_is_slowed_down(world: World) -> None:
    answers = [world.redeem(str(Handle.new())) for _ in range(601)]
    assert {each.status for each in answers[:600]} == {400}
    assert answers[600].status == 429
    assert answers[600].headers["Retry-After"] == "60"
    assert world.redeem(world.code()).status == 200


@pytest.mark.attack("D15")
def test_D15_codes_are_long_and_share_nothing(world: World) -> None:
    codes = [world.code() for _ in range(200)]
    assert len({each[:8] for each in codes}) == 200
    assert {len(each) for each in codes} == {54}
    assert all(world.account.id not in each for each in codes)


@pytest.mark.attack("Q08")
def test_Q08_all_bad_codes_look_alike(world: World) -> None:
    used, expired, foreign = world.code(), world.code(), world.code()
    world.redeem(used)
    answers = [
        world.redeem(used),
        world.redeem(foreign, world.other),
        world.redeem(str(Handle.new())),
        world.redeem("garbage"),
        world.redeem(foreign, code_verifier="w" * 43),
    ]
    world.clock.advance(61)
    answers.append(world.redeem(expired))
    told = [body(each) for each in answers]
    assert len({each.pop("reference") for each in told}) == len(answers)
    assert all(each == told[0] for each in told)
    assert {(each.status, len(each.body)) for each in answers} == {(400, len(answers[0].body))}
    reasons = [each["reason"] for each in world.audited(20) if each["event"] == "TokenRefused"]
    assert len(set(reasons)) >= 4


@pytest.mark.parametrize("code", ["", "x", "é" * 54, "A" * 54, "A" * 60_000])
def test_garbage_is_an_invalid_grant(world: World, code: str) -> None:
    expected = INVALID_GRANT if code else (400, "invalid_request")
    assert refused(world.redeem(code)) == expected
