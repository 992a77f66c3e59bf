"""ID tokens: OpenID Connect Core §2 and §3.1.3.6. Personal data only if requested for it."""

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core.util import create_half_hash

from idp.oidc.tokens.authorization import Authorization


def half_hash(value: str, alg: str) -> str:
    """``at_hash`` of an access token, ``c_hash`` of a code, under a signing algorithm."""
    found: bytes = create_half_hash(value, alg)
    return found.decode("ascii")


def id_token_claims(
    authorization: Authorization,
    *,
    issuer: str,
    subject: str,
    sid: str,
    hashes: Mapping[str, str],
    personal: Mapping[str, Any],
    now: int,
    ttl: int,
) -> dict[str, Any]:
    """The claims of an ID token. ``personal`` never replaces a protocol claim.

    ``hashes`` bind the other members of the response: ``at_hash``, ``c_hash`` (OIDC Core
    §3.3.2.11) and ``s_hash`` (FAPI 1.0 Advanced §5.2.2.1).
    """
    nonce = {"nonce": authorization.nonce} if authorization.nonce is not None else {}
    return {
        **personal,
        "iss": issuer,
        "sub": subject,
        "aud": authorization.client_id,
        "exp": now + ttl,
        "iat": now,
        "auth_time": authorization.auth_time,
        "acr": authorization.acr,
        "amr": list(authorization.amr),
        "sid": sid,
        **hashes,
        **nonce,
    }
