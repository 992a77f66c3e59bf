"""Security profiles as data: requirements on clients (RFC 9700, FAPI 1.0, FAPI 2.0).

A check reads a member of the client's profile; no code compares profile names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.oidc.vocabulary import (
    ASSERTION_ALGS,
    AUTH_METHODS,
    CODE,
    JARM_MODES,
    REQUEST_OBJECT_ALGS,
    RESPONSE_MODES,
    RESPONSE_TYPES,
    TLS_METHODS,
)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. Lifetimes in seconds.

    ``pkce_required`` holds for confidential clients; public clients always need PKCE.
    ``sender_constrained``: tokens must be bound to a key of the client (RFC 9449, RFC 8705).
    ``assertion_algs``: algorithms of assertions, request objects and DPoP proofs.
    ``assertion_max_ahead``: the most that ``client_assertion_max_seconds`` may be.
    ``assertion_for_issuer_only``: a client assertion's ``aud`` is the issuer, as a string;
    ``assertion_for_several``: it may have further audiences.
    ``request_object_algs``: accepted algorithms of request objects. Request objects must have
    ``nbf`` and ``exp``, at most ``request_object_ttl`` apart, unless that is 0.
    ``refresh_rotation``: each use of a refresh token issues a new one.
    ``refresh_repeat``: the response to a refresh may be repeated for some seconds, in case it was
    lost.
    ``signed_answers``: an authorization response is a JWT (JARM), or has an ID token with hashes
    of the other members, also ``s_hash`` (FAPI 1.0 Advanced §5.2.2.1).
    ``nonce_required``: also for a response without an ID token (FAPI 1.0 Baseline §5.2.2.2).
    """

    name: str
    auth_methods: tuple[str, ...]
    assertion_algs: tuple[str, ...]
    response_types: tuple[str, ...]
    response_modes: tuple[str, ...] = RESPONSE_MODES
    code_ttl: int = 60
    pkce_required: bool = False
    par_required: bool = False
    request_object_required: bool = False
    sender_constrained: bool = False
    assertion_max_ahead: int = 3_600
    assertion_for_issuer_only: bool = False
    assertion_for_several: bool = False
    refresh_rotation: bool = True
    refresh_repeat: bool = True
    request_object_algs: tuple[str, ...] = REQUEST_OBJECT_ALGS
    request_object_ttl: int = 0
    signed_answers: bool = False
    nonce_required: bool = False


BASELINE = Profile("baseline", AUTH_METHODS, ASSERTION_ALGS, RESPONSE_TYPES)
_FAPI_METHODS = ("private_key_jwt", *TLS_METHODS)
_FAPI2_ALGS = ("ES256", "PS256", "EdDSA")
FAPI2_SECURITY = Profile(
    "fapi2-security",
    _FAPI_METHODS,
    _FAPI2_ALGS,
    (CODE,),
    pkce_required=True,
    par_required=True,
    sender_constrained=True,
    assertion_max_ahead=300,
    assertion_for_issuer_only=True,
    refresh_rotation=False,
    refresh_repeat=False,
    request_object_algs=_FAPI2_ALGS,
    request_object_ttl=3_600,
)
FAPI2_MESSAGE_SIGNING = Profile(
    "fapi2-message-signing",
    _FAPI_METHODS,
    _FAPI2_ALGS,
    (CODE,),
    response_modes=JARM_MODES,
    pkce_required=True,
    par_required=True,
    request_object_required=True,
    sender_constrained=True,
    assertion_max_ahead=300,
    assertion_for_issuer_only=True,
    refresh_rotation=False,
    refresh_repeat=False,
    request_object_algs=_FAPI2_ALGS,
    request_object_ttl=3_600,
)
_FAPI1_ALGS = ("ES256", "PS256")
FAPI1_ADVANCED = Profile(
    "fapi1-advanced",
    _FAPI_METHODS,
    _FAPI1_ALGS,
    (CODE, "code id_token"),
    response_modes=("fragment", "form_post", *JARM_MODES),
    pkce_required=True,
    par_required=True,
    request_object_required=True,
    sender_constrained=True,
    assertion_max_ahead=300,
    assertion_for_several=True,
    refresh_repeat=False,
    request_object_algs=_FAPI1_ALGS,
    request_object_ttl=3_600,
    signed_answers=True,
    nonce_required=True,
)
FAPI_CIBA = Profile(
    "fapi-ciba",
    _FAPI_METHODS,
    _FAPI1_ALGS,
    (CODE,),
    pkce_required=True,
    request_object_required=True,
    sender_constrained=True,
    assertion_max_ahead=300,
    refresh_rotation=False,
    refresh_repeat=False,
)
PROFILES: Mapping[str, Profile] = {
    each.name: each
    for each in (BASELINE, FAPI1_ADVANCED, FAPI2_SECURITY, FAPI2_MESSAGE_SIGNING, FAPI_CIBA)
}
