"""Requested claims, and the citizen's consent.

A consent is stored as the proof that Law 91/2025/QH15 requires: citizen, relying party, purpose and
its text, data, level, time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from idp.core.handles import digest
from idp.core.records import Record
from idp.oidc.clients.model import Client
from idp.oidc.vocabulary import SCOPE_CLAIMS

SENSITIVE_CLAIMS = frozenset({"pid", "former_ids"})
"""The login name of an e-ID account and identity papers' numbers (Decree 356/2025/NĐ-CP)."""


PART_OF: Mapping[str, str] = {
    "family_name": "name",
    "middle_name": "name",
    "given_name": "name",
    "updated_at": "name",
    "phone_number_verified": "phone_number",
    "email_verified": "email",
}
"""Claims that are part of another claim and need no question of their own beside it."""


@dataclass(frozen=True, slots=True)
class RequestedClaims(Record):
    """The personal claims of one authorization request.

    The citizen must give the ``required`` claims to continue and may refuse each ``voluntary`` one.
    ``anew``: they must be asked in this transaction (``prompt=consent``).
    """

    required: tuple[str, ...] = ()
    voluntary: tuple[str, ...] = ()
    anew: bool = False

    @classmethod
    def of(
        cls, wanted: frozenset[str], required: frozenset[str], *, anew: bool
    ) -> "RequestedClaims":
        """The claims ``wanted``; those in ``required``, and their parts, are required."""
        must = {each for each in wanted if each in required or PART_OF.get(each) in required}
        return cls(_in_order(must), _in_order(wanted - must), anew)

    @property
    def claims(self) -> tuple[str, ...]:
        """All requested claims."""
        return self.required + self.voluntary

    @property
    def shown(self) -> tuple[str, ...]:
        """The claims with their own line on the page."""
        groups = (self.required, self.voluntary)
        return tuple(each for group in groups for each in group if PART_OF.get(each) not in group)

    def with_parts(self, ticked: Iterable[str]) -> frozenset[str]:
        """The voluntary claims that these ticked lines grant."""
        lines = frozenset(ticked)
        return frozenset(
            each for each in self.voluntary if not lines.isdisjoint({each, PART_OF.get(each)})
        )


def _in_order(claims: Iterable[str]) -> tuple[str, ...]:
    """Claims in display order: the name first, then the order of the scopes."""
    found = frozenset(claims)
    known = (claim for listed in SCOPE_CLAIMS.values() for claim in listed)
    return tuple(claim for claim in known if claim in found)


@dataclass(frozen=True, slots=True)
class Consent:
    """A citizen's answer to one relying party, for one version of its purpose.

    ``refused`` are voluntary claims that were shown and not given; they are not asked again.
    ``text_digest`` is the digest of the purpose as shown. Times are epoch seconds. ``flow`` is the
    login it was given in, ``id`` its number in the database.
    """

    account_id: str
    client_id: str
    purpose_version: str
    granted: frozenset[str] = frozenset()
    refused: frozenset[str] = field(default=frozenset())
    text_digest: str = ""
    locale: str = "vi"
    level: int = 0
    given_at: int = 0
    withdrawn_at: int | None = None
    flow: str = ""
    id: int = field(default=0, compare=False)

    def stands(self, client: Client) -> bool:
        """Whether it is not withdrawn and for the present version of the purpose."""
        return self.withdrawn_at is None and self.purpose_version == client.purpose_version


def must_ask(asked: RequestedClaims, known: Consent | None, client: Client, *, since: int) -> bool:
    """Whether the citizen must be asked before ``client`` gets an answer.

    ``since`` is the start of the transaction; :attr:`RequestedClaims.anew` accepts only a consent
    given after it. After a withdrawal the citizen is asked again, even without personal claims.
    """
    if known is not None and known.withdrawn_at is not None:
        return True
    if asked.anew and (known is None or known.given_at < since):
        return True
    if not asked.claims:
        return False
    if known is None or not known.stands(client):
        return True
    return not (known.granted >= set(asked.required)) or not (
        known.granted | known.refused >= set(asked.voluntary)
    )


def answer(
    asked: RequestedClaims,
    ticked: Iterable[str],
    *,
    client: Client,
    account_id: str,
    before: Consent | None,
    level: int,
    locale: str,
    now: int,
) -> Consent:
    """The consent of a citizen who allowed the ``ticked`` lines.

    Earlier answers to claims that are not asked now are kept; ticks for claims that were not asked
    are ignored.
    """
    granted = frozenset(asked.required) | asked.with_parts(ticked)
    kept = before if before is not None and before.stands(client) else None
    others = frozenset(asked.claims)
    return Consent(
        account_id=account_id,
        client_id=client.client_id,
        purpose_version=client.purpose_version,
        granted=granted | (kept.granted - others if kept else frozenset()),
        refused=(others - granted) | (kept.refused - others if kept else frozenset()),
        text_digest=digest(client.purpose.in_locale(locale)),
        locale=locale,
        level=level,
        given_at=now,
    )
