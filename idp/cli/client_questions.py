"""``idp client create --interactive``: the questions that matter, each answer checked at once.

Questions go to standard error, so that the answer of the command is JSON alone.
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
    """What is asked for one member; ``kinds`` are the applications it is asked of.

    ``several``: values with spaces between them. ``only_if`` names a member and the value it must
    have. ``also``: problems of these members come from this answer as well.
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
    Question("client_name", "Name that citizens read, in Vietnamese"),
    Question("client_name#en", "The name in English (empty: none)", kinds=_LOGINS),
    Question("redirect_uris", "Redirect URIs, with spaces", kinds=_LOGINS, several=True),
    Question(
        "token_endpoint_auth_method",
        "How it authenticates",
        "client_secret_basic",
        ("web", "service"),
        choices=("client_secret_basic", "client_secret_post", "private_key_jwt"),
    ),
    Question(
        "jwks_uri",
        "Address of its public keys (JWK Set)",
        only_if=("token_endpoint_auth_method", "private_key_jwt"),
        also=("jwks",),
    ),
    Question("scope", f"Scopes, of {' '.join(SCOPES)}", "openid profile", _LOGINS),
    Question("scope", "Scopes of the services that it calls, with spaces", "", ("service",)),
    Question("purpose", "What the data are for, in Vietnamese (empty: not told)", kinds=_LOGINS),
    Question(
        "minimum_acr",
        "Lowest level of a login",
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
        "Where a logout leads, with spaces (empty: nowhere)",
        kinds=_LOGINS,
        several=True,
    ),
    Question(
        "backchannel_logout_uri",
        "Address that is told of logouts (empty: none)",
        kinds=_LOGINS,
    ),
    Question("contacts", "E-mail addresses of its operators, with spaces", several=True),
)


def ask(judge: Callable[[Mapping[str, Any]], object]) -> dict[str, Any]:
    """The metadata that the answers make; ``judge`` raises what is wrong with a draft.

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
    """The draft with an answer that nothing is wrong with; asked until there is one."""
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
    """What is wrong with this answer. What later questions ask for is not missing yet."""
    try:
        judge(draft)
    except InvalidMetadata as error:
        about = (question.member, *question.also)
        return [each for each in error.problems if each.split(":")[0].split(".")[0] in about]
    return []
