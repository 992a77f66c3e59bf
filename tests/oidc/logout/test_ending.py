"""The end of a session ends what was issued in it, on every node, when it returns."""

from dataclasses import replace

from idp.oidc.logout.views import endings
from idp.oidc.tokens.participants import join
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from tests.oidc.world import World, body


def test_an_ended_session_ends_its_tokens_where_its_revocation_is_not_known_yet(
    world: World,
) -> None:
    session = world.session()
    authorization = world.authorization(session=session)
    world.transient.run(*join(authorization, now=world.clock()))
    tokens = body(world.redeem(world.code(authorization)))
    other = world.tokens()
    assert world.alive(tokens) == (True, True)

    # Another node ends it: its own view knows, ours is still within its trusted age.
    there = Ends(world.services.audit, Revocations(world.database, world.clock))
    replace(endings(world.services), ends=there).end(session)

    assert world.alive(tokens) == (False, False)
    assert world.alive(other) == (True, True)
