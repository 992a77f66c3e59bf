"""How the features stand together: the login, its methods and the provider, on given stores.

The application composes a deployment by :func:`compose`, the tests their worlds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from idp.authn.card import build as card
from idp.authn.card.settings import CardSettings
from idp.authn.otp import build as otp
from idp.authn.otp.settings import OtpSettings
from idp.authn.passcode import build as passcode
from idp.deps import Deps
from idp.login import build as login_desk
from idp.login.authentication import Method
from idp.login.build import Login, MethodPart
from idp.login.desk import Ending
from idp.login.settings import LoginSettings
from idp.mrtd.trust import TrustStore
from idp.notify.sender import Sender
from idp.oidc import provider
from idp.oidc.clients.repository import ClientCache
from idp.oidc.clients.view import view
from idp.oidc.consent.repository import Consents
from idp.oidc.services import Services
from idp.oidc.settings import ProviderSettings
from idp.outbound.client import OutboundClient
from idp.standing.end import Ends
from idp.web.edge import Route
from idp.web.openapi import Paths

METHODS: tuple[Method, ...] = (otp.METHOD, card.METHOD, passcode.METHOD)
"""The ways to prove who one is."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """The settings of each feature."""

    provider: ProviderSettings
    login: LoginSettings = field(default_factory=LoginSettings)
    otp: OtpSettings = field(default_factory=OtpSettings)
    card: CardSettings = field(default_factory=CardSettings)


@dataclass(frozen=True, slots=True)
class Outside:
    """What features reach outside the stores: phones, relying parties, the cards' country."""

    sender: Sender
    outbound: OutboundClient
    trust: Callable[[], TrustStore]


@dataclass(frozen=True, slots=True)
class Equipment:
    """What a sandbox puts in the place of the login and of the services."""

    login: Callable[[Login], Login] = lambda login: login
    services: Callable[[Services], Services] = lambda services: services


PLAIN = Equipment()


@dataclass(frozen=True, slots=True)
class LoginPages:
    """The login with the methods it was built with, and every page of them."""

    login: Login
    methods: Mapping[str, MethodPart]
    routes: Mapping[str, Route]
    paths: tuple[Paths, ...]


@dataclass(frozen=True, slots=True)
class Composition:
    """A provider with its login: ``routes`` is all they serve, by URL rule."""

    pages: LoginPages
    services: Services
    routes: Mapping[str, Route]


def compose(
    deps: Deps,
    outside: Outside,
    settings: FeatureSettings,
    clients: ClientCache,
    *,
    equipment: Equipment = PLAIN,
    described: tuple[Paths, ...] = (),
) -> Composition:
    """The provider for ``clients``. ``described`` is what OpenAPI describes besides its parts."""
    endings: dict[str, Ending] = {}
    login = login_desk.build(
        deps,
        settings.login,
        methods=METHODS,
        describe=lambda tag: view(clients.by_tag(tag)),
        endings=endings,
    )
    pages = compose_login(deps, outside, settings, equipment.login(login))
    ends = Ends(deps.audit, deps.revocations)
    consents = Consents(deps.database, ends, deps.clock, keep_ttl=settings.provider.family_ttl)
    services = equipment.services(
        Services.of(
            settings.provider,
            deps,
            pages.login,
            clients=clients,
            ends=ends,
            consents=consents,
            outbound=outside.outbound,
            sender=outside.sender,
        )
    )
    found = provider.endpoints(services, *pages.paths, *described)
    endings.update((each.path, each.ending) for each in found if each.ending)
    routes = {**pages.routes, **{each.path: each.route for each in found}}
    return Composition(pages, services, routes)


def compose_login(
    deps: Deps, outside: Outside, settings: FeatureSettings, login: Login
) -> LoginPages:
    """The pages of ``login`` and of each method that it has."""
    built = (
        otp.build(deps, login, settings.otp, outside.sender),
        card.build(deps, login, settings.card, outside.trust),
        passcode.build(deps, login),
    )
    routes = {**login_desk.pages(login, built)}
    for each in built:
        routes |= each.routes
    methods = {each.method.name: each for each in built}
    return LoginPages(login, methods, routes, tuple(each.paths for each in built if each.paths))
