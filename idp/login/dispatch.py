"""The single dispatcher: from a requirement and what was proved to the next step. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from idp.core import assurance
from idp.core.assurance import Factor
from idp.login.authentication import Authentication, Method, factors_of
from idp.login.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Ask for a proof by one of ``methods``; the citizen chooses where there are several."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """The requirement is met by ``authentications``, all of one account."""

    authentications: tuple[Authentication, ...]

    @property
    def account_id(self) -> str:
        """Who was authenticated."""
        return self.authentications[0].account_id

    @property
    def factors(self) -> frozenset[Factor]:
        """The factors that were proved."""
        return factors_of(self.authentications)

    @property
    def level(self) -> int:
        """The level reached by what counts."""
        return assurance.level(self.factors)

    @property
    def amr(self) -> tuple[str, ...]:
        """The ``amr`` values of what counts."""
        return assurance.amr(
            (value for each in self.authentications for value in each.amr),
            self.factors,
        )

    @property
    def auth_time(self) -> int:
        """The oldest authentication that counts: never younger than the weakest link."""
        return min(each.at for each in self.authentications)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The requirement cannot be met: ``unmet`` (level) or ``other-account``."""

    reason: str


Step: TypeAlias = Authenticate | Finish | Refuse


def next_step(
    requirement: Requirement,
    proofs: Iterable[Authentication],
    earlier: Iterable[Authentication],
    methods: Iterable[Method],
) -> Step:
    """What must happen next.

    ``proofs`` were made in this transaction, ``earlier`` in the browser's session; ``methods``
    are those that can be used now.
    """
    usable = [each for each in methods if _accepts(requirement, each)]
    counted = _counted(requirement, tuple(proofs), tuple(earlier), {each.name for each in usable})
    if counted and requirement.account_id not in (None, counted[0].account_id):
        return Refuse("other-account")
    factors = factors_of(counted)
    if counted and assurance.level(factors) >= requirement.level:
        return Finish(counted)
    missing = [each for each in usable if not factors.issuperset(each.factors)]
    if assurance.level(factors | factors_of(missing)) < requirement.level:
        return Refuse("unmet")
    names = tuple(each.name for each in missing if counted or each.opens)
    return Authenticate(names) if names else Refuse("unmet")


def _accepts(requirement: Requirement, method: Method) -> bool:
    """A relying party chooses how a login opens; a further factor follows from the level."""
    return not (requirement.methods and method.opens) or method.name in requirement.methods


def _counted(
    requirement: Requirement,
    proofs: tuple[Authentication, ...],
    earlier: tuple[Authentication, ...],
    accepted: set[str],
) -> tuple[Authentication, ...]:
    """The authentications that count: fresh enough, by an accepted method, of one account.

    Proofs of this transaction are always fresh enough: no clock of another node is asked.
    The account is that of the newest proof, so that somebody else's session never adds to it.
    """
    recent = [each for each in earlier if each.at >= requirement.not_before]
    candidates = proofs if requirement.fresh else (*recent, *proofs)
    fit = [each for each in candidates if each.method in accepted]
    mine = (each for each in fit if each.account_id == fit[-1].account_id)
    return tuple({each.method: each for each in mine}.values())
