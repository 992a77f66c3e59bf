"""``idp client create --interactive``: the main questions; each answer is checked at once.

Questions go to standard error, so that standard output is JSON alone.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from idp.core.assurance import ACR_VALUES, REACHABLE_LEVEL
from idp.core.shown_text import escaped
from idp.oidc.clients.rules import InvalidMetadata
from idp.oidc.vocabulary import SCOPES

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "web": {},
    "browser": {"token_endpoint_auth_method": "none"},
    "native": {"token_endpoint_auth_method": "none", "application_type": "native"},
    "service": {"grant_types": ["client_credentials"]},
}
_LOGINS = ("web", "browser", "native")


@dataclass(frozen=True, slots=True)
class Question:
    """The question for one member; ``kinds`` are the applications that it applies to.

    ``several``: values separated by spaces. ``only_if``: a member and the value it must
    have. ``also``: this answer can cause problems of these members too.
    """

    member: str
    text: str
    default: str = ""
    kinds: tuple[str, ...] = tuple(_KINDS)
    several: bool = False
    choices: tuple[str, ...] = ()
    only_if: tuple[str, str] | None = None
    also: tuple[str, ...] = ()


QUESTIONS = (
    Question("client_name", "Name shown to citizens, in Vietnamese"),
    Question("client_name#en", "Name in English (empty: none)", kinds=_LOGINS),
    Question("redirect_uris", "Redirect URIs, separated by spaces", kinds=_LOGINS, several=True),
    Question(
        "token_endpoint_auth_method",
        "Client authentication method",
        "client_secret_basic",
        ("web", "service"),
        choices=("client_secret_basic", "client_secret_post", "private_key_jwt"),
    ),
    Question(
        "jwks_uri",
        "URL of its public keys (JWK Set)",
        only_if=("token_endpoint_auth_method", "private_key_jwt"),
        also=("jwks",),
    ),
    Question("scope", f"Scopes, of {' '.join(SCOPES)}", "openid profile", _LOGINS),
    Question(
        "scope", "Scopes of the services that it calls, separated by spaces", "", ("service",)
    ),
    Question("purpose", "Purpose of the data, in Vietnamese (empty: not shown)", kinds=_LOGINS),
    Question(
        "minimum_acr",
        "Minimum level of a login",
        ACR_VALUES[0],
        _LOGINS,
        choices=ACR_VALUES[:REACHABLE_LEVEL],
    ),
    Question(
        "grant_types",
        "Refresh tokens",
        "no",
        _LOGINS,
        choices=("yes", "no"),
    ),
    Question(
        "post_logout_redirect_uris",
        "Redirect URIs after logout, separated by spaces (empty: none)",
        kinds=_LOGINS,
        several=True,
    ),
    Question(
        "backchannel_logout_uri",
        "Back-channel logout URI (empty: none)",
        kinds=_LOGINS,
    ),
    Question("contacts", "E-mail addresses of its operators, separated by spaces", several=True),
)


def ask(judge: Callable[[Mapping[str, Any]], object]) -> dict[str, Any]:
    """The metadata from the answers; ``judge`` raises the problems of a draft.

    Raises:
        click.Abort: the input ends, or the operator does not confirm.
    """
    kinds = click.Choice(list(_KINDS))
    kind = click.prompt("Kind of application", default="web", type=kinds, err=True)
    draft = dict(_KINDS[kind])
    for question in QUESTIONS:
        if kind in question.kinds and _applies(question, draft):
            draft = _answered(question, draft, judge)
    click.echo(escaped(json.dumps(draft, ensure_ascii=False, indent=2), kept="\n"), err=True)
    click.confirm("Register this client?", default=True, abort=True, err=True)
    return draft


def _applies(question: Question, draft: Mapping[str, Any]) -> bool:
    if question.only_if is None:
        return True
    member, value = question.only_if
    return draft.get(member) == value


def _answered(
    question: Question, draft: dict[str, Any], judge: Callable[[Mapping[str, Any]], object]
) -> dict[str, Any]:
    """The draft with a valid answer; the question is repeated until there is one."""
    kind = click.Choice(question.choices) if question.choices else str
    while True:
        said = click.prompt(
            question.text,
            default=question.default,
            type=kind,
            show_default=bool(question.default),
            err=True,
        )
        answered = draft | _members(question, said.strip())
        problems = _problems(question, answered, judge)
        if not problems:
            return answered
        for each in problems:
            click.echo(escaped(each), err=True)


def _members(question: Question, said: str) -> dict[str, Any]:
    if question.member == "grant_types":
        return {"grant_types": ["authorization_code", "refresh_token"]} if said == "yes" else {}
    if not said:
        return {}
    return {question.member: said.split() if question.several else said}


def _problems(
    question: Question,
    draft: Mapping[str, Any],
    judge: Callable[[Mapping[str, Any]], object],
) -> list[str]:
    """The problems of this answer. Members of later questions are not missing yet."""
    try:
        judge(draft)
    except InvalidMetadata as error:
        about = (question.member, *question.also)
        return [each for each in error.problems if each.split(":")[0].split(".")[0] in about]
    return []
