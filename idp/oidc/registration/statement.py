"""Software statements: RFC 7591 §2.3, §3.1.1. One issuer alone is believed, whose keys we hold."""

from collections.abc import Mapping
from typing import Any

from idp.jose.jwt import InvalidToken, check_claims, check_signature, check_typ, parse_jwt
from idp.oidc.errors import OAuthError
from idp.oidc.settings import RegistrationSettings
from idp.oidc.vocabulary import ASSERTION_ALGS

_TYP = ("", "JWT")
_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})


def with_statement(
    raw: Mapping[str, Any], settings: RegistrationSettings, *, now: int
) -> dict[str, Any]:
    """``raw`` as its software statement has it: signed members come before plain ones.

    Raises:
        OAuthError: ``unapproved_software_statement``, from somebody else; or
            ``invalid_software_statement``, not a JWT of the issuer's that is valid now.
    """
    statement = raw.get("software_statement")
    if statement is None:
        return dict(raw)
    if not isinstance(statement, str):
        raise _invalid("type")
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
        raise _invalid(error.reason) from error
    signed = {name: each for name, each in claims.items() if name not in _REGISTERED}
    return {**raw, **signed, "software_statement": statement}


def _invalid(reason: str) -> OAuthError:
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
