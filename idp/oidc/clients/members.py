"""Names of client metadata: the IANA registry of RFC 7591 §4.1, and the provider's own.

An unknown member is most often a typing mistake, and its setting would be missing: it is refused.
Members that IANA lists but the provider does not use are ignored (RFC 7591 §2).
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from idp.oidc.clients.metadata import Metadata

USED = frozenset(each.alias or name for name, each in Metadata.model_fields.items())
IGNORED = frozenset(
    {
        # RFC 7591 §3.2.1, RFC 7592 §3: members of the response
        *("client_id", "client_id_issued_at", "client_secret", "client_secret_expires_at"),
        *("registration_access_token", "registration_client_uri", "software_statement"),
        # Federation, Enhanced metadata, FAPI, UMA, eKYC: not supported
        *("claims_redirect_uris", "client_registration_types", "signed_jwks_uri"),
        *("organization_name", "organization_uri", "display_name", "description", "keywords"),
        *("information_uri", "use_mtls_endpoint_aliases", "response_modes", "vp_formats"),
        *("nfv_token_signed_response_alg", "nfv_token_encrypted_response_alg"),
        "nfv_token_encrypted_response_enc",
    }
)
_CHOICES = ("_supported",)
"""OpenID Connect RP Metadata Choices: lists of values; the provider reads the single ones."""
_TAGGED = frozenset(
    {
        *("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "purpose"),
        *("organization_name", "display_name", "description", "information_uri"),
    }
)
"""Members that may have language tags (RFC 7591 §2.2)."""


def known(name: str) -> bool:
    """Whether a registration may have a member of this name."""
    base, tag, _ = name.partition("#")
    return name in USED | IGNORED or name.endswith(_CHOICES) or (bool(tag) and base in _TAGGED)


def unknown_problems(names: Iterable[str]) -> Iterator[str]:
    """A problem for each unknown name, with the nearest known one."""
    for name in names:
        if not known(name):
            close = get_close_matches(name, sorted(USED), n=1, cutoff=0.7)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"{name[:60]}: unknown member of client metadata{hint}"
