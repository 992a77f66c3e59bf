"""JSON Web Tokens, signed (RFC 7519, RFC 7515 compact form), as RFC 8725 wants them read.

A token is read once, strictly (:func:`parse_jwt`), then its signature is checked with a key that
*we* chose (:func:`check_signature`), then its claims (:func:`check_claims`);
:func:`verify_jwt` is all three. Nothing in a token ever names where a key comes from, but a DPoP
proof, whose reader asks for the ``jwk`` header by name.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.core.handles import b64url, b64url_decode
from idp.core.strict_json import dumps, loads_object
from idp.jose.algorithms import BadSignature, verify
from idp.jose.jwk import MAX_KID, Jwk, JwkSet
from idp.jose.signer import Signer

MAX_TOKEN = 16 * 1024
LEEWAY = 10
"""Seconds of clock difference forgiven."""

_REFUSED_HEADERS = frozenset({"crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc"})


class InvalidToken(Exception):
    """A token that is refused. ``reason`` is a short machine word for the audit log.

    ``seen`` is the header or claim that did not fit, as it was sent; ``seconds`` how far off a time
    is: since the end of a token that has expired, until the start of one that is not valid yet.
    """

    def __init__(self, reason: str, *, seen: str = "", seconds: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seen = seen
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class UnverifiedJwt:
    """A well-formed token about which nothing is proved yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def alg(self) -> str:
        """The algorithm it says it was signed with."""
        alg: str = self.header["alg"]
        return alg

    @property
    def kid(self) -> str | None:
        """The key it says it was signed with."""
        return self.header.get("kid")


def sign_jwt(
    signer: Signer,
    claims: Mapping[str, Any],
    *,
    typ: str | None = None,
    headers: Mapping[str, Any] | None = None,
) -> str:
    """The compact form of ``claims`` under the signer's key."""
    header = {"alg": signer.alg, "kid": signer.kid} | ({"typ": typ} if typ else {})
    signing_input = f"{_encode(header | dict(headers or {}))}.{_encode(claims)}"
    return f"{signing_input}.{b64url(signer.sign(signing_input.encode('ascii')))}"


def verify_jwt(  # noqa: PLR0913 -- each argument is one expectation
    token: str,
    keys: JwkSet,
    *,
    algorithms: Collection[str],
    issuer: str | None,
    audience: str | None,
    typ: Collection[str],
    now: int,
    leeway: int = LEEWAY,
    required: Collection[str] = (),
) -> Mapping[str, Any]:
    """The claims of a token that one of ``keys`` signed, for us, and that is valid now.

    ``issuer`` and ``audience`` None are not compared. ``typ`` lists the accepted ``typ`` headers,
    ``""`` standing for none at all. ``required`` claims must be there; ``exp``, ``nbf`` and
    ``iat`` are checked wherever they are.

    Raises:
        InvalidToken: it is anything else.
    """
    jwt = parse_jwt(token)
    check_typ(jwt, typ)
    claims = check_signature(jwt, keys, algorithms)
    check_claims(
        claims, issuer=issuer, audience=audience, now=now, leeway=leeway, required=required
    )
    return claims


def parse_jwt(token: str, *, headers: Collection[str] = ()) -> UnverifiedJwt:
    """Read the compact form without trusting it. ``headers`` are accepted although dangerous.

    Raises:
        InvalidToken: over 16 KiB, not three canonical base64url parts, not strict JSON, no usable
            ``alg``, or a header that would change how the token is read or where its key comes
            from.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidToken("too_long")
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("malformed")
    try:
        header_json, payload, signature = (b64url_decode(part) for part in parts)
        header, claims = loads_object(header_json), loads_object(payload)
    except ValueError as error:
        raise InvalidToken("malformed") from error
    _check_header(header, frozenset(headers))
    signing_input = token.rpartition(".")[0].encode("ascii")
    return UnverifiedJwt(header, claims, signing_input, signature)


def check_typ(jwt: UnverifiedJwt, accepted: Collection[str]) -> None:
    """Return when the ``typ`` header is an accepted one (RFC 7515 §4.1.9, RFC 8725 §3.11).

    Raises:
        InvalidToken: it is not.
    """
    typ = jwt.header.get("typ", "").lower().removeprefix("application/")
    if typ not in {each.lower() for each in accepted}:
        raise InvalidToken("typ", seen=typ)


def check_algorithm(jwt: UnverifiedJwt, accepted: Collection[str]) -> None:
    """Return when the token says it was signed under an accepted algorithm.

    Raises:
        InvalidToken: it says another.
    """
    if jwt.alg not in accepted:
        raise InvalidToken("algorithm", seen=jwt.alg)


def check_signature(
    jwt: UnverifiedJwt, keys: JwkSet | Jwk, accepted: Collection[str]
) -> Mapping[str, Any]:
    """The claims, now that a key we know has signed them under an algorithm we accept.

    The key's own type (and ``alg``, where it has one) bounds the algorithm as well.

    Raises:
        InvalidToken: the algorithm is not accepted, no key fits, or the signature is not good.
    """
    check_algorithm(jwt, accepted)
    if isinstance(keys, Jwk):
        keys = JwkSet((keys,))
    key = keys.find(jwt.kid, jwt.alg)
    if key is None:
        raise InvalidToken("unknown_key", seen=jwt.kid or "")
    try:
        verify(jwt.alg, key.key, jwt.signing_input, jwt.signature)
    except BadSignature as error:
        raise InvalidToken("signature") from error
    return jwt.claims


def check_claims(
    claims: Mapping[str, Any],
    *,
    issuer: str | None,
    audience: str | None,
    now: int,
    leeway: int = LEEWAY,
    required: Collection[str] = (),
) -> None:
    """Return when the registered claims (RFC 7519 §4.1) hold now.

    Raises:
        InvalidToken: they do not.
    """
    for name in required:
        if claims.get(name) in (None, ""):
            raise InvalidToken(f"missing_{name}")
    for name in ("iss", "sub", "jti"):
        if not isinstance(claims.get(name, ""), str):
            raise InvalidToken(name)
    _check_times(claims, now, leeway)
    if issuer is not None and claims.get("iss") != issuer:
        raise InvalidToken("iss", seen=str(claims.get("iss", "")))
    if audience is not None and audience not in audiences(claims):
        raise InvalidToken("aud", seen=" ".join(audiences(claims)))


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom the token is for: one or several.

    Raises:
        InvalidToken: ``aud`` is neither a string nor an array of strings.
    """
    value = claims.get("aud", [])
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidToken("aud")
    return tuple(found)


def _check_times(claims: Mapping[str, Any], now: int, leeway: int) -> None:
    exp, nbf, iat = (_numeric_date(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is not None and exp <= now - leeway:
        raise InvalidToken("expired", seconds=int(now - exp))
    if (starts_at := max(nbf or 0, iat or 0)) > now + leeway:
        raise InvalidToken("not_yet_valid", seconds=int(starts_at - now))


def _numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise InvalidToken(name)
    return value


def _check_header(header: Mapping[str, Any], allowed: frozenset[str]) -> None:
    if not (_REFUSED_HEADERS - allowed).isdisjoint(header):
        raise InvalidToken("header")
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("typ", ""), str):
        raise InvalidToken("header")
    kid = header.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise InvalidToken("kid")


def _encode(value: Mapping[str, Any]) -> str:
    return b64url(dumps(value))
