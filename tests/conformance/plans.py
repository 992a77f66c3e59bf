"""Which modules of the certification plans run with which response types.

By the name of a module's test; a plan's file takes them as its ``RUNS``.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Runs: TypeAlias = Mapping[str, tuple[str, ...]]
IMPLICIT_TYPES = ("id_token", "id_token token")
HYBRID_TYPES = ("code id_token", "code token", "code id_token token")
WITH_ID_TOKEN = ("code id_token", "code id_token token")

LOGIN = (
    "server",
    "idtoken_signature",
    "scope_profile",
    "scope_email",
    "scope_address",
    "scope_phone",
    "scope_all",
    "display_page",
    "display_popup",
    "prompt_login",
    "prompt_none_not_logged_in",
    "prompt_none_logged_in",
    "max_age_1",
    "max_age_10000",
    "ensure_request_with_unknown_parameter_succeeds",
    "id_token_hint",
    "login_hint",
    "ui_locales",
    "claims_locales",
    "ensure_request_with_acr_values_succeeds",
    "ensure_registered_redirect_uri",
)
"""With every response type of every plan."""
REQUEST_OBJECT = (
    "request_uri_unsigned_supported_correctly_or_rejected_as_unsupported",
    "unsigned_request_object_supported_correctly_or_rejected_as_unsupported",
    "ensure_request_object_with_redirect_uri",
)
USERINFO = ("userinfo_get", "userinfo_post_header", "userinfo_post_body")
CODE = ("codereuse", "codereuse_30seconds")
CLIENT_SECRET_POST = "server_client_secret_post"
WITH_NONCE = "ensure_request_without_nonce_fails"
WITHOUT_NONCE = "ensure_request_without_nonce_succeeds_for_code_flow"
POST, PKCE = "ensure_post_request_succeeds", "ensure_request_with_valid_pkce_succeeds"


def runs(*groups: tuple[Iterable[str], tuple[str, ...]]) -> Runs:
    """The tests of modules, with their response types."""
    return {f"test_oidcc_{name}": types for names, types in groups for name in names}


BASIC = runs(
    (
        (
            *(*LOGIN, *REQUEST_OBJECT, *USERINFO, *CODE),
            *("response_type_missing", "idtoken_unsigned", "alternate_happy_flow"),
            *("claims_essential", "refresh_token"),
            *(CLIENT_SECRET_POST, WITHOUT_NONCE, POST, PKCE),
        ),
        ("code",),
    ),
)
IMPLICIT = runs(
    ((*LOGIN, *REQUEST_OBJECT), IMPLICIT_TYPES),
    ((WITH_NONCE, "alternate_happy_flow", "claims_essential"), IMPLICIT_TYPES),
    ((*USERINFO, "response_type_missing"), ("id_token token",)),
)
HYBRID = runs(
    ((*LOGIN, *REQUEST_OBJECT, *USERINFO, *CODE), HYBRID_TYPES),
    ((CLIENT_SECRET_POST, "claims_essential", "refresh_token"), HYBRID_TYPES),
    (("response_type_missing", "alternate_happy_flow", PKCE), ("code id_token",)),
    ((WITH_NONCE,), WITH_ID_TOKEN),
    ((WITHOUT_NONCE,), ("code token",)),
)


def together(*plans: Runs) -> Runs:
    """The runs of several plans that one file holds."""
    names = {name for plan in plans for name in plan}
    return {name: tuple(each for plan in plans for each in plan.get(name, ())) for name in names}
