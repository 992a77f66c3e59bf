"""Client authentication with a signed assertion: RFC 7523 §3, OIDC Core §9, FAPI 2.0 §5.3.2.

Each assertion is accepted once. ``clients.keys`` provides the client's keys.
"""

from collections.abc import Mapping
from typing import Any

from idp.jose.jwt import (
    LEEWAY,
    InvalidToken,
    UnverifiedJwt,
    check_algorithm,
    check_claims,
    check_signature,
    check_typ,
    parse_jwt,
)
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.profile import Profile
from idp.oidc.errors import OAuthError, invalid_client
from idp.storage.used import AlreadyUsed, Use, Uses

MAX_LIFE = 5 * 60
"""Seconds after its ``iat`` that an assertion is accepted; bounds the remembered uses."""
_TYP = ("", "JWT", "client-authentication+jwt")


def parse_assertion(assertion: str) -> tuple[str, UnverifiedJwt]:
    """The claimed client id and the unverified assertion.

    Raises:
        OAuthError: ``invalid_client``: not a JWT with equal ``iss`` and ``sub``.
    """
    try:
        jwt = parse_jwt(assertion)
        check_typ(jwt, _TYP)
    except InvalidToken as error:
        raise _refused(error) from error
    issuer, subject = jwt.claims.get("iss"), jwt.claims.get("sub")
    if not isinstance(issuer, str) or not issuer or issuer != subject:
        raise invalid_client("assertion_subject")
    return issuer, jwt


def verify_assertion(
    client: Client | None,
    jwt: UnverifiedJwt,
    *,
    client_keys: ClientKeys,
    issuer: str,
    endpoints: tuple[str, ...],
    uses: Uses,
    now: int,
) -> Client:
    """The client, if it signed the assertion; ``endpoints`` are accepted audiences.

    Raises:
        OAuthError: ``invalid_client``.
        Unavailable: too many requests wait for clients' keys; the database does not answer.
    """
    if client is None:
        raise invalid_client("unknown_client")
    profile, registered = client.profile, client.token_endpoint_auth_signing_alg
    try:
        algorithms = (registered,) if registered else profile.assertion_algs
        check_algorithm(jwt, algorithms)  # first: other algorithms must not cause a fetch
        claims = check_signature(jwt, client_keys.find(client, jwt.kid), algorithms)
        check_claims(claims, issuer=None, audience=None, now=now, required=("exp", "jti"))
    except InvalidToken as error:
        raise _refused(error) from error
    _check_audience(claims, issuer, endpoints, profile)
    _use_once(client, claims, uses, end=_end(client, claims, now))
    return client


def _refused(error: InvalidToken) -> OAuthError:
    return invalid_client(f"assertion_{error.reason}", seen=error.seen, seconds=error.seconds)


def _check_audience(
    claims: Mapping[str, Any], issuer: str, endpoints: tuple[str, ...], profile: Profile
) -> None:
    """The provider is the only audience: one of several could replay the assertion."""
    audience, accepted = claims.get("aud"), (issuer, *endpoints)
    if profile.assertion_for_issuer_only:
        accepted = (issuer,)
    elif isinstance(audience, list) and (len(audience) == 1 or profile.assertion_for_several):
        audience = next((each for each in audience if each in accepted), None)
    if audience not in accepted:
        sent = claims.get("aud")
        shown = " ".join(map(str, sent)) if isinstance(sent, list) else str(sent)
        raise invalid_client("assertion_aud", seen=shown)


def _end(client: Client, claims: Mapping[str, Any], now: int) -> float:
    """The assertion's expiry: its ``exp``, or :data:`MAX_LIFE` after its ``iat``.

    An ``exp`` further ahead than the client registered is refused, even if ``iat`` makes it expire
    sooner (RFC 7523 §3, FAPI 2.0 §5.3.2.1).
    """
    exp, iat = claims["exp"], claims.get("iat")
    end: float = exp if iat is None else min(exp, iat + MAX_LIFE)
    ahead = min(client.client_assertion_max_seconds, client.profile.assertion_max_ahead)
    if exp > now + ahead + LEEWAY or end > now + MAX_LIFE + LEEWAY:
        raise invalid_client("assertion_lives_too_long", seconds=int(exp - now))
    if end <= now - LEEWAY:
        raise invalid_client("assertion_expired")
    return end


def _use_once(client: Client, claims: Mapping[str, Any], uses: Uses, *, end: float) -> None:
    try:
        uses.use(use_of("assertion", client, {**claims, "exp": end}))
    except AlreadyUsed as error:
        raise invalid_client("assertion_replayed") from error


def use_of(kind: str, client: Client, claims: Mapping[str, Any]) -> Use:
    """The single use of a JWT signed by the client, remembered until no node accepts it."""
    return Use(kind, client.client_id, claims["jti"], int(claims["exp"]) + 2 * LEEWAY)
