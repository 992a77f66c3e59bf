"""A login under way: one record in the transient store, found by its flow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.core.records import Record
from idp.login.requirement import Requirement


def transaction_key(flow: str) -> str:
    """Where the transaction of ``flow`` is kept."""
    return f"login:{{{flow}}}"


def proof_key(flow: str, method: str) -> str:
    """Where ``flow`` keeps the authentication made by ``method``."""
    return f"proof:{{{flow}}}:{method}"


@dataclass(frozen=True, slots=True)
class Transaction(Record):
    """What a login is for and where it goes back to.

    ``return_to`` is a path of our own; ``payload`` belongs to the feature that began the login (the
    authorization request) and is never read here.
    ``cancelled`` says why the login was given up, which that feature answers: ``citizen``
    (they pressed Cancel) or ``unmet`` (their account cannot reach the level); empty while it is on.
    """

    client_id: str
    requirement: Requirement
    return_to: str
    begun_at: int
    cancelled: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
