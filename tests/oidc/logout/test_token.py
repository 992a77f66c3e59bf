"""Logout tokens, read by a library that is not ours."""

import jwt

from idp.core.clock import FixedClock
from idp.oidc.logout.delivery import Message
from idp.oidc.logout.token import EVENT, logout_token
from tests.oidc.front import Front

MESSAGE = Message("portal", "digest-of-the-session", "sub-at-the-portal", "sid-at-the-portal")


def test_every_try_has_a_fresh_token_with_exactly_these_claims(
    front: Front, clock: FixedClock
) -> None:
    signer = front.services.keys.signer("ES256")
    first, second = (
        logout_token(signer, MESSAGE, issuer="https://id.example.vn", now=clock()) for _ in "12"
    )
    key = jwt.PyJWKSet.from_dict(front.services.keys.jwks())[signer.kid]
    options = {"verify_exp": False, "verify_iat": False}  # the test's clock is not the machine's
    claims = jwt.decode(first, key, ["ES256"], audience="portal", options=options)
    assert jwt.get_unverified_header(first) == {
        "alg": "ES256",
        "kid": signer.kid,
        "typ": "logout+jwt",
    }
    jti = claims.pop("jti")
    assert claims == {
        "iss": "https://id.example.vn",
        "sub": "sub-at-the-portal",
        "aud": "portal",
        "iat": clock(),
        "exp": clock() + 120,
        "events": {EVENT: {}},
        "sid": "sid-at-the-portal",
    }
    assert len(jti) == 22
    other = jwt.decode(second, key, ["ES256"], audience="portal", options=options)
    assert other["jti"] != jti
