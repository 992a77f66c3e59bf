"""The provider's words: scopes, the claims behind them, and the values it supports (OIDC Core §5).

A claim is *about the login* when the provider itself states it, or *personal* when it describes
the citizen and is released only as asked for and consented to.
"""

from collections.abc import Iterable, Mapping

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"

SCOPE_CLAIMS: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "middle_name",
        "given_name",
        "gender",
        "birthdate",
        "nationality",
        "updated_at",
    ),
    "pid": ("pid", "former_ids"),
    "phone": ("phone_number", "phone_number_verified"),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "age": ("age_over_14", "age_over_18", "age_over_60"),
}
"""Personal claims by the scope that asks for them (OIDC Core §5.4, and ours)."""

SCOPES = (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS)
PERSONAL_CLAIMS = frozenset(claim for claims in SCOPE_CLAIMS.values() for claim in claims)
ACCOUNT_LEVEL = "account_level"
"""How well the identity was proofed: given with scope ``profile`` or asked for by name, and not a
personal claim: no consent is needed."""
LOGIN_CLAIMS = ("sub", "auth_time", "acr", "amr", "sid", ACCOUNT_LEVEL)
"""Stated by the provider, never by an attribute source: all but the last in every ID token."""

CODE = "code"
RESPONSE_TYPES = (
    CODE,
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
)
"""Multiple-valued ones in the order of OAuth 2.0 Multiple Response Type Encoding Practices §5."""
JARM_MODES = ("query.jwt", "fragment.jwt", "form_post.jwt")
RESPONSE_MODES = ("query", "fragment", "form_post", *JARM_MODES)
"""How an answer travels: Multiple Response Type §2.1, Form Post Response Mode §2, JARM §2.3."""
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
LOGIN_GRANTS = ("authorization_code", "implicit", DEVICE_CODE, CIBA)
"""Those in which a citizen logs in."""
GRANT_TYPES = (*LOGIN_GRANTS, "refresh_token", "client_credentials")
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
TLS_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
AUTH_METHODS = (*SECRET_METHODS, "private_key_jwt", *TLS_METHODS, "none")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNING_ALGS = ("ES256", "RS256")
"""What the provider signs with."""
DEFAULT_ALG = "RS256"
"""What it signs ID tokens with for a client that names none (OIDC Registration §2)."""
ASSERTION_ALGS = ("ES256", "RS256", "PS256", "EdDSA")
"""What a client may sign its assertions and request objects with."""
REQUEST_OBJECT_ALGS = (*ASSERTION_ALGS, "none")
"""OIDC Core §6.1 has unsigned request objects: no more, and no less, than a plain request."""
ENCRYPTION_ALGS = ("RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")
ENCRYPTION_ENCS = ("A128CBC-HS256", "A128GCM", "A256GCM")
"""How what we tell a client may be encrypted to its key; the first is the default."""
DELIVERY_MODES = ("poll", "ping")
MAX_SCOPES = 50


def scope_tuple(scope: str) -> tuple[str, ...]:
    """The scope tokens of a request, in order, once each (RFC 6749 §3.3); more spaces are ignored.

    Raises:
        ValueError: none, more than :data:`MAX_SCOPES`, or a character no scope token has.
    """
    tokens = tuple(dict.fromkeys(filter(None, scope.split(" "))))
    if not 0 < len(tokens) <= MAX_SCOPES:
        raise ValueError("no scopes, or too many")
    for token in tokens:
        if not all("!" <= each <= "~" and each not in '"\\' for each in token):
            raise ValueError("not a scope token")
    return tokens


def released_by(scopes: Iterable[str]) -> frozenset[str]:
    """All claims that ``scopes`` ask for: the personal ones, and :data:`ACCOUNT_LEVEL`."""
    found = frozenset(scopes)
    return claims_of(found) | ({ACCOUNT_LEVEL} if "profile" in found else frozenset())


def known_scope(scope: str, registered: Iterable[str]) -> tuple[str, ...]:
    """The scope tokens that mean anything here: ours, and those in ``registered``.

    Unknown ones are ignored (OIDC Core §3.1.2.1); the token response tells what was granted.

    Raises:
        ValueError: see :func:`scope_tuple`; or none is known.
    """
    known = {*SCOPES, *registered}
    tokens = tuple(each for each in scope_tuple(scope) if each in known)
    if not tokens:
        raise ValueError("no known scope")
    return tokens


def claims_of(scopes: Iterable[str]) -> frozenset[str]:
    """The personal claims that ``scopes`` ask for."""
    return frozenset(claim for scope in scopes for claim in SCOPE_CLAIMS.get(scope, ()))
