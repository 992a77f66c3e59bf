"""Revocation: what ends, what does not, and that the answer tells nothing."""

import pytest

from idp.core.handles import Handle
from idp.login.session import session_key
from idp.oidc.tokens.standing import revoked_key
from idp.storage.memory import MemoryStore
from tests.oidc.world import INVALID_GRANT, World, body, refused


def test_an_access_token_ends_alone(world: World) -> None:
    tokens = world.tokens()
    response = world.post("/revoke", world.client, token=tokens["access_token"])
    assert (response.status, response.body) == (200, b"")
    assert world.alive(tokens) == (False, True)
    assert world.audited()[0]["kind"] == "access_token"


def test_a_refresh_token_ends_its_family(world: World) -> None:
    tokens = world.tokens()
    fresh = body(world.refresh(tokens["refresh_token"]))
    assert world.post("/revoke", world.client, token=fresh["refresh_token"]).status == 200
    assert world.alive(fresh) == (False, False)
    assert world.alive(tokens) == (False, False)
    assert refused(world.refresh(fresh["refresh_token"])) == INVALID_GRANT
    assert world.audited(2)[0]["kind"] == "refresh_token"


def test_a_used_refresh_token_ends_its_family_too(world: World) -> None:
    tokens = world.tokens()
    fresh = body(world.refresh(tokens["refresh_token"]))
    world.post("/revoke", world.client, token=tokens["refresh_token"])
    assert world.alive(fresh) == (False, False)


def test_another_login_goes_on(world: World) -> None:
    ended, kept = world.tokens(), world.tokens()
    world.post("/revoke", world.client, token=ended["refresh_token"])
    assert world.alive(kept) == (True, True)


def test_what_was_revoked_stays_so_when_the_transient_store_forgets(
    world: World, transient: MemoryStore
) -> None:
    """A failover may bring back a deleted token and lose a mark: the database knows."""
    tokens = world.tokens()
    before = dict(transient.records)
    world.post("/revoke", world.client, token=tokens["access_token"])
    transient.records.update(before)
    assert world.alive(tokens) == (False, True)
    world.post("/revoke", world.client, token=tokens["refresh_token"])
    transient.records.pop(revoked_key(tokens["refresh_token"][:11]))
    assert world.alive(tokens) == (False, False)


def test_with_a_lost_session_nothing_is_issued_any_more(world: World) -> None:
    """What was issued ends by itself; a session that was *ended* ends it (test_ending)."""
    session = world.session()
    tokens = body(world.redeem(world.code(world.authorization(session=session))))
    world.transient.delete(session_key(session.id))
    assert world.alive(tokens) == (True, False)
    assert refused(world.refresh(tokens["refresh_token"])) == INVALID_GRANT


@pytest.mark.attack("H06")
def test_H06_another_client_ends_nothing(world: World) -> None:
    tokens = world.tokens()
    for name in ("access_token", "refresh_token"):
        assert world.post("/revoke", world.other, token=tokens[name]).status == 200
    assert world.alive(tokens) == (True, True)


@pytest.mark.attack("H07")
def test_H07_hints_and_garbage(world: World) -> None:
    tokens = world.tokens()
    for token in ("x", "é", "a.b.c", str(Handle.new()), "A" * 60_000, tokens["id_token"]):
        for hint in ("access_token", "refresh_token", "nonsense"):
            answer = world.post("/revoke", world.client, token=token, token_type_hint=hint)
            assert (answer.status, answer.body) == (200, b"")
    assert world.alive(tokens) == (True, True)
    wrong = {"token": tokens["refresh_token"], "token_type_hint": "access_token"}
    assert world.post("/revoke", world.client, **wrong).status == 200
    assert world.alive(tokens) == (False, False)


def test_a_public_client_revokes_its_own(world: World) -> None:
    app = world.add_client("app", token_endpoint_auth_method="none")
    tokens = world.tokens(app)
    assert world.post("/revoke", app, token=tokens["refresh_token"]).status == 200
    assert world.userinfo(tokens["access_token"]).status == 401


def test_a_token_is_needed(world: World) -> None:
    assert refused(world.post("/revoke", world.client)) == (400, "invalid_request")
