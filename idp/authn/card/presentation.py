"""What an agent hands in of a card, and every check on it (ICAO 9303-11 §5, §6.1).

What the login is and whether the challenge was still to be used is decided before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.accounts.lifecycle import AccountUnusable, require_usable
from idp.accounts.model import Account
from idp.accounts.repository import Accounts
from idp.authn.card.errors import CardProblem
from idp.core.handles import b64url_decode, equal
from idp.login import throttle
from idp.mrtd.document import VerifiedCard, verify_for_login
from idp.mrtd.errors import MRTDError
from idp.mrtd.lds import CardFiles
from idp.mrtd.policy import Policy
from idp.mrtd.trust import TrustStore
from idp.registry.model import Card, CardStatus
from idp.registry.source import RegistrySource
from idp.standing import subjects
from idp.standing.revocations import Revocations
from idp.web.http import HttpError


@dataclass(frozen=True, slots=True)
class Presentation:
    """The files, the chip's signature, and the match code where the citizen picked one."""

    files: CardFiles
    signature: bytes
    picked: str | None

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> "Presentation":
        """Read the members of an agent's request.

        Raises:
            HttpError: 400: a member is missing or of another type.
            CardProblem: a file is larger than any card's.
        """
        groups = {number: _bytes(said, f"dg{number}") for number in (1, 13, 15)}
        if "dg14" in said:
            groups[14] = _bytes(said, "dg14")
        try:
            files = CardFiles(_bytes(said, "sod"), groups)
        except MRTDError as error:
            raise CardProblem("card-not-genuine", reason=error.reason) from error
        picked = text(said, "match_code") if "match_code" in said else None
        return cls(files, _bytes(said, "signature"), picked)


@dataclass(frozen=True, slots=True)
class ExpectedPresentation:
    """What a presentation must answer: the challenge, the counter name of the typed number, and
    the match code that the page shows.
    """

    challenge: bytes
    person: str
    match_code: str


def genuine(
    shown: Presentation,
    expected: ExpectedPresentation,
    *,
    trust: TrustStore,
    policy: Policy,
    now: int,
) -> VerifiedCard:
    """The card's data, signed by their country, from the chip that signed our challenge.

    Raises:
        CardProblem: ``card-not-genuine``, with the exact reason.
    """
    try:
        return verify_for_login(
            shown.files,
            trust=trust,
            challenge=expected.challenge,
            signature=shown.signature,
            policy=policy,
            now=now,
        )
    except MRTDError as error:
        raise CardProblem("card-not-genuine", reason=error.reason) from error


@dataclass(frozen=True, slots=True)
class Holders:
    """Who cards belong to. ``counter_key`` makes the name that an offer has for its person."""

    accounts: Accounts
    registry: RegistrySource
    revocations: Revocations
    counter_key: bytes = field(repr=False)


def accept(
    holders: Holders, shown: Presentation, expected: ExpectedPresentation, verified: VerifiedCard
) -> Account:
    """Every check on a genuine card, in order; whose it is.

    Raises:
        CardProblem: ``card-not-accepted``, with the exact reason.
    """
    identity = verified.identity
    _require(shown.picked is None or equal(shown.picked, expected.match_code), "match-code")
    person_name = throttle.person(holders.counter_key, identity.number.digits)
    _require(equal(person_name, expected.person), "number-mismatch")
    person = holders.registry.person(identity.number)
    account = holders.accounts.by_number(identity.number)
    if person is None:
        raise CardProblem("card-not-accepted", reason="person-unknown")
    if account is None:
        raise CardProblem("card-not-accepted", reason="account-unknown")
    _require(person.birth_date == identity.birth_date, "birth-date-mismatch")
    _require_registered(holders, verified)
    try:
        require_usable(account, person)
    except AccountUnusable as error:
        if not error.locked_by_holder:
            raise CardProblem("card-not-accepted", reason=error.reason) from error
    return account


def _require_registered(holders: Holders, verified: VerifiedCard) -> None:
    """The registry knows this card, says it is valid, and knows this chip's key.

    Raises:
        CardProblem: it does not.
    """
    card = _registered(holders.registry.cards(verified.identity.number), verified)
    if card is None:
        raise CardProblem("card-not-accepted", reason="card-unknown")
    _require(card.status is CardStatus.VALID, f"card-{card.status}")
    revoked = holders.revocations.is_revoked(subjects.card(verified.chip_key_digest), 0)
    _require(not revoked, "card-revoked")


def _registered(cards: tuple[Card, ...], verified: VerifiedCard) -> Card | None:
    """The registry's record of this very chip, or of one it keeps no key of.

    The number of the document follows from the person's, so every card of a person has the same:
    without the chip's key, the dates tell their cards apart.
    """
    identity = verified.identity
    by_key = [each for each in cards if each.aa_key_digest == verified.chip_key_digest]
    by_dates = [
        each
        for each in cards
        if each.aa_key_digest is None
        and each.document_number == identity.document_number
        and each.expires_on == identity.expires_on
        and identity.issued_on in (None, each.issued_on)
    ]
    return next(iter(by_key + by_dates), None)


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise CardProblem("card-not-accepted", reason=reason)


def text(said: Mapping[str, Any], name: str) -> str:
    """A member that must be a string.

    Raises:
        HttpError: 400: it is none.
    """
    value = said.get(name)
    if not isinstance(value, str):
        raise HttpError(400, f"{name} must be a string")
    return value


def _bytes(said: Mapping[str, Any], name: str) -> bytes:
    try:
        return b64url_decode(text(said, name))
    except ValueError as error:
        raise HttpError(400, f"{name} must be base64url") from error
