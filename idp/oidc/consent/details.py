"""Rich authorization requests: one transaction that a citizen approves (RFC 9396).

The types are data: members, lengths and labels. An approval is for one login only and is not
remembered, so that it never applies to another transaction.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from idp.core.handles import digest
from idp.core.shown_text import hidden
from idp.core.strict_json import loads_object
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError
from idp.storage.transient import Get, Put
from idp.web.http import Params

Detail: TypeAlias = Mapping[str, str]
PARAMETER = "authorization_details"
MAX_DETAILS = 5
APPROVAL_TTL = 600
"""Seconds from the citizen's answer to the end of the login that it was given in."""
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a type: visible text of at most ``longest`` characters."""

    name: str
    longest: int = 120
    required: bool = False
    form: re.Pattern[str] | None = None

    def accepts(self, value: object) -> bool:
        """Whether ``value`` is valid: no hidden character, no line break."""
        if not isinstance(value, str) or not 0 < len(value) <= self.longest:
            return False
        if any(hidden(each) for each in value):
            return False
        return self.form is None or bool(self.form.fullmatch(value))


TYPES: Mapping[str, tuple[Member, ...]] = {
    "transaction_approval": (
        Member("title", required=True),
        Member("payee"),
        Member("amount", 18, form=_AMOUNT),
        Member("currency", 3, form=_CURRENCY),
        Member("reference", 64, required=True),
    ),
    "document_signing": (
        Member("title", required=True),
        Member("reference", 64),
        Member("sha256", 43, required=True, form=_DIGEST),
    ),
}


def parse(text: str, client: Client) -> tuple[Detail, ...]:
    """The details in ``authorization_details``; ``""``: none (RFC 9396 §2 and §5).

    Raises:
        OAuthError: ``invalid_authorization_details``.
    """
    if not text:
        return ()
    try:
        wrapped = b'{"all":' + text.encode("utf-8", "surrogatepass") + b"}"
        (found,) = loads_object(wrapped, max_depth=4).values()
    except ValueError as error:
        raise _invalid("must be a JSON array") from error
    if not isinstance(found, list) or not 0 < len(found) <= MAX_DETAILS:
        raise _invalid(f"must be an array of 1 to {MAX_DETAILS} objects")
    return tuple(_detail(each, client) for each in found)


def refuse(params: Params) -> None:
    """Check that a request has no transaction, at an endpoint that cannot approve one.

    Raises:
        OAuthError: ``invalid_authorization_details`` (RFC 9396 §5): it has one.
    """
    if PARAMETER in params:
        raise _invalid("only an authorization request can approve a transaction")


def approval_key(flow: str) -> str:
    """Key of the approval of one login."""
    return f"approved:{{{flow}}}"


def approve(flow: str, account_id: str, details: tuple[Detail, ...]) -> Put:
    """The operation that stores a citizen's approval of exactly these details in this login."""
    return Put(approval_key(flow), {"answer": _answer(account_id, details)}, APPROVAL_TTL)


def approval_of(flow: str) -> Get[Mapping[str, Any]]:
    """The operation that reads the approval."""
    return Get(approval_key(flow))


def approved(
    record: Mapping[str, Any] | None, account_id: str, details: tuple[Detail, ...]
) -> bool:
    """Whether a record is this citizen's approval of exactly these details."""
    return record is not None and record["answer"] == _answer(account_id, details)


def _answer(account_id: str, details: tuple[Detail, ...]) -> str:
    return digest(json.dumps([account_id, *map(dict, details)], sort_keys=True))


def _detail(value: Any, client: Client) -> Detail:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise _invalid("each must be an object with a type")
    members = TYPES.get(value["type"])
    if members is None or value["type"] not in client.authorization_details_types:
        raise _invalid("the client is not registered for this type")
    known = {each.name: each for each in members}
    for name in value.keys() - {"type", *known}:
        raise _invalid(f"{name[:40]!r} is not a member of this type")
    for each in members:
        if each.name in value or each.required:
            _check(each, value.get(each.name))
    return {name: value[name] for name in ("type", *known) if name in value}


def _check(member: Member, value: object) -> None:
    if not member.accepts(value):
        raise _invalid(f"{member.name} is missing or malformed")


def _invalid(description: str) -> OAuthError:
    return OAuthError("invalid_authorization_details", description)
