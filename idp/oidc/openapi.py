"""What OAuth adds to the words for describing endpoints (``web.openapi``)."""

from collections.abc import Mapping
from typing import Any

from idp.web.http import FORM
from idp.web.openapi import TEXT, an_object

POSSIBLY: Mapping[str, Any] = {"type": "string", "pattern": "^[^\\u0000]*$"}
"""An optional member of a form: an empty one counts as absent (RFC 6749 §3.1)."""
CLIENT_AUTHENTICATION: tuple[Mapping[str, Any], ...] = ({"client_secret_basic": []}, {})
"""HTTP Basic; or the members of the form or the certificate that :data:`BY_FORM` tells of."""
BY_FORM = (
    "A client that does not use HTTP Basic names itself by client_id, and authenticates by"
    " client_secret, or by client_assertion and client_assertion_type (RFC 7523), or by its TLS"
    " certificate (RFC 8705): one of them."
)
SECURITY_SCHEMES: Mapping[str, Any] = {
    "client_secret_basic": {"type": "http", "scheme": "basic"},
    "access_token": {"type": "http", "scheme": "bearer"},
    "initial_access_token": {"type": "http", "scheme": "bearer"},
    "registration_access_token": {"type": "http", "scheme": "bearer"},
}


def form(members: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A form of a client that authenticates itself; unknown members are passed over."""
    named = {
        name: POSSIBLY if schema is TEXT and name not in required else schema
        for name, schema in {"client_id": TEXT, **members}.items()
    }
    schema = an_object(
        named,
        required,
        additionalProperties=POSSIBLY,  # none is sent twice (RFC 6749 §3.2)
        propertyNames=POSSIBLY,
    )
    return {"required": True, "description": BY_FORM, "content": {FORM: {"schema": schema}}}
