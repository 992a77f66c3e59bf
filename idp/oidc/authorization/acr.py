"""The requested authentication context: ``acr_values`` and the ``acr`` claim (OIDC Core §5.5.1.1).

Values are a minimum, and several mean that the lowest of them will do.
"""

from collections.abc import Iterable

from idp.core.assurance import REACHABLE_LEVEL, acr_level
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError


def unmet(reason: str = "unreachable") -> OAuthError:
    """No method in use reaches the level (OpenID Connect Core Error Code for Unmet ACRs)."""
    return OAuthError(
        "unmet_authentication_requirements",
        "the requested authentication level cannot be reached",
        reason=reason,
    )


def minimum_level(acr_values: str, acr_claim: Iterable[str], client: Client) -> int:
    """The level a login must reach: the client's own minimum, or more where the request asks.

    Raises:
        OAuthError: nothing asked for is a level of ours that can be reached.
    """
    wanted = (tuple(acr_values.split()) or client.default_acr_values, tuple(acr_claim))
    level = max(client.minimum_level, *(_lowest(values) for values in wanted))
    if level > REACHABLE_LEVEL:
        raise unmet()
    return level


def _lowest(values: tuple[str, ...]) -> int:
    """The lowest level named; 0 when nothing is asked."""
    levels = [level for level in map(acr_level, values) if level is not None]
    if values and not levels:
        raise unmet("unknown_acr")
    return min(levels, default=0)
