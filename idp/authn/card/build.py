"""The chip card as a feature."""

from collections.abc import Callable

from idp.authn.card.authenticator import CardLogin
from idp.authn.card.presentation import Holders
from idp.authn.card.settings import CardSettings
from idp.authn.card.views import PATHS, routes
from idp.deps import Deps
from idp.login.build import Login, MethodPart
from idp.mrtd.policy import LOGIN
from idp.mrtd.trust import TrustStore

METHOD = CardLogin.method


def build(
    deps: Deps, login: Login, settings: CardSettings, trust: Callable[[], TrustStore]
) -> MethodPart:
    """The method for ``login``; cards are verified with ``trust``."""
    counter_key = deps.keys.derive("counter")
    card = CardLogin(
        forms=login.forms,
        desk=login.desk,
        proofs=login.proofs,
        transient=deps.transient,
        audit=deps.audit,
        clock=deps.clock,
        holders=Holders(deps.accounts, deps.registry, deps.revocations, counter_key),
        settings=settings,
        trust=trust,
        policy=LOGIN,
        key=deps.keys.derive("card"),
    )
    return MethodPart(METHOD, routes(card), card, PATHS)
