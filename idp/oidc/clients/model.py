"""A registered relying party: checked RFC 7591 §2 metadata, and the provider's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from idp.oidc.clients.profile import BASELINE, Profile
from idp.oidc.vocabulary import SIGNING_ALGS, claims_of


class ClientStatus(StrEnum):
    """A disabled client keeps its registration; all its requests are refused."""

    ACTIVE = "active"
    DISABLED = "disabled"


class TokenFormat(StrEnum):
    """Format of a client's access tokens: an opaque handle, or a JWT (RFC 9068)."""

    REFERENCE = "reference"
    JWT = "jwt"


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people (RFC 7591 §2.2): Vietnamese, and optional English."""

    vi: str
    en: str = ""

    def in_locale(self, locale: str) -> str:
        """The text in ``locale``, else in Vietnamese."""
        return self.en if locale == "en" and self.en else self.vi


@dataclass(frozen=True, slots=True)
class Secret:
    """The keyed digest of a client secret; ``expires_at`` is set when a newer one replaces it."""

    digest: str
    expires_at: int | None = None

    def usable(self, now: int) -> bool:
        """Whether the secret may still be used."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Client:
    """A relying party. Names are those of RFC 7591 and OpenID Connect Registration.

    ``sector`` is the pairwise sector (OIDC Core §8.1). ``minimum_level`` is ``minimum_acr`` as a
    number and ``methods`` the authentication methods accepted (empty: any). ``resource`` is the
    audience of its access tokens: space-separated client_ids of resource servers.
    ``client_assertion_max_seconds`` is how far ahead the ``exp`` of its assertions may be.
    ``refresh_token_repeat_seconds`` is how long the response to a refresh may be repeated (0:
    never, None: as in its profile). A login without the ``required_claims`` is refused;
    ``purpose`` explains the use of the data to the citizen, and a new ``purpose_version`` requires
    a new consent.
    """

    client_id: str
    client_name: Text
    sector: str
    # Authorization requests and responses
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    application_type: str = "web"
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: tuple[str, ...] = ("openid",)
    request_uris: tuple[str, ...] = ()
    request_object_signing_alg: str | None = None
    request_object_encryption_alg: str | None = None
    request_object_encryption_enc: str | None = None
    require_signed_request_object: bool = False
    require_pushed_authorization_requests: bool = False
    require_pkce: bool = False
    authorization_details_types: tuple[str, ...] = ()
    authorization_signed_response_alg: str | None = None
    authorization_encrypted_response_alg: str | None = None
    authorization_encrypted_response_enc: str | None = None
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    # Client authentication
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 (a method's name)
    token_endpoint_auth_signing_alg: str | None = None
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""
    jwks: Mapping[str, Any] = field(default_factory=dict, hash=False)
    jwks_uri: str = ""
    # Tokens and responses
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    sector_identifier_uri: str = ""
    id_token_signed_response_alg: str = SIGNING_ALGS[0]
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
    # Shown to people
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    logo_uri: str = ""
    contacts: tuple[str, ...] = ()
    software_id: str = ""
    software_version: str = ""
    # The provider's own
    minimum_level: int = 1
    methods: tuple[str, ...] = ()
    refresh_token_repeat_seconds: int | None = None
    client_assertion_max_seconds: int = 300
    access_token_format: TokenFormat = TokenFormat.REFERENCE
    resource: str = ""
    profile: Profile = BASELINE
    required_claims: tuple[str, ...] = ()
    purpose: Text = Text("")
    purpose_version: str = "1"
    # Not metadata
    secrets: tuple[Secret, ...] = ()
    status: ClientStatus = ClientStatus.ACTIVE
    created_at: int = 0

    @property
    def active(self) -> bool:
        """Whether the client is enabled."""
        return self.status is ClientStatus.ACTIVE

    @property
    def public(self) -> bool:
        """Whether it has no credential of its own (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105

    @property
    def pkce_required(self) -> bool:
        """Whether its authorization requests must have a code challenge (RFC 9700 §2.1.1)."""
        return self.require_pkce or self.public or self.profile.pkce_required

    @property
    def claims(self) -> frozenset[str]:
        """The personal claims of its registered scopes, the most it can get."""
        return claims_of(self.scope)
