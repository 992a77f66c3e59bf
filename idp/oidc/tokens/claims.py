"""Released personal claims: requested, consented to, and still registered (OIDC Core §5)."""

from collections.abc import Iterable
from typing import Any

from idp.attributes.resolve import claims as resolve
from idp.oidc.tokens.standing import Holder
from idp.oidc.vocabulary import ACCOUNT_LEVEL


def personal_claims(wanted: Iterable[str], holder: Holder, *, now: int) -> dict[str, Any]:
    """The claims in ``wanted`` that the client may have; unknown ones are omitted."""
    allowed = frozenset(wanted) & (holder.client.claims | {ACCOUNT_LEVEL})
    if not allowed or holder.person is None or holder.account is None:
        return {}
    resolved = resolve(holder.person, holder.account, allowed, now)
    return {name: value for name, value in resolved.items() if name in allowed}
