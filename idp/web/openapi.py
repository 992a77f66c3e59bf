"""Words for describing endpoints that programs call: OpenAPI 3.1 §4.8.

Each feature describes its own beside its endpoints; ``oidc.discovery`` puts them together. Pages
for people are not in it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Paths: TypeAlias = Mapping[str, Mapping[str, Any]]
Schema: TypeAlias = Mapping[str, Any]
JSON = "application/json"
TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]+$"}
ANY_TEXT: Schema = {"type": "string"}
SECONDS: Schema = {"type": "integer", "minimum": 0}
URL: Schema = {"type": "string", "format": "uri"}
RETRY_AFTER: Schema = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}


def an_object(
    properties: Mapping[str, Any], required: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """A JSON object; ``more`` are other JSON Schema keywords."""
    listed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(properties), **listed, **more}


def a_list(items: Schema, **more: Any) -> dict[str, Any]:
    """A JSON array; ``more`` are other JSON Schema keywords."""
    return {"type": "array", "items": items, **more}


def one_of(values: Iterable[str]) -> dict[str, Any]:
    """One of these words."""
    return {"type": "string", "enum": list(values)}


def parameter(
    name: str, where: str, schema: Schema, description: str = "", *, required: bool = False
) -> dict[str, Any]:
    """A parameter in ``where``: ``query``, ``header`` or ``path``, where it is always required."""
    told = {"description": description} if description else {}
    needed = required or where == "path"
    return {"name": name, "in": where, "required": needed, "schema": schema, **told}


def answer(
    description: str,
    schema: Schema,
    media: str = JSON,
    *,
    also: Mapping[str, Schema] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A response with a body; ``also`` are the other media types that it may have."""
    content = {name: {"schema": each} for name, each in {media: schema, **(also or {})}.items()}
    told = {"headers": dict(headers)} if headers else {}
    return {"description": description, **told, "content": content}


def operation(
    summary: str,
    answers: Mapping[str, Any],
    *,
    body: Mapping[str, Any] | None = None,
    security: tuple[Mapping[str, Any], ...] = (),
    parameters: tuple[Mapping[str, Any], ...] = (),
) -> dict[str, Any]:
    """One operation. What ``answers`` do not tell is refused in the same two shapes everywhere."""
    found: dict[str, Any] = {
        "summary": summary,
        "security": list(security),
        "responses": {
            "4XX": {"$ref": "#/components/responses/Refused"},
            "503": {"$ref": "#/components/responses/Unavailable"},
            **answers,
        },
    }
    if parameters:
        found["parameters"] = list(parameters)
    if body:
        found["requestBody"] = body
    return found


def json_body(schema: Schema) -> dict[str, Any]:
    """A body of one JSON object; unknown members are passed over."""
    return {"required": True, "content": {JSON: {"schema": schema}}}


def description(
    issuer: str, version: str, parts: tuple[Paths, ...], schemes: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole description (OpenAPI 3.1 §4.8.1); ``schemes`` are the ways to authenticate."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenID provider of the national electronic identity",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": issuer}],
        "paths": {path: item for part in parts for path, item in part.items()},
        "components": {**_SHARED, "securitySchemes": dict(schemes)},
    }


ERROR: Schema = an_object(
    {"error": TEXT, "error_description": {"type": "string"}, "reference": {"type": "string"}},
    ("error",),
)
REFUSED = answer(
    "Refused: RFC 6749 §5.2, or RFC 9457 with a reference; 401 tells what would do, 429 when",
    ERROR,
    headers={"WWW-Authenticate": {"schema": TEXT}, **RETRY_AFTER},
)
_SHARED: Mapping[str, Any] = {
    "responses": {
        "Refused": REFUSED,
        "Unavailable": answer(
            "A store does not answer; nothing was done", ERROR, headers=RETRY_AFTER
        ),
    },
}
