"""Rotation: the plan, and that nothing signed ever fails to verify."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.core.errors import Unavailable
from idp.jose.jwt import check_signature, parse_jwt, sign_jwt
from idp.keystore.keyset import KeySet, KeyState, SigningKey, WeakKey, from_private_key, generate
from idp.keystore.rotation import (
    DAY,
    Generate,
    Policy,
    Promote,
    Remove,
    apply,
    plan,
    plan_revocation,
)

NOW = 1_800_000_000
POLICY = Policy(algs=("ES256",))


def started() -> KeySet:
    return apply(KeySet(), plan(KeySet(), NOW, POLICY), NOW)


def one(keys: KeySet, state: KeyState) -> SigningKey:
    (found,) = keys.find("ES256", state)
    assert isinstance(found, SigningKey)
    return found


def test_the_first_plan_makes_a_current_and_a_next_key() -> None:
    assert plan(KeySet(), NOW, POLICY) == (
        Generate("ES256", KeyState.CURRENT),
        Generate("ES256", KeyState.NEXT),
    )
    keys = started()
    assert keys.signer("ES256").kid == one(keys, KeyState.CURRENT).kid
    published = keys.jwks()["keys"]
    assert [each["kid"] for each in published] == [each.kid for each in keys.keys]
    assert plan(keys, NOW, POLICY) == ()


@pytest.mark.attack("I01")
def test_I01_only_public_members_of_strong_keys_are_published() -> None:
    keys = KeySet(
        (generate("ES256", KeyState.CURRENT, NOW), generate("RS256", KeyState.CURRENT, NOW))
    )
    ec_jwk, rsa_jwk = keys.jwks()["keys"]
    assert set(ec_jwk) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert set(rsa_jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (ec_jwk["use"], ec_jwk["alg"], ec_jwk["crv"]) == ("sig", "ES256", "P-256")
    assert (rsa_jwk["use"], rsa_jwk["alg"], len(rsa_jwk["n"])) == ("sig", "RS256", 3072 // 6)
    assert ec_jwk["kid"] != rsa_jwk["kid"]


def test_a_key_changes_after_its_period_and_not_before() -> None:
    keys = started()
    current, waiting = one(keys, KeyState.CURRENT), one(keys, KeyState.NEXT)
    assert plan(keys, NOW + POLICY.period - 1, POLICY) == ()
    at = NOW + POLICY.period
    actions = plan(keys, at, POLICY)
    assert actions == (Promote(waiting.kid), Generate("ES256", KeyState.NEXT))
    keys = apply(keys, actions, at)
    assert keys.signer("ES256").kid == waiting.kid
    assert one(keys, KeyState.RETIRED) == current.become(KeyState.RETIRED, at)
    assert plan(keys, at + POLICY.keep_retired - 1, POLICY) == ()
    assert plan(keys, at + POLICY.keep_retired, POLICY) == (Remove(current.kid),)


def test_an_operator_may_hurry_but_not_past_what_relying_parties_know() -> None:
    keys = started()
    assert plan(keys, NOW + POLICY.publish_ahead - 1, POLICY, due=True) == ()
    assert plan(keys, NOW + POLICY.publish_ahead, POLICY, due=True) == (
        Promote(one(keys, KeyState.NEXT).kid),
        Generate("ES256", KeyState.NEXT),
    )


@pytest.mark.attack("I07")
def test_I07_a_revoked_current_key_is_gone_at_once() -> None:
    keys = started()
    token = sign_jwt(keys.signer("ES256"), {})
    bad, waiting = one(keys, KeyState.CURRENT), one(keys, KeyState.NEXT)
    keys = apply(keys, plan_revocation(keys, bad.kid), NOW)
    assert keys.signer("ES256").kid == waiting.kid
    assert bad.kid not in {each["kid"] for each in keys.jwks()["keys"]}
    assert keys.verification().find(parse_jwt(token).kid, "ES256") is None
    assert len(keys.find("ES256", KeyState.NEXT)) == 1


def test_a_next_or_retired_key_is_revoked_too() -> None:
    keys = started()
    at = NOW + POLICY.period
    keys = apply(keys, plan(keys, at, POLICY), at)
    retired, waiting = one(keys, KeyState.RETIRED), one(keys, KeyState.NEXT)
    assert plan_revocation(keys, retired.kid) == (Remove(retired.kid),)
    assert plan_revocation(keys, waiting.kid) == (
        Remove(waiting.kid),
        Generate("ES256", KeyState.NEXT),
    )
    with pytest.raises(LookupError):
        plan_revocation(keys, "unknown")


def test_a_current_key_without_a_next_is_replaced_by_a_new_one() -> None:
    alone = KeySet((generate("ES256", KeyState.CURRENT, NOW),))
    keys = apply(alone, plan_revocation(alone, alone.keys[0].kid), NOW)
    assert [each.state for each in keys.keys] == [KeyState.CURRENT, KeyState.NEXT]


def test_there_is_no_fallback_to_another_algorithm() -> None:
    with pytest.raises(Unavailable, match="keys"):
        started().signer("RS256")
    with pytest.raises(Unavailable, match="keys"):
        KeySet().signer("ES256")


def test_a_set_that_contradicts_itself_is_refused() -> None:
    key = generate("ES256", KeyState.CURRENT, NOW)
    with pytest.raises(ValueError, match="twice"):
        KeySet((key, key))
    with pytest.raises(ValueError, match="two current"):
        KeySet((key, generate("ES256", KeyState.CURRENT, NOW)))


def test_only_what_we_sign_with_is_generated() -> None:
    for alg in ("none", "HS256", "PS256", "EdDSA"):
        with pytest.raises(ValueError, match="no algorithm of ours"):
            generate(alg, KeyState.NEXT, NOW)
    with pytest.raises(WeakKey):
        from_private_key(b"key", "ES256", KeyState.NEXT, NOW)


@given(st.lists(st.integers(1, 40 * DAY), min_size=1, max_size=25), st.data())
def test_whenever_it_is_run_what_was_signed_verifies_and_next_was_published(
    pauses: list[int], data: st.DataObject
) -> None:
    """Tokens live for ``keep_retired``; relying parties cached the set ``publish_ahead`` ago."""
    keys, now = started(), NOW
    published_at = {each.kid: NOW for each in keys.keys}
    tokens = [(NOW, sign_jwt(keys.signer("ES256"), {}))]
    for pause in pauses:
        now += pause
        before = keys.signer("ES256").kid
        keys = apply(keys, plan(keys, now, POLICY, due=data.draw(st.booleans())), now)
        for each in keys.keys:
            published_at.setdefault(each.kid, now)
        signer = keys.signer("ES256")
        if signer.kid != before:
            assert now - published_at[signer.kid] >= POLICY.publish_ahead
            tokens.append((now, sign_jwt(signer, {})))
        tokens.append((now, sign_jwt(signer, {})))
        for signed_at, token in tokens:
            jwt = parse_jwt(token)
            if now - signed_at < POLICY.keep_retired or jwt.kid == signer.kid:
                check_signature(jwt, keys.verification(), ["ES256"])
        assert len(keys.keys) <= 3 + len([t for t, _ in tokens if now - t < POLICY.keep_retired])
