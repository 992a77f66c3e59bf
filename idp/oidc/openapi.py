"""Words for describing endpoints that programs call: OpenAPI 3.1 §4.8.

Each part describes its own; ``discovery`` puts them together. Pages for people are not in it.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from idp.web.http import FORM

Paths: TypeAlias = Mapping[str, Mapping[str, Any]]
JSON = "application/json"
TEXT: Mapping[str, Any] = {"type": "string", "pattern": "^[^\\u0000]+$"}
POSSIBLY: Mapping[str, Any] = {"type": "string", "pattern": "^[^\\u0000]*$"}
"""An optional member of a form: an empty one counts as absent (RFC 6749 §3.1)."""
SECONDS: Mapping[str, Any] = {"type": "integer", "minimum": 0}
URL: Mapping[str, Any] = {"type": "string", "format": "uri"}
CLIENT_AUTHENTICATION: tuple[Mapping[str, Any], ...] = ({"client_secret_basic": []}, {})
"""HTTP Basic; or the members of the form or the certificate that :data:`BY_FORM` tells of."""
BY_FORM = (
    "A client that does not use HTTP Basic names itself by client_id, and authenticates by"
    " client_secret, or by client_assertion and client_assertion_type (RFC 7523), or by its TLS"
    " certificate (RFC 8705): one of them."
)


def a(schema: str) -> dict[str, str]:
    """A reference to one of the schemas that every description shares."""
    return {"$ref": f"#/components/schemas/{schema}"}


def an_object(
    properties: Mapping[str, Any], required: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """A JSON object; ``more`` are other JSON Schema keywords."""
    listed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), **listed, **more}


def answer(description: str, schema: Mapping[str, Any], *media: str) -> dict[str, Any]:
    """A response with a body, by default of JSON."""
    content = {each: {"schema": schema} for each in media or (JSON,)}
    return {"description": description, "content": content}


def operation(
    summary: str,
    answers: Mapping[str, Any],
    *,
    body: Mapping[str, Any] | None = None,
    security: tuple[Mapping[str, Any], ...] = (),
    parameters: tuple[Mapping[str, Any], ...] = (),
) -> dict[str, Any]:
    """One operation. Whatever is refused is told in the same two shapes everywhere."""
    found: dict[str, Any] = {
        "summary": summary,
        "security": list(security),
        "responses": {
            **answers,
            "4XX": {"$ref": "#/components/responses/Refused"},
            "503": {"$ref": "#/components/responses/Unavailable"},
        },
    }
    if parameters:
        found["parameters"] = list(parameters)
    if body:
        found["requestBody"] = body
    return found


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


def json_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A body of JSON."""
    return {"required": True, "content": {JSON: {"schema": schema}}}


def description(issuer: str, version: str, parts: tuple[Paths, ...]) -> dict[str, Any]:
    """The whole description (OpenAPI 3.1 §4.8.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenID provider of the national electronic identity",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": issuer}],
        "paths": {path: item for part in parts for path, item in part.items()},
        "components": _COMPONENTS,
    }


_ERROR = an_object(
    {"error": TEXT, "error_description": {"type": "string"}, "reference": {"type": "string"}},
    ("error",),
)
_COMPONENTS: Mapping[str, Any] = {
    "securitySchemes": {
        "client_secret_basic": {"type": "http", "scheme": "basic"},
        "access_token": {"type": "http", "scheme": "bearer"},
        "initial_access_token": {"type": "http", "scheme": "bearer"},
        "registration_access_token": {"type": "http", "scheme": "bearer"},
    },
    "schemas": {"Error": _ERROR},
    "responses": {
        "Refused": answer("Refused: RFC 6749 §5.2, or RFC 9457 with a reference", a("Error")),
        "Unavailable": {
            **answer("A store does not answer; nothing was done", a("Error")),
            "headers": {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}},
        },
    },
}
