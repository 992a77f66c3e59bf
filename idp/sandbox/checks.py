"""The checks of an endpoint in their order, and the one that a request failed.

Each check is known by the function that makes it (``module.function`` under ``idp.oidc``); a test
holds the names to the code.
"""

from collections.abc import Mapping, Sequence

_AUTHENTICATION = (
    (
        "client_authentication",
        ("client_auth.dispatch.authenticate", "client_auth.dispatch.read_credentials"),
    ),
)
_REQUEST = (
    ("length and repetition", ("authorization.request._refuse_repeated_or_long",)),
    ("scope", ("authorization.request._require_scope", "authorization.request.registered_scope")),
    ("response_type", ("authorization.response_type.read_type",)),
    ("response_mode", ("authorization.response_type.check_mode",)),
    ("nonce", ("authorization.request._check_id_token",)),
    ("code_challenge", ("authorization.pkce.code_challenge",)),
    ("prompt", ("authorization.request._prompt",)),
    ("max_age", ("authorization.request._max_age",)),
    ("claims", ("authorization.claims_request.parse",)),
    ("acr_values", ("authorization.acr.minimum_level",)),
    ("id_token_hint", ("authorization.request._subject",)),
    ("authorization_details", ("consent.details.parse",)),
    ("resource", ("tokens.resource.narrowed",)),
    ("dpop_jkt", ("authorization.request._dpop_jkt",)),
)
Checks = Sequence[tuple[str, tuple[str, ...]]]
CHECKS: Mapping[str, Checks] = {
    "/authorize": (
        ("client_id", ("authorization.destination.known_client",)),
        ("request, request_uri", ("authorization.parameters.gather",)),
        ("redirect_uri", ("authorization.destination.find",)),
        *_REQUEST,
        ("login", ("authorization.walk.start", "authorization.walk.resume")),
    ),
    "/par": (
        *_AUTHENTICATION,
        ("request, request_uri", ("authorization.pushed._pushed",)),
        ("client_id", ("authorization.destination.known_client",)),
        ("redirect_uri", ("authorization.destination.find",)),
        *_REQUEST,
        ("DPoP", ("tokens.sender_constraint.read_pushed",)),
    ),
    "/token": (
        ("form", ("client_auth.form.require_form",)),
        *_AUTHENTICATION,
        ("grant_type", ("grants.endpoint._grant",)),
        ("DPoP, certificate", ("tokens.sender_constraint.read",)),
        (
            "grant",
            (
                "grants.authorization_code.redeem",
                "grants.refresh_token.redeem",
                "grants.client_credentials.redeem",
                "device.grant.redeem",
                "ciba.grant.redeem",
            ),
        ),
        ("session, account, consent", ("tokens.issue.issue", "sandbox.logins.issue")),
    ),
}


def failed_check(endpoint: str, calls: Sequence[str]) -> str:
    """The check that a refusal came from, ``""`` when it cannot be told.

    ``calls`` are the functions it came through, outermost first.
    """
    by_function = {
        f"idp.oidc.{each}": name for name, made in CHECKS.get(endpoint, ()) for each in made
    }
    by_function["idp.sandbox.logins.issue"] = "session, account, consent"
    return next((by_function[each] for each in reversed(calls) if each in by_function), "")


def outcome(endpoint: str, failed: str, *, refused: bool) -> tuple[tuple[str, str], ...]:
    """Each check of an endpoint, and ``passed``, ``failed`` or ``skipped``."""
    names = [name for name, _ in CHECKS.get(endpoint, ())]
    if not refused:
        return tuple((name, "passed") for name in names)
    if failed not in names:
        return ()
    at = names.index(failed)
    return tuple(
        (name, "passed" if place < at else "failed" if place == at else "skipped")
        for place, name in enumerate(names)
    )
