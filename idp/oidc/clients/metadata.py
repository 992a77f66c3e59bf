"""Client metadata: RFC 7591 §2, OpenID Connect Registration §2, and the provider's own.

``clients.rules`` checks metadata once, at registration; reading stored metadata does not check it
again, so that a stricter release does not lose a client.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from idp.core import assurance
from idp.oidc.clients.model import Client, Text, TokenFormat
from idp.oidc.clients.profile import PROFILES
from idp.oidc.clients.sector import sector_identifier
from idp.oidc.vocabulary import (
    AUTH_METHODS,
    CODE,
    DEFAULT_ALG,
    LOGIN_GRANTS,
    OPENID,
    RESPONSE_TYPES,
    SIGNING_ALGS,
    scope_tuple,
)

MAX_SECONDS = 10**9
"""Longer than any session; a greater value is a mistake."""
MAX_REPEAT = 30
"""Most seconds in which the response to a refresh may be repeated."""


class Metadata(BaseModel):
    """The members of a registration and their types."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    client_name: str = ""
    client_name_vi: str = Field("", alias="client_name#vi")
    client_name_en: str = Field("", alias="client_name#en")
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    application_type: Literal["web", "native"] = "web"
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] | None = None
    scope: str | None = None
    request_uris: list[str] = []
    request_object_signing_alg: str | None = None
    request_object_encryption_alg: str | None = None
    request_object_encryption_enc: str | None = None
    require_signed_request_object: bool = False
    require_pkce: bool | None = None
    require_pushed_authorization_requests: bool = False
    authorization_details_types: list[str] = []
    authorization_signed_response_alg: str | None = None
    authorization_encrypted_response_alg: str | None = None
    authorization_encrypted_response_enc: str | None = None
    default_max_age: int | None = Field(None, ge=0, le=MAX_SECONDS)
    require_auth_time: bool = False
    default_acr_values: list[str] = []
    initiate_login_uri: str = ""
    token_endpoint_auth_method: str = AUTH_METHODS[0]
    token_endpoint_auth_signing_alg: str | None = None
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    subject_type: Literal["pairwise"] = "pairwise"
    sector_identifier_uri: str = ""
    id_token_signed_response_alg: str | None = None
    id_token_encrypted_response_alg: str | None = None
    id_token_encrypted_response_enc: str | None = None
    userinfo_signed_response_alg: str | None = None
    userinfo_encrypted_response_alg: str | None = None
    userinfo_encrypted_response_enc: str | None = None
    introspection_signed_response_alg: str | None = None
    introspection_encrypted_response_alg: str | None = None
    introspection_encrypted_response_enc: str | None = None
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False
    backchannel_token_delivery_mode: str | None = None
    backchannel_client_notification_endpoint: str = ""
    backchannel_authentication_request_signing_alg: str | None = None
    backchannel_user_code_parameter: Literal[False] = False
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    logo_uri: str = ""
    contacts: list[str] = []
    software_id: str = ""
    software_version: str = ""
    minimum_acr: str = assurance.acr(1)
    methods: list[str] = []
    refresh_token_repeat_seconds: int | None = Field(None, ge=0, le=MAX_REPEAT)
    client_assertion_max_seconds: int = Field(300, ge=1, le=3_600)
    access_token_format: Literal["reference", "jwt"] = "reference"  # noqa: S105
    profile: str = "baseline"
    resource: str = ""
    required_claims: list[str] = []
    purpose: str = ""
    purpose_vi: str = Field("", alias="purpose#vi")
    purpose_en: str = Field("", alias="purpose#en")
    purpose_version: str = "1"


def load(stored: Mapping[str, Any], *, client_id: str) -> Client:
    """The client of stored metadata, as :func:`describe` wrote it."""
    return client_of(Metadata.model_validate(dict(stored)), client_id)


