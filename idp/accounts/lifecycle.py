"""Whether an account may be used: the one rule of every login, grant and token.

The locks are those of Decree 59/2022 Art. 19 and what followed it: the holder's own, an
authority's, and those that follow by themselves from what the registry says of the holder.
"""

from idp.accounts.model import Account, Lock
from idp.core.person import CivilStatus
from idp.registry.model import Person


class AccountUnusable(Exception):
    """The account may not be used; ``reason`` is a short machine word.

    ``deceased``, ``missing``, ``number_cancelled``, ``locked_`` and the :class:`Lock`,
    ``not_activated``; or ``gone`` where there is no account or no person.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def locked_by_holder(self) -> bool:
        """Whether its holder locked it, who may be told so and how to unlock."""
        return self.reason == f"locked_{Lock.HOLDER}"


def require_usable(account: Account, person: Person) -> None:
    """Return when ``person`` may use ``account`` now.

    The registry's status counts first: no page says that a dead person locked their account.

    Raises:
        AccountUnusable: they may not.
    """
    if person.status is not CivilStatus.ALIVE:
        raise AccountUnusable(person.status.value)
    if account.lock is not None:
        raise AccountUnusable(f"locked_{account.lock}")
    if account.activated_at is None:
        raise AccountUnusable("not_activated")
