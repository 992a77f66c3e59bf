"""What may be kept of a request or an answer: nothing in it can be used again.

Parameters that a standard names and that are no secret are kept. Tokens are decoded and lose their
signature. Of a secret that we made, a fingerprint tells whether two are the same; of anything else
only its length is kept.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.handles import b64url_decode, digest

SHOWN = frozenset(
    {
        "access_token_format",
        "client_id_issued_at",
        "client_secret_expires_at",
        "purpose_version",
        "registration_client_uri",
        "acr_values",
        "active",
        "application_type",
        "authorization_details",
        "backchannel_logout_session_required",
        "backchannel_logout_uri",
        "backchannel_token_delivery_mode",
        "binding_message",
        "claims",
        "claims_locales",
        "client_assertion_type",
        "client_id",
        "client_name",
        "client_uri",
        "code_challenge",
        "code_challenge_method",
        "contacts",
        "default_acr_values",
        "default_max_age",
        "display",
        "dpop_bound_access_tokens",
        "dpop_jkt",
        "error",
        "error_description",
        "error_uri",
        "expires_in",
        "frontchannel_logout_session_required",
        "frontchannel_logout_uri",
        "grant_type",
        "grant_types",
        "hint",
        "id_token_signed_response_alg",
        "interval",
        "iss",
        "jwks_uri",
        "logo_uri",
        "logout_hint",
        "max_age",
        "methods",
        "minimum_acr",
        "nonce",
        "policy_uri",
        "post_logout_redirect_uri",
        "post_logout_redirect_uris",
        "profile",
        "prompt",
        "redirect_uri",
        "redirect_uris",
        "reference",
        "request_uris",
        "require_auth_time",
        "require_pushed_authorization_requests",
        "resource",
        "response_mode",
        "response_type",
        "response_types",
        "scope",
        "sector_identifier_uri",
        "state",
        "status",
        "subject_type",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "token_type",
        "token_type_hint",
        "tos_uri",
        "type",
        "ui_locales",
        "userinfo_signed_response_alg",
        "verification_uri",
    }
)
FINGERPRINTED = frozenset(
    {
        "access_token",
        "auth_req_id",
        "code",
        "device_code",
        "refresh_token",
        "registration_access_token",
        "request_uri",
        "session_state",
        "token",
    }
)
SECRETS = FINGERPRINTED | {"client_secret", "code_verifier", "user_code", "password"}
"""What is hidden wherever it stands, in the claims of a token too (JARM: a code)."""
TOKENS = frozenset(
    {
        "access_token",
        "assertion",
        "client_assertion",
        "dpop",
        "id_token",
        "id_token_hint",
        "introspection",
        "logout_token",
        "request",
        "response",
        "software_statement",
        "token",
        "userinfo",
    }
)
MAX_VALUE = 1_000
MAX_PARAMETERS = 60


@dataclass(frozen=True, slots=True)
class Redacted:
    """Parameters with their values as they may be kept, and the tokens found among them."""

    parameters: tuple[tuple[str, str], ...]
    tokens: tuple[Mapping[str, Any], ...]


def redact(pairs: Iterable[tuple[str, Any]], *, open_to_all: bool = False) -> Redacted:
    """Keep of ``pairs`` what may be kept; ``open_to_all``: an answer that holds claims only."""
    parameters, tokens = list[tuple[str, str]](), list[Mapping[str, Any]]()
    for name, value in list(pairs)[:MAX_PARAMETERS]:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        token = decoded(text) if name in TOKENS else None
        if token is not None:
            tokens.append({"name": name, **token})
        parameters.append(
            (name[:100], text if _open(name, token, open_to_all) else _hide(name, text, token))
        )
    return Redacted(tuple((name, value[:MAX_VALUE]) for name, value in parameters), tuple(tokens))


def _open(name: str, token: Mapping[str, Any] | None, open_to_all: bool) -> bool:
    return token is None and (name in SHOWN or (open_to_all and name not in SECRETS))


def _hide(name: str, text: str, token: Mapping[str, Any] | None) -> str:
    if token is not None:
        return f"[JWT, {len(text)} characters, decoded below]"
    if name in FINGERPRINTED:
        return f"[hidden, {len(text)} characters, fingerprint {digest(text)[:8]}]"
    return f"[hidden, {len(text)} characters]"


def decoded(text: str) -> Mapping[str, Any] | None:
    """Header and claims of a JWT, its signature left out; of an encrypted one only the header.

    Nothing is verified. None when ``text`` is no JWT.
    """
    parts = text.split(".")
    try:
        header = json.loads(b64url_decode(parts[0]))
        if len(parts) == 5:
            return {"header": header, "claims": None} if isinstance(header, dict) else None
        claims = json.loads(b64url_decode(parts[1])) if len(parts) == 3 else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    header.pop("jwk", None)
    return {"header": header, "claims": {name: _claim(name, each) for name, each in claims.items()}}


def _claim(name: str, value: Any) -> Any:
    return _hide(name, str(value), None) if name in SECRETS else value
