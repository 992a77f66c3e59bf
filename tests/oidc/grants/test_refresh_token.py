"""The refresh_token grant: one live branch, a short grace, and the end of a family."""

from dataclasses import replace
from typing import Any

import pytest

from idp.accounts.model import Lock
from idp.core.clock import NODE_SKEW
from idp.core.person import CivilStatus
from idp.oidc.clients.profile import PROFILES
from idp.oidc.consent.model import Consent
from idp.standing.subjects import Subject
from idp.storage.memory import MemoryStore
from idp.storage.transient import Operation, Put
from tests.oidc.world import INVALID_GRANT, World, body, refused


@pytest.fixture
def tokens(world: World) -> dict[str, Any]:
    return world.tokens(scope=("openid", "profile", "records:read"))


def test_oidcc_refresh_token(world: World, tokens: dict[str, Any]) -> None:
    fresh = body(world.refresh(tokens["refresh_token"]))
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert fresh["access_token"] != tokens["access_token"]
    assert fresh["scope"] == "openid profile records:read"
    assert world.alive(fresh) == (True, True)
    assert refused(world.refresh(fresh["refresh_token"], world.other)) == INVALID_GRANT
    assert world.refresh(fresh["refresh_token"]).status == 200


@pytest.mark.attack("F12")
def test_F12_the_id_token_keeps_who_and_when(world: World, tokens: dict[str, Any]) -> None:
    first = world.id_token(tokens["id_token"])
    world.clock.advance(90)
    second = world.id_token(body(world.refresh(tokens["refresh_token"]))["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert second[name] == first[name]
    assert second["iat"] == first["iat"] + 90
    assert "nonce" in first
    assert "nonce" not in second


@pytest.mark.attack("F04")
def test_F04_a_token_replayed_within_its_second(world: World, tokens: dict[str, Any]) -> None:
    second = body(world.refresh(tokens["refresh_token"]))
    third = body(world.refresh(second["refresh_token"]))
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(third) == (False, False)


def test_the_loser_of_two_at_once_ends_nothing(world: World, tokens: dict[str, Any]) -> None:
    won = body(world.refresh(tokens["refresh_token"]))
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    world.clock.advance(1)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(won) == (True, True)


def test_who_is_overtaken_between_reading_and_taking_leaves_nothing(
    world: World, tokens: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, won = world.services.transient, list[dict[str, Any]]()
    run, sent = store.run, list[Operation]()

    def overtaken(*operations: Operation) -> tuple[Any, ...]:
        found = run(*operations)
        sent.extend(operations)
        if not won and any(each.key.startswith("refresh:") for each in operations):
            won.append({})
            won[0] = body(world.refresh(tokens["refresh_token"]))
        return found

    monkeypatch.setattr(store, "run", overtaken)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(won[0]) == (True, True)
    # An access token is stored by what uses the refresh token, or not at all.
    assert not any(isinstance(each, Put) for each in sent)


@pytest.mark.attack("F14")
@pytest.mark.parametrize("age", [2, 15, 29])
def test_F14_a_lost_answer_is_given_again(world: World, tokens: dict[str, Any], age: int) -> None:
    lost = body(world.refresh(tokens["refresh_token"]))
    world.clock.advance(age)
    again = body(world.refresh(tokens["refresh_token"]))
    assert again["refresh_token"] == lost["refresh_token"]  # one branch
    following = body(world.refresh(again["refresh_token"]))
    assert world.alive(following) == (True, True)


@pytest.mark.attack("F14")
def test_F14_an_answer_given_again_is_in_the_audit_log(
    world: World, tokens: dict[str, Any]
) -> None:
    world.refresh(tokens["refresh_token"])
    world.clock.advance(5)
    assert world.refresh(tokens["refresh_token"]).status == 200
    repeated, issued = world.audited(2)
    assert (repeated["event"], issued["event"]) == ("RefreshRepeated", "TokenIssued")
    assert repeated["client_id"] == "portal"
    assert repeated["flow"] == issued["flow"]


@pytest.mark.attack("F14")
def test_F14_the_window_is_off_where_the_metadata_say_so(
    world: World, tokens: dict[str, Any]
) -> None:
    world.change_client(world.client, refresh_token_repeat_seconds=0)
    fresh = body(world.refresh(tokens["refresh_token"]))
    world.clock.advance(1)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT  # two at once
    assert world.alive(fresh) == (True, True)
    world.clock.advance(1)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(fresh) == (False, False)


@pytest.mark.attack("F14")
@pytest.mark.parametrize("profile", sorted(PROFILES.keys() - {"baseline"}))
def test_F14_no_fapi_profile_gives_an_answer_again(profile: str) -> None:
    assert not PROFILES[profile].refresh_repeat


def test_a_client_may_narrow_the_window(world: World, tokens: dict[str, Any]) -> None:
    world.change_client(world.client, refresh_token_repeat_seconds=10)
    world.refresh(tokens["refresh_token"])
    world.clock.advance(9)
    assert world.refresh(tokens["refresh_token"]).status == 200
    world.clock.advance(1)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT


def test_after_the_grace_a_used_token_ends_the_family(world: World, tokens: dict[str, Any]) -> None:
    fresh = body(world.refresh(tokens["refresh_token"]))
    world.clock.advance(30)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(fresh) == (False, False)
    assert world.alive(tokens) == (False, False)
    assert [each["event"] for each in world.audited(2)] == ["GrantReplayed", "TokenRefused"]


def test_within_the_grace_a_used_successor_tells_a_thief(
    world: World, tokens: dict[str, Any]
) -> None:
    second = body(world.refresh(tokens["refresh_token"]))
    world.clock.advance(5)
    third = body(world.refresh(second["refresh_token"]))
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.alive(third) == (False, False)


@pytest.mark.attack("F07")
def test_F07_others_cannot_use_it_nor_end_it(world: World, tokens: dict[str, Any]) -> None:
    token = tokens["refresh_token"]
    assert refused(world.refresh(token, world.other)) == INVALID_GRANT
    unauthenticated = {"grant_type": "refresh_token", "refresh_token": token}
    bare = world.post("/token", None, client_id="portal", **unauthenticated)
    assert refused(bare) == (401, "invalid_client")
    changed = world.change_client(world.client, token_endpoint_auth_method="private_key_jwt")
    assert refused(world.refresh(token)) == (401, "invalid_client")
    world.change_client(changed, token_endpoint_auth_method="client_secret_basic")
    fresh = body(world.refresh(token))
    assert refused(world.refresh(token, world.other)) == INVALID_GRANT  # used, by somebody else
    assert world.alive(fresh) == (True, True)


@pytest.mark.attack("F08")
def test_F08_never_wider(world: World, tokens: dict[str, Any]) -> None:
    token = tokens["refresh_token"]
    wider = world.refresh(token, scope="openid profile pid")
    assert refused(wider) == (400, "invalid_scope")
    assert refused(world.refresh(token, scope='"')) == (400, "invalid_scope")
    elsewhere = world.refresh(token, resource="https://other.example.vn")
    assert refused(elsewhere) == (400, "invalid_target")
    claims = '{"id_token":{"name":{"essential":true}},"userinfo":{"pid":null}}'
    fresh = body(world.refresh(token, claims=claims))
    assert "name" not in world.id_token(fresh["id_token"])
    assert "pid" not in body(world.userinfo(fresh["access_token"]))


def test_narrower_for_once(world: World, tokens: dict[str, Any]) -> None:
    narrow = body(world.refresh(tokens["refresh_token"], scope="records:read"))
    assert narrow["scope"] == "records:read"
    assert "id_token" not in narrow
    assert world.userinfo(narrow["access_token"]).status == 403
    assert body(world.refresh(narrow["refresh_token"]))["scope"] == tokens["scope"]


@pytest.mark.attack("F09")
def test_F09_sliding_does_not_pass_the_absolute_end(world: World) -> None:
    tokens = world.tokens()
    for _ in range(12):
        world.clock.advance(3_599)
        tokens = body(world.refresh(tokens["refresh_token"]))
    assert tokens["expires_in"] == 12  # not past the session either
    world.clock.advance(12)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    assert world.userinfo(tokens["access_token"]).status == 401


@pytest.mark.attack("F10")
@pytest.mark.attack("H18")
@pytest.mark.parametrize(
    "blow", ["logout", "operator", "consent", "lock", "card", "death", "scope"]
)
def test_F10_H18_whatever_ends_ends_the_tokens(
    world: World, tokens: dict[str, Any], blow: str
) -> None:
    services, account = world.services, world.account
    session_id = _session_id(world)
    match blow:
        case "logout":
            services.revocations.revoke(
                Subject("session", session_id), expires_at=world.clock() + 99
            )
        case "operator":
            services.revocations.revoke(
                Subject("account", account.id), expires_at=world.clock() + 99
            )
        case "consent":
            _withdraw_consent(world)
        case "lock":
            world.accounts.set_lock(account.id, Lock.HOLDER)
        case "card":
            world.accounts.set_lock(account.id, Lock.CARD_REVOKED)
        case "death":
            world.registry.set_status(account.number, CivilStatus.DECEASED)
        case "scope":
            world.change_client(world.client, scope=("openid", "profile"))
    assert world.userinfo(tokens["access_token"]).status == 401
    assert world.introspect(tokens["access_token"]) == {"active": False}
    assert world.introspect(tokens["refresh_token"]) == {"active": False}
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT


def _session_id(world: World) -> str:
    """The one session there is."""
    assert isinstance(world.transient, MemoryStore)
    (key,) = (each for each in world.transient.records if each.startswith("session:"))
    return key.removeprefix("session:{").removesuffix("}")


def _withdraw_consent(world: World) -> None:
    consent = Consent(
        account_id=world.account.id,
        client_id="portal",
        purpose_version="1",
        granted=frozenset({"name"}),
        refused=frozenset(),
        text_digest="d",
        locale="vi",
        level=2,
        given_at=world.clock(),
    )
    world.services.consents.add(consent)
    world.services.consents.withdraw(world.account.id, "portal")


@pytest.mark.attack("F10")
def test_F10_offline_access_means_nothing_unregistered_and_binds_once_registered(
    world: World,
) -> None:
    tokens = world.tokens(scope=("openid", "offline_access"))
    without = world.change_client(world.client, scope=("openid",))
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT
    tokens = world.tokens(without, scope=("openid", "offline_access"))
    assert tokens["scope"] == "openid"
    assert world.refresh(tokens["refresh_token"]).status == 200


def test_a_new_login_after_an_operator_ended_the_old_ones_works(world: World) -> None:
    world.services.revocations.revoke(
        Subject("account", world.account.id), expires_at=world.clock() + 43_200
    )
    world.clock.advance(NODE_SKEW + 1)
    assert world.alive(world.tokens()) == (True, True)


def test_no_refresh_when_the_grant_is_registered_no_more(
    world: World, tokens: dict[str, Any]
) -> None:
    world.change_client(world.client, grant_types=("authorization_code",))
    assert refused(world.refresh(tokens["refresh_token"])) == (400, "unauthorized_client")


@pytest.mark.attack("F11")
def test_F11_mangled_tokens(world: World, tokens: dict[str, Any]) -> None:
    token = tokens["refresh_token"]
    flipped = "B" if token[20] == "A" else "A"
    mangled = [token[:-1], token[:-10], token + "A", token.swapcase(), "x", token[11:]]
    mangled.append(token[:20] + flipped + token[21:])
    for each in mangled:
        assert refused(world.refresh(each)) == INVALID_GRANT
    assert world.refresh(token).status == 200


@pytest.mark.attack("F13")
def test_F13_a_refresh_token_is_nothing_else(world: World, tokens: dict[str, Any]) -> None:
    assert world.userinfo(tokens["refresh_token"]).status == 401
    assert world.introspect(tokens["refresh_token"], world.other) == {"active": False}


def test_the_family_of_one_login_is_not_that_of_another(world: World) -> None:
    first, second = world.tokens(), world.tokens()
    world.refresh(first["refresh_token"])
    world.clock.advance(31)
    world.refresh(first["refresh_token"])
    assert world.alive(first) == (False, False)
    assert world.alive(second) == (True, True)


def test_a_public_client_refreshes_by_rotation_alone(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    tokens = world.tokens(app)
    fresh = body(world.refresh(tokens["refresh_token"], app))
    assert fresh["refresh_token"] != tokens["refresh_token"]


def test_the_successor_needs_the_pepper(world: World, tokens: dict[str, Any]) -> None:
    from idp.core.handles import Handle
    from idp.oidc.tokens.refresh_token import successor

    handle = Handle.parse(tokens["refresh_token"])
    assert handle is not None
    fresh = body(world.refresh(tokens["refresh_token"]))["refresh_token"]
    assert fresh == str(successor(world.services.pepper, handle))
    assert fresh != str(successor(bytes(32), handle))
    assert replace(handle, secret=fresh[11:]) == Handle.parse(fresh)


def test_a_scope_ignored_at_the_login_is_ignored_at_a_refresh(world: World) -> None:
    token = world.tokens(scope=("openid", "offline_access"))["refresh_token"]
    answer = world.refresh(token, scope="openid  unknown offline_access")
    assert body(answer)["scope"] == "openid offline_access"
