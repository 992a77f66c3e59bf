"""Checks of a registration request: RFC 7591 §2 and §5, OpenID Connect Registration §2.

``clients.rules`` checks all client metadata; this module adds the limits of self-registration.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from idp.oidc.clients.model import Client
from idp.oidc.clients.rules import STRICT, TEXTS, InvalidMetadata, Rules
from idp.oidc.clients.rules import register as judge
from idp.oidc.clients.uris import loopback
from idp.oidc.errors import OAuthError
from idp.oidc.settings import RegistrationSettings
from idp.oidc.vocabulary import CIBA, DEVICE_CODE, LOGIN_GRANTS, OPENID

_OURS = frozenset({"client_id", "client_secret", "software_statement", "status"})
"""Members that the provider sets, or that are read elsewhere."""
TEXT_PATTERN = "^[ -~¡-©«¬®-´¶-¹»-ɏḀ-ỿ\\u0300-\\u030c\\u031b\\u0323-\\u0328‐-―‘-…‰′″‹›₫€№™]*$"
"""A regular expression (ECMA-262) for :data:`TEXTS`: Latin letters, also with
combining marks, and signs that cannot be confused with others.
"""
_TEXT = re.compile(TEXT_PATTERN)


def admit(
    raw: Mapping[str, Any],
    client_id: str,
    scope: tuple[str, ...],
    settings: RegistrationSettings,
    rules: Rules = STRICT,
) -> Client:
    """The client described by ``raw``, reduced to what the policy and ``scope`` allow.

    Null members count as omitted (RFC 7592 §2.2).

    Raises:
        OAuthError: ``invalid_redirect_uri``, ``invalid_client_metadata``.
    """
    dropped = _OURS.union(settings.withheld)
    members = {name: each for name, each in raw.items() if each is not None and name not in dropped}
    members |= _scope(members, scope)
    try:
        client = judge(members, client_id=client_id, rules=replace(rules, pkce=settings.pkce))
    except InvalidMetadata as error:
        raise refused(error.problems) from error
    problems = tuple(_problems(client, members, settings))
    if problems:
        raise refused(problems)
    return client


def refused(problems: tuple[str, ...]) -> OAuthError:
    """The error of RFC 7591 §3.2.2 for ``member: problem`` sentences."""
    about_uris = any(each.startswith(("redirect_uris:", "redirect_uris.")) for each in problems)
    error = "invalid_redirect_uri" if about_uris else "invalid_client_metadata"
    return OAuthError(error, _plain("; ".join(problems)), reason=error)


def _plain(text: str) -> str:
    """``text`` in the characters of an error description (RFC 6749 §5.2), without markup."""
    return "".join(
        each if " " <= each <= "~" and each not in '"\\<>&' else "?" for each in text[:1_000]
    )


def _scope(members: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, str]:
    """The requested scope within ``allowed``; ``openid`` if a login requests none."""
    asked = members.get("scope")
    if asked is None:
        grants = members.get("grant_types", ["authorization_code"])
        login = isinstance(grants, list) and any(each in LOGIN_GRANTS for each in grants)
        return {"scope": OPENID if login and OPENID in allowed else ""}
    if not isinstance(asked, str):
        return {}
    return {"scope": " ".join(each for each in asked.split() if each in allowed)}


def _problems(
    client: Client, asked: Mapping[str, Any], settings: RegistrationSettings
) -> Iterator[str]:
    for each in set(client.grant_types) - set(settings.grant_types):
        yield f"grant_types: only the operator can register {each}"
    if not client.scope and not set(client.grant_types).isdisjoint(LOGIN_GRANTS):
        yield "scope: none of the requested scope may be registered here"
    yield from _sector_problems(client)
    if settings.reviewed:
        yield from _implicit_problems(client)
    for name in TEXTS:
        yield from _text_problems(name, str(asked.get(name, "")))


def _sector_problems(client: Client) -> Iterator[str]:
    """Answers outside redirect_uris need a sector_identifier_uri (OIDC Core §8.1)."""
    if client.sector_identifier_uri:
        return
    if client.sector != client.client_id and not {DEVICE_CODE, CIBA}.isdisjoint(client.grant_types):
        yield "sector_identifier_uri: is required for the device and CIBA grants"


def _implicit_problems(client: Client) -> Iterator[str]:
    """The implicit grant needs https and no loopback host (OIDC Registration §2).

    The sandbox allows both, for test suites and developers' machines.
    """
    if "implicit" not in client.grant_types or client.application_type != "web":
        return
    for uri in client.redirect_uris:
        if loopback(uri) or not uri.startswith("https:"):
            yield f"redirect_uris: {uri[:80]!r}: implicit needs https and no loopback host"


def _text_problems(name: str, text: str) -> Iterator[str]:
    """Texts shown to citizens have no hidden characters and no look-alike letters."""
    if not _TEXT.fullmatch(text):
        yield f"{name}: has a character other than Latin letters, digits and plain signs"
