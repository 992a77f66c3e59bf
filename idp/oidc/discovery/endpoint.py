"""Discovery and keys: OpenID Connect Discovery §4, RFC 8414 §3, RFC 7517 §5."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from idp.core.assurance import ACR_VALUES, REACHABLE_LEVEL
from idp.oidc.discovery.document import Document
from idp.oidc.openapi import SECURITY_SCHEMES
from idp.oidc.services import Endpoint, Services
from idp.oidc.settings import ProviderSettings
from idp.oidc.vocabulary import (
    ENCRYPTION_ALGS,
    ENCRYPTION_ENCS,
    LOGIN_CLAIMS,
    SCOPE_CLAIMS,
    SCOPES,
    SIGNING_ALGS,
)
from idp.web.edge import Route
from idp.web.http import Request, Response
from idp.web.i18n import LOCALES
from idp.web.openapi import (
    ANY_TEXT,
    TEXT,
    URL,
    Paths,
    an_object,
    answer,
    description,
    operation,
    parameter,
)

OPENID_CONFIGURATION = "/.well-known/openid-configuration"
OAUTH_METADATA = "/.well-known/oauth-authorization-server"
JWKS = "/jwks"
OPENAPI = "/openapi.json"
_MTLS_ENDPOINTS = (
    "token_endpoint",
    "userinfo_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint",
)
"""Endpoints with an alias for mutual TLS (RFC 8705 §5)."""


def metadata(settings: ProviderSettings, parts: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """The provider's metadata: common members, and those of each part."""
    whole: dict[str, Any] = {
        "issuer": settings.issuer,
        "jwks_uri": settings.url(JWKS),
        "scopes_supported": list(SCOPES),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGS),
        "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGS),
        "id_token_encryption_enc_values_supported": list(ENCRYPTION_ENCS),
        "acr_values_supported": list(ACR_VALUES[:REACHABLE_LEVEL]),
        "claim_types_supported": ["normal"],
        "claims_supported": [
            *LOGIN_CLAIMS,
            *(claim for claims in SCOPE_CLAIMS.values() for claim in claims),
        ],
        "ui_locales_supported": list(LOCALES),
    }
    whole |= {name: url for name, url in _pages(settings).items() if url}
    for part in parts:
        whole.update(part)
    if settings.mtls_origin:
        whole["mtls_endpoint_aliases"] = {
            name: settings.mtls_origin + whole[name].removeprefix(settings.issuer)
            for name in _MTLS_ENDPOINTS
            if name in whole
        }
    return whole


def _pages(settings: ProviderSettings) -> Mapping[str, str]:
    return {
        "service_documentation": settings.documentation_url,
        "op_policy_uri": settings.policy_url,
        "op_tos_uri": settings.terms_url,
    }


def endpoints(
    services: Services, whole: Mapping[str, Any], paths: tuple[Paths, ...]
) -> tuple[Endpoint, ...]:
    """The documents' endpoints; all documents but the JWK set are built here, once."""
    max_age = services.settings.metadata_max_age
    document = Document.of(whole, max_age=max_age)
    described = description(
        services.settings.issuer, version("vn-eid-idp"), (PATHS, *paths), SECURITY_SCHEMES
    )
    openapi = Document.of(described, max_age=max_age)
    keys = _Keys(services)
    return (
        Endpoint(OPENID_CONFIGURATION, Route(document.answer, light=True)),
        Endpoint(OAUTH_METADATA, Route(document.answer, light=True)),
        Endpoint(JWKS, Route(keys.answer, light=True)),
        Endpoint(OPENAPI, Route(openapi.answer, light=True)),
    )


_PROVIDER = an_object({"issuer": URL, "jwks_uri": URL}, ("issuer", "jwks_uri"))
_KEY_SET = an_object({"keys": {"type": "array", "items": {"type": "object"}}}, ("keys",))
_TAGGED = {name: {"required": True, "schema": TEXT} for name in ("ETag", "Cache-Control")}
PATHS: Paths = {
    path: {
        "get": operation(
            summary,
            {
                "200": answer(summary, schema, headers=_TAGGED),
                "304": {"description": "Not modified", "headers": _TAGGED},
            },
            parameters=(parameter("If-None-Match", "header", ANY_TEXT),),
        )
    }
    for path, summary, schema in (
        (OPENID_CONFIGURATION, "Metadata (OpenID Connect Discovery §4)", _PROVIDER),
        (OAUTH_METADATA, "The same metadata (RFC 8414 §3)", _PROVIDER),
        (JWKS, "The keys for verifying tokens (RFC 7517 §5)", _KEY_SET),
        (OPENAPI, "This description", an_object({}, ("openapi", "paths"))),
    )
}


class _Keys:
    """The JWK set's document, rebuilt only when the keys change."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made: tuple[dict[str, Any], Document] | None = None

    def answer(self, request: Request) -> Response:
        keys, made = self._services.keys.jwks(), self._made
        if made is None or made[0] is not keys:
            max_age = self._services.settings.jwks_max_age
            self._made = made = keys, Document.of(keys, max_age=max_age)
        return made[1].answer(request)
