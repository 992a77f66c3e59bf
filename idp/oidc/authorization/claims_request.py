"""The ``claims`` request parameter: OIDC Core §5.5.

Of personal claims only those the client is registered for come out; the others and unknown members
are ignored (§5.5.1). ``acr`` and ``sub`` steer the login.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idp.core.strict_json import loads_object
from idp.oidc.clients.model import Client
from idp.oidc.errors import invalid_request
from idp.oidc.vocabulary import ACCOUNT_LEVEL

MAX_DEPTH = 6
MAX_VALUES = 20


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """Claims asked for by name, the essential ones among them, and how to log in.

    ``acr`` are the values asked of the ``acr`` claim, ``subject`` the only ``sub`` that will do.
    """

    userinfo: frozenset[str] = frozenset()
    id_token: frozenset[str] = frozenset()
    essential: frozenset[str] = frozenset()
    acr: tuple[str, ...] = ()
    subject: str | None = None


def parse(text: str, client: Client) -> ClaimsRequest:
    """The claims request in ``text``, ``""`` standing for none.

    Raises:
        OAuthError: not a JSON object of claims requests, or two different ``sub`` values.
    """
    if not text:
        return ClaimsRequest()
    try:
        value = loads_object(text.encode("utf-8", "surrogatepass"), max_depth=MAX_DEPTH)
    except ValueError as error:
        raise invalid_request("claims is not a JSON object") from error
    userinfo, id_token = (_members(value, name) for name in ("userinfo", "id_token"))
    subjects = {subject for each in (userinfo, id_token) for subject in _values(each.get("sub"))}
    if len(subjects) > 1:
        raise invalid_request("claims asks for two subjects")
    allowed = client.claims | {ACCOUNT_LEVEL}
    return ClaimsRequest(
        userinfo=allowed & userinfo.keys(),
        id_token=allowed & id_token.keys(),
        essential=_essential(userinfo) | _essential(id_token),
        acr=_values(id_token.get("acr")),
        subject=subjects.pop() if subjects else None,
    )


def _members(value: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    """Claim names and what is said of each; ``null`` says nothing (OIDC Core §5.5.1)."""
    members = value.get(name)
    if members is None:
        return {}
    if not isinstance(members, dict):
        raise invalid_request(f"claims.{name} is not an object")
    if not all(each is None or isinstance(each, dict) for each in members.values()):
        raise invalid_request(f"claims.{name} asks for a claim by neither null nor an object")
    return {claim: each or {} for claim, each in members.items()}


def _essential(members: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(name for name, each in members.items() if each.get("essential") is True)


def _values(asked: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The strings in ``value`` or ``values`` of one claim's request."""
    if not asked:
        return ()
    values = asked.get("values", [asked["value"]] if "value" in asked else [])
    if not isinstance(values, list) or len(values) > MAX_VALUES:
        raise invalid_request("the values of a claim are not a short array")
    if not all(isinstance(each, str) and each for each in values):
        raise invalid_request("the values asked of acr and sub are strings")
    return tuple(values)
