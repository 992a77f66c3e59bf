"""What OAuth adds to the words for describing endpoints (``web.openapi``)."""

from collections.abc import Mapping
from typing import Any

from idp.oidc.vocabulary import ASSERTION_TYPE
from idp.web.http import FORM
from idp.web.openapi import REFUSED, TEXT, Schema, a_list, an_object, parameter

POSSIBLY: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
"""An optional member of a form: an empty one counts as absent (RFC 6749 §3.1)."""
REPEATED: Schema = a_list(TEXT, minItems=1)
"""A member of a form that may stand there several times (RFC 8707 §2)."""
_SEGMENT = "[A-Za-z0-9_-]"
JWT: Schema = {"type": "string", "pattern": rf"^{_SEGMENT}+(?:\.{_SEGMENT}*){{2,4}}$"}
"""Signed; with five parts, encrypted."""
DETAILS: Schema = a_list(an_object({"type": TEXT}, ("type",)))
"""RFC 9396 §2."""
SECURITY_SCHEMES: Mapping[str, Any] = {
    "client_secret_basic": {"type": "http", "scheme": "basic"},
    "mutual_tls": {"type": "mutualTLS", "description": "RFC 8705, where the operator has it"},
    "access_token": {"type": "http", "scheme": "bearer"},
    "dpop": {
        "type": "http",
        "scheme": "dpop",
        "description": "An access token that is bound to a key, with a proof in the header DPoP"
        " (RFC 9449 §7)",
    },
    "initial_access_token": {"type": "http", "scheme": "bearer"},
    "registration_access_token": {"type": "http", "scheme": "bearer"},
}
CLIENT_AUTHENTICATION: tuple[Mapping[str, Any], ...] = (
    {"client_secret_basic": []},
    {"mutual_tls": []},
    {},
)
"""HTTP Basic; a certificate; or the members of the form in :data:`_BY_FORM`."""
_BY_FORM = (
    "A client that does not use HTTP Basic names itself by client_id, and authenticates by"
    " client_secret, or by client_assertion and client_assertion_type (RFC 7523), or by its TLS"
    " certificate (RFC 8705): one of them, and the one that it registered."
)
_CREDENTIALS: Mapping[str, Any] = {
    "client_id": TEXT,
    "client_secret": TEXT,
    "client_assertion": TEXT,
    "client_assertion_type": TEXT,
}
_ONE_METHOD: Mapping[str, Any] = {
    "not": {"required": ["client_secret", "client_assertion"]},
    "if": {"required": ["client_assertion"]},
    "then": {
        "properties": {"client_assertion_type": {"const": ASSERTION_TYPE}},
        "required": ["client_assertion_type"],
    },
}


def members(
    named: Mapping[str, Any], required: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """The members of a form. Unknown ones are passed over; none is sent twice (RFC 6749 §3.2)."""
    told = {
        name: POSSIBLY if schema is TEXT and name not in required else schema
        for name, schema in named.items()
    }
    return an_object(told, required, additionalProperties=POSSIBLY, propertyNames=POSSIBLY, **more)


def form(
    own: Mapping[str, Any], required: tuple[str, ...] = (), description: str = ""
) -> dict[str, Any]:
    """A form of a client that authenticates itself, with members of its ``own``."""
    schema = members({**_CREDENTIALS, **own}, required, **_ONE_METHOD)
    repeated = {
        name: {"style": "form", "explode": True} for name, each in own.items() if each is REPEATED
    }
    media = {"schema": schema, **({"encoding": repeated} if repeated else {})}
    told = f"{_BY_FORM} {description}".strip()
    return {"required": True, "description": told, "content": {FORM: media}}


NONCE: Mapping[str, Any] = {
    "DPoP-Nonce": {
        "description": "What the next proof must hold (RFC 9449 §8)",
        "schema": TEXT,
    }
}
PROOF = parameter("DPoP", "header", JWT, "A proof of possession (RFC 9449 §4)")


def taking_proofs(described: Mapping[str, Any]) -> dict[str, Any]:
    """An operation as it is where DPoP proofs are read, and every answer has the next nonce."""
    answers = {**described["responses"], "4XX": REFUSED}
    return {
        **described,
        "parameters": [*described.get("parameters", ()), PROOF],
        "responses": {
            status: each
            if "$ref" in each
            else {**each, "headers": {**each.get("headers", {}), **NONCE}}
            for status, each in answers.items()
        },
    }
