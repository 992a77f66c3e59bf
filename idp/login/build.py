"""The login desk as a feature: :func:`build` puts its parts together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from idp.deps import Deps
from idp.login.authentication import Method
from idp.login.authenticator import Authenticator
from idp.login.desk import Desk, Ending
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.login.sessions import Sessions
from idp.login.settings import LoginSettings
from idp.login.views import routes
from idp.login.visit import ClientView
from idp.web.edge import Route
from idp.web.openapi import Paths


@dataclass(frozen=True, slots=True)
class Login:
    """The three parts of the desk: its forms, the logins under way, their proofs."""

    forms: Forms
    desk: Desk
    proofs: Proofs


@dataclass(frozen=True, slots=True)
class MethodPart:
    """A built method: its routes by URL rule, and those that programs call (OpenAPI 3.1).

    ``authenticator`` is what a method has that opens a login.
    """

    method: Method
    routes: Mapping[str, Route]
    authenticator: Authenticator | None = None
    paths: Paths = field(default_factory=dict)


def build(
    deps: Deps,
    settings: LoginSettings,
    *,
    methods: tuple[Method, ...],
    describe: Callable[[str], ClientView | None],
    endings: Mapping[str, Ending],
) -> Login:
    """The desk for ``methods``; ``describe`` and ``endings`` as in :class:`Forms` and Desk."""
    forms = Forms(deps.pages, describe, deps.keys.derive("csrf"))
    sessions = Sessions(deps.transient, deps.revocations, deps.clock, settings, forms.secure)
    desk = Desk(
        forms=forms,
        sessions=sessions,
        transient=deps.transient,
        audit=deps.audit,
        clock=deps.clock,
        settings=settings,
        methods=methods,
        endings=endings,
        key=deps.keys.derive("ticket"),
    )
    proofs = Proofs(deps.accounts, deps.registry, sessions, settings.transaction_ttl)
    return Login(forms, desk, proofs)


def pages(login: Login, methods: Iterable[MethodPart]) -> dict[str, Route]:
    """The pages that every login has: who are you, and how will you prove it."""
    opening = {each.method.name: each.authenticator for each in methods if each.authenticator}
    return routes(login.desk, login.proofs, opening)
