"""Software statements: RFC 7591 §2.3, §3.1.1. Accepts one configured issuer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.jose.jwt import (
    LEEWAY,
    InvalidToken,
    check_claims,
    check_signature,
    check_typ,
    parse_jwt,
)
from idp.oidc.clients.members import USED
from idp.oidc.errors import OAuthError
from idp.oidc.settings import RegistrationSettings
from idp.oidc.vocabulary import ASSERTION_ALGS
from idp.storage.used import Use

_TYP = ("", "JWT")


REMEMBERED = 10 * 365 * 24 * 3600
"""Seconds for which the use of a statement without ``exp`` is remembered."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A request with its software statement applied: signed members replace plain ones.

    ``use`` is the single use of a statement that has a ``jti``.
    """

    members: Mapping[str, Any]
    use: Use | None = None


def with_statement(raw: Mapping[str, Any], settings: RegistrationSettings, *, now: int) -> Stated:
    """``raw`` with its software statement applied.

    Unknown claims of the statement are ignored (RFC 7591 §2.3).

    Raises:
        OAuthError: ``unapproved_software_statement``: from another issuer;
            ``invalid_software_statement``: not a valid JWT of the issuer.
    """
    statement = raw.get("software_statement")
    if statement is None:
        return Stated(raw)
    if not isinstance(statement, str):
        raise invalid("type")
    if not settings.statement_issuer:
        raise _unapproved()
    try:
        jwt = parse_jwt(statement)
        check_typ(jwt, _TYP)
        if jwt.claims.get("iss") != settings.statement_issuer:
            raise _unapproved()
        claims = check_signature(jwt, settings.statement_keys, ASSERTION_ALGS)
        check_claims(claims, issuer=settings.statement_issuer, audience=None, now=now)
    except InvalidToken as error:
        raise invalid(error.reason) from error
    signed = {name: each for name, each in claims.items() if name in USED}
    members = {**raw, **signed, "software_statement": statement}
    return Stated(members, _use(claims, settings, now) if "jti" in claims else None)


def _use(claims: Mapping[str, Any], settings: RegistrationSettings, now: int) -> Use:
    expires_at = int(claims.get("exp", now + REMEMBERED)) + LEEWAY
    return Use("software-statement", settings.statement_issuer, claims["jti"], expires_at)


def invalid(reason: str) -> OAuthError:
    """The statement is not valid; the exact reason goes only to the audit log."""
    return OAuthError(
        "invalid_software_statement",
        "the software statement is not valid",
        reason=f"software_statement_{reason}",
    )


def _unapproved() -> OAuthError:
    return OAuthError(
        "unapproved_software_statement",
        "software statements of this issuer are not accepted here",
        reason="software_statement_issuer",
    )
