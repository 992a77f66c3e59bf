"""OpenAPI of the registration endpoints: members that are always accepted, and responses."""

from collections.abc import Mapping
from typing import Any

from idp.oidc.clients.model import ClientStatus
from idp.oidc.clients.rules import MAX_NAME, NAMES, TEXTS
from idp.oidc.clients.uris import APP_PATTERN, MAX_URI, WEB_PATTERN
from idp.oidc.registration.request import TEXT_PATTERN
from idp.oidc.registration.service import REGISTER
from idp.oidc.vocabulary import SCOPES, SIGNING_ALGS
from idp.web.openapi import (
    SECONDS,
    TEXT,
    URL,
    Paths,
    Schema,
    a_list,
    an_object,
    answer,
    json_body,
    operation,
    parameter,
)


def _optional(kind: str, **more: Any) -> Schema:
    """An optional member; null means omitted (RFC 7592 §2.2)."""
    return {"type": [kind, "null"], **more}


def _words(values: tuple[str, ...]) -> Schema:
    return {"enum": [*values, None]}


_ASCII = "^[ -~]*$"
_NAMED = f"^(?=.*[^ ]){TEXT_PATTERN.removeprefix('^')}"
"""At least one character other than a blank."""
_WEB = {"type": "string", "pattern": WEB_PATTERN}
_APP = {"type": "string", "pattern": APP_PATTERN}
_HERE = {"type": "string", "pattern": "^http://localhost(?:[:/?]|$)"}
_PAGE = _optional("string", pattern=f"^$|{WEB_PATTERN}")
_STRING, _SWITCH = _optional("string", pattern=_ASCII), _optional("boolean")
_CLIENT: Mapping[str, Any] = {
    "redirect_uris": a_list(_WEB, minItems=1, anyOf=[{"maxItems": 1}, {"items": _HERE}]),
    **{name: _optional("string", pattern=TEXT_PATTERN) for name in TEXTS},
    **{name: _optional("string", pattern=TEXT_PATTERN, maxLength=MAX_NAME) for name in NAMES},
    "client_name": {"type": "string", "pattern": _NAMED, "maxLength": MAX_NAME},
    "application_type": _words(("web", "native")),
    "post_logout_redirect_uris": _optional("array", items=_WEB),
    "scope": _optional("string", pattern=f"^(?:.* )?(?:{'|'.join(SCOPES)})(?: .*)?$"),
    **dict.fromkeys(("client_uri", "policy_uri", "tos_uri", "logo_uri"), _PAGE),
    "contacts": _optional("array", items={"type": "string", "pattern": _ASCII}),
    **dict.fromkeys(("software_id", "software_version"), _STRING),
    "subject_type": _words(("pairwise",)),
    "id_token_signed_response_alg": _words(SIGNING_ALGS),
    "userinfo_signed_response_alg": _words(SIGNING_ALGS),
    "access_token_format": _words(("reference", "jwt")),
    "require_auth_time": _SWITCH,
    "require_pkce": {"enum": [True, None]},
    "require_pushed_authorization_requests": _SWITCH,
    "dpop_bound_access_tokens": _SWITCH,
}
_DESCRIPTION = (
    "The metadata of RFC 7591 §2 and OpenID Connect Registration §2. The members listed here are"
    " accepted in any combination. Other members must fit the provider's metadata and one another"
    " (keys for the methods that need them, response_types for grant_types). redirect_uris may be"
    " omitted if grant_types has neither authorization_code nor implicit; may use a private-use"
    " scheme if application_type is native; several need one common host or a"
    f" sector_identifier_uri. A URI has at most {MAX_URI} characters. Nonstandard members are"
    " refused; unused standard members are ignored."
)
_NOT_TO_BE_SENT = (
    "as registered; members that only the provider sets must not be sent (RFC 7592 §2.2)"
)
_GIVEN = an_object(
    {
        "client_id": TEXT,
        "client_id_issued_at": SECONDS,
        "client_secret": TEXT,
        "client_secret_expires_at": SECONDS,
        "registration_access_token": TEXT,
        "registration_client_uri": URL,
        "status": {"const": ClientStatus.DISABLED, "description": "until the operator enables it"},
        "software_statement": TEXT,
        "redirect_uris": a_list(TEXT),
        "grant_types": a_list(TEXT),
        "response_types": a_list(TEXT),
        "scope": {"type": "string"},
    },
    (
        *("client_id", "client_id_issued_at", "registration_access_token"),
        *("registration_client_uri", "grant_types", "response_types", "scope"),
    ),
)
_NEW = an_object(
    _CLIENT,
    ("redirect_uris", "client_name"),
    additionalProperties=False,
    description=_DESCRIPTION,
)
_CHANGED = an_object(
    {**_CLIENT, "client_id": TEXT, "client_secret": TEXT},
    ("redirect_uris", "client_name", "client_id"),
    additionalProperties=False,
    description=f"{_DESCRIPTION} client_id and client_secret are {_NOT_TO_BE_SENT}.",
)
_INITIAL: tuple[Mapping[str, Any], ...] = ({"initial_access_token": []}, {})
_OWN: tuple[Mapping[str, Any], ...] = ({"registration_access_token": []},)
PATHS: Paths = {
    REGISTER: {
        "post": operation(
            "Register a client (RFC 7591)",
            {"201": answer("The registered client", _GIVEN)},
            body=json_body(_NEW),
            security=_INITIAL,
        )
    },
    f"{REGISTER}/{{client_id}}": {
        "parameters": [parameter("client_id", "path", TEXT)],
        "get": operation(
            "Read a registration (RFC 7592)",
            {"200": answer("The registered client", _GIVEN)},
            security=_OWN,
        ),
        "put": operation(
            "Replace a registration",
            {"200": answer("The changed client", _GIVEN)},
            body=json_body(_CHANGED),
            security=_OWN,
        ),
        "delete": operation(
            "Delete a registration", {"204": {"description": "Deleted"}}, security=_OWN
        ),
    },
}