def describe(client: Client) -> dict[str, Any]:
    """The client's metadata as RFC 7591 JSON: registered members and defaults."""
    plain: dict[str, Any] = {
        "client_name": client.client_name.vi,
        "client_name#en": client.client_name.en,
        "scope": " ".join(client.scope),
        "subject_type": "pairwise",
        "jwks": dict(client.jwks),
        "minimum_acr": assurance.acr(client.minimum_level),
        "access_token_format": client.access_token_format.value,
        "profile": client.profile.name,
        "purpose": client.purpose.vi,
        "purpose#en": client.purpose.en,
    }
    if "authorization_code" in client.grant_types:
        plain["require_pkce"] = client.pkce_required
    for name in _SAME:
        value = getattr(client, name)
        plain[name] = list(value) if isinstance(value, tuple) else value
    kept = {"scope", "grant_types", "response_types", "require_pkce"}
    return {name: value for name, value in plain.items() if name in kept or not _empty(value)}


def _empty(value: Any) -> bool:
    return value is False or value in ("", None, [], {})


_OTHERWISE = {
    *("client_name", "scope", "jwks", "access_token_format", "profile", "purpose"),
    "require_pkce",
}
"""Members that :func:`client_of` and :func:`describe` convert."""
_SAME = tuple(
    each.name
    for each in fields(Client)
    if each.name in Metadata.model_fields and each.name not in _OTHERWISE
)


def effective_scope(metadata: Metadata) -> str:
    """The registered scope; by default ``openid`` for a client with login grants, else none.

    RFC 7591 §2 lets the server choose the default.
    """
    if metadata.scope is not None:
        return metadata.scope
    return "" if set(LOGIN_GRANTS).isdisjoint(metadata.grant_types) else OPENID


def effective_alg(metadata: Metadata) -> str:
    """The algorithm of ID tokens: RS256 by default (OIDC Registration §2), if the profile allows
    it."""
    allowed = PROFILES[metadata.profile].assertion_algs
    default = next(each for each in (DEFAULT_ALG, *SIGNING_ALGS) if each in allowed)
    return metadata.id_token_signed_response_alg or default


def effective_response_types(metadata: Metadata) -> tuple[str, ...]:
    """The registered response types, in canonical order; ``code`` by default."""
    if metadata.response_types is None:
        return (CODE,) if "authorization_code" in metadata.grant_types else ()
    known = {frozenset(each.split()): each for each in RESPONSE_TYPES}
    return tuple(known.get(frozenset(each.split()), each) for each in metadata.response_types)


def client_of(metadata: Metadata, client_id: str, *, pkce: bool = False) -> Client:
    """The client of checked metadata, with defaults.

    ``pkce`` is the default of ``require_pkce`` for confidential clients. Clients stored before that
    member existed do not require PKCE.
    """
    members: dict[str, Any] = {name: getattr(metadata, name) for name in _SAME}
    members = {k: tuple(v) if isinstance(v, list) else v for k, v in members.items()}
    members["response_types"] = effective_response_types(metadata)
    members["id_token_signed_response_alg"] = effective_alg(metadata)
    scope = effective_scope(metadata)
    return Client(
        **members,
        client_id=client_id,
        client_name=Text(
            metadata.client_name_vi.strip() or metadata.client_name.strip() or client_id,
            metadata.client_name_en.strip(),
        ),
        sector=sector_identifier(client_id, metadata.redirect_uris, metadata.sector_identifier_uri),
        scope=scope_tuple(scope) if scope else (),
        jwks=metadata.jwks or {},
        minimum_level=assurance.acr_level(metadata.minimum_acr) or 1,
        access_token_format=TokenFormat(metadata.access_token_format),
        profile=PROFILES[metadata.profile],
        require_pkce=_requires_pkce(metadata, default=pkce),
        purpose=Text(metadata.purpose_vi or metadata.purpose, metadata.purpose_en),
    )


def _requires_pkce(metadata: Metadata, *, default: bool) -> bool:
    if "authorization_code" not in metadata.grant_types:
        return False
    always = metadata.token_endpoint_auth_method == "none" or (  # noqa: S105
        PROFILES[metadata.profile].pkce_required
    )
    return always or (default if metadata.require_pkce is None else metadata.require_pkce)
