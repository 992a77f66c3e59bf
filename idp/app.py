"""The application: every object built once, from the settings, and every endpoint in its place.

The only module that knows everything. Build it in the process that serves: nothing here survives
a fork.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from prometheus_client import Counter

from idp.accounts.repository import Accounts
from idp.audit import events
from idp.audit.log import AuditLog
from idp.authn.card.settings import card_settings
from idp.authn.card.trust import TrustFolders
from idp.authn.otp.settings import SANDBOX_CODE
from idp.composition import PLAIN, Equipment, FeatureSettings, Outside, compose
from idp.core.clock import Clock, system_clock
from idp.deps import Deps
from idp.keystore.file import KeyStore
from idp.notify.background import BackgroundSender
from idp.notify.console import ConsoleSender
from idp.notify.sender import Sender
from idp.notify.sms import SmsGateway
from idp.oidc.clients.repository import ClientCache
from idp.oidc.settings import ProviderSettings
from idp.outbound.client import OutboundClient
from idp.registry.http import HttpRegistry
from idp.registry.repository import Registry
from idp.registry.source import RegistrySource
from idp.registry.sql import SqlRegistry
from idp.sandbox import api as sandbox_api
from idp.sandbox import observation
from idp.sandbox.forced import ForcedResults
from idp.sandbox.logins import equip, equip_login
from idp.sandbox.recorder import Recorder, record
from idp.sandbox.tools import Tools
from idp.sandbox.views import routes as sandbox_pages
from idp.settings import Settings
from idp.standing.revocations import Revocations
from idp.storage.beside import Beside
from idp.storage.database import Database, open_database
from idp.storage.opening import open_transient
from idp.storage.processes import Refresher
from idp.storage.transient import TransientStore
from idp.web import access, assets, metrics
from idp.web.adapter import create_app as create_flask
from idp.web.adapter import mount
from idp.web.edge import Edge, Route
from idp.web.errors import Failure, Failures
from idp.web.forwarded import Trust
from idp.web.front import Front, StartResponse
from idp.web.settings import Site
from idp.web.templates import Pages


class NotASandbox(Exception):
    """A sandbox must not hold a real person: its codes are known to everybody."""


@dataclass(frozen=True, slots=True)
class Application:
    """The application of one process, also as a WSGI one; :meth:`close` ends it in order.

    ``routes`` is what it serves, by URL rule.
    """

    front: Front
    routes: Mapping[str, Route]
    stack: ExitStack

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return self.front(environ, start_response)

    def close(self) -> None:
        """Send what still waits, then close every connection."""
        self.stack.close()


@dataclass(frozen=True, slots=True)
class OpenStores:
    """The stores of a deployment, open: the database, the transient store, the registry."""

    database: Database
    transient: TransientStore
    registry: RegistrySource


def open_stores(settings: Settings, stack: ExitStack) -> OpenStores:
    """The stores that ``settings`` name; ``stack`` closes them.

    Raises:
        Unavailable: the embedded store does not start.
    """
    database = open_database(settings.database_url)
    stack.callback(database.close)
    transient = open_transient(
        settings.redis_url, settings.valkey_directory, stack, replicas=settings.redis.replicas
    )
    return OpenStores(database, transient, open_registry(settings, database, stack))


def create_app(
    settings: Settings, stores: OpenStores | None = None, clock: Clock = system_clock
) -> Application:
    """Everything that ``settings`` describe, on ``stores``, which their owner closes.

    Without ``stores``, those that the settings name.

    Raises:
        InvalidKeyStore, InvalidTrust, NotASandbox: it must not serve as it is.
        Unavailable: a store does not answer.
    """
    with ExitStack() as stack:
        keys = KeyStore(settings.keys.directory)
        stores = stores or open_stores(settings, stack)
        deps = _deps(settings, stores, keys, clock, stack)
        outside, trust = _outside(settings, stack)
        clients, waiting = ClientCache(deps.database), ForcedResults(deps.transient)
        views = (clients.refresh, deps.revocations.refresh, keys.refresh, trust.refresh)
        refresher = Refresher(
            deps.transient, (*views, waiting.refresh) if settings.sandbox else views
        )
        stack.callback(refresher.close)
        composed = compose(
            deps,
            outside,
            feature_settings(settings),
            clients,
            equipment=_sandbox(waiting, refresher) if settings.sandbox else PLAIN,
            described=(sandbox_api.PATHS,) if settings.sandbox else (),
        )
        routes = {**composed.routes, assets.PATH: Route(assets.static_file, light=True)}
        if settings.sandbox:
            recorder = Recorder(composed.services)
            stack.callback(recorder.close)
            recorder.start()
            routes = sandboxed(Tools(composed.services, recorder, refresher.everywhere), routes)
        refresher.start()
        failures = Failures(deps.pages, lambda each: _record(deps.audit, each))
        edge = Edge(failures, Trust(settings.trusted_proxies))
        return Application(_front(edge, routes), routes, stack.pop_all())


def _deps(
    settings: Settings, stores: OpenStores, keys: KeyStore, clock: Clock, stack: ExitStack
) -> Deps:
    """What every feature is built on.

    Raises:
        NotASandbox: the registry holds a real person.
    """
    database = stores.database
    if settings.sandbox and Registry(database, clock).holds_real_numbers():
        raise NotASandbox("the registry holds a person with a real province code")
    kind = SandboxAuditLog if settings.sandbox else MeteredAuditLog
    audit = kind(database, keys.derive("audit"), clock)
    stack.callback(audit.close)
    site = Site(settings.issuer, settings.sandbox, settings.hotline, settings.privacy_url)
    return Deps(
        database=database,
        transient=stores.transient,
        accounts=Accounts(database),
        registry=stores.registry,
        revocations=Revocations(database, clock),
        audit=audit,
        keys=keys,
        clock=clock,
        pages=Pages(site),
    )


def _outside(settings: Settings, stack: ExitStack) -> tuple[Outside, TrustFolders]:
    """The phones, the relying parties and the cards' country."""
    sender = BackgroundSender(_sender(settings))
    stack.callback(sender.close)
    outbound = OutboundClient(settings.outbound.settings())
    stack.callback(outbound.close)
    trust = TrustFolders(*settings.trust_directories)
    return Outside(sender, outbound, trust.store), trust


def sandboxed(tools: Tools, routes: Mapping[str, Route]) -> dict[str, Route]:
    """What a sandbox serves: every exchange with a relying party recorded, and its own pages."""
    return {
        **record(tools.recorder, routes),
        **sandbox_pages(tools, SANDBOX_CODE),
        **sandbox_api.routes(tools),
    }


def open_registry(settings: Settings, database: Database, stack: ExitStack) -> RegistrySource:
    """The population registry: our own copy, or the authority's service."""
    if settings.registry.source == "sql":
        return SqlRegistry(database)
    registry = HttpRegistry(settings.registry.service())
    stack.callback(registry.close)
    return registry


def provider_settings(settings: Settings) -> ProviderSettings:
    """The OpenID provider's part of the settings."""
    plain, scale = ProviderSettings(settings.issuer), settings.scale
    return ProviderSettings(
        settings.issuer,
        access_token_ttl=settings.tokens.access_ttl,
        id_token_ttl=settings.tokens.id_ttl,
        family_ttl=settings.session.absolute_ttl,
        backchannel_per_client=scale.count(plain.backchannel_per_client),
        backchannel_per_person=scale.count(plain.backchannel_per_person),
        backchannel_cool_down=0 if settings.sandbox else plain.backchannel_cool_down,
        registration=settings.registration.settings(scale),
        mtls_origin=settings.mtls.origin,
        client_authorities=settings.mtls.authorities,
        policy_url=_page(settings, settings.privacy_url),
        terms_url=_page(settings, settings.terms_url),
        documentation_url=_page(settings, settings.documentation_url),
    )


def _page(settings: Settings, url: str) -> str:
    """The whole address of a configured page, ``""`` for none."""
    return urljoin(settings.issuer, url) if url else ""


class MeteredAuditLog(AuditLog):
    """An audit log that counts what it has stored, for the operator's metrics."""

    def write(self, *written: events.Event, peer: str = "", beside: Sequence[Beside] = ()) -> bool:
        """See :meth:`idp.audit.log.AuditLog.write`."""
        stored = super().write(*written, peer=peer, beside=beside)
        for event in written if stored else ():
            if type(event) in _COUNTED:
                _COUNTED[type(event)](event).inc()
        return stored


class SandboxAuditLog(MeteredAuditLog):
    """The audit log of a sandbox: the recorder gets every event too."""

    def write(self, *written: events.Event, peer: str = "", beside: Sequence[Beside] = ()) -> bool:
        """See :meth:`idp.audit.log.AuditLog.write`."""
        observation.note(*written)
        return super().write(*written, peer=peer, beside=beside)


_COUNTED: Mapping[type[events.Event], Callable[[Any], Counter]] = {
    events.ProofAccepted: lambda event: metrics.PROOFS.labels(event.method, "accepted"),
    events.ProofRefused: lambda event: metrics.PROOFS.labels(event.method, "refused"),
    events.SessionStarted: lambda event: metrics.SESSIONS.labels(event.acr),
    events.SessionMoved: lambda event: metrics.SESSIONS_MOVED.labels("+".join(event.what)),
    events.TokenIssued: lambda event: metrics.TOKENS.labels(event.grant_type),
    events.TokenRefused: lambda event: metrics.TOKENS_REFUSED.labels(event.error),
    events.CodeSent: lambda _: metrics.CODES.labels("sent"),
    events.CodeNotSent: lambda _: metrics.CODES.labels("refused"),
    events.GrantReplayed: lambda event: metrics.REPLAYS.labels(event.what),
}


def _record(audit: AuditLog, failure: Failure) -> None:
    """A failed request: its reference into the access line and the audit log."""
    access.note(reference=failure.reference, error=failure.code)
    if failure.dependency:
        metrics.UNAVAILABLE.labels(failure.dependency).inc()
    refused = events.RequestRefused(
        reference=failure.reference, code=failure.code, reason=failure.endpoint
    )
    audit.write(refused)


def feature_settings(settings: Settings) -> FeatureSettings:
    """Each feature's part of the settings."""
    return FeatureSettings(
        provider=provider_settings(settings),
        login=settings.session.settings(
            settings.scale, former_numbers=settings.registry.former_numbers
        ),
        otp=settings.otp.settings(settings.scale),
        card=card_settings(settings.scale),
    )


def _sandbox(waiting: ForcedResults, refresher: Refresher) -> Equipment:
    return Equipment(
        lambda login: equip_login(login, waiting),
        lambda services: equip(services, waiting, refresher.everywhere),
    )


def _sender(settings: Settings) -> Sender:
    gateway = settings.sms.settings()
    return SmsGateway(gateway) if gateway else ConsoleSender(settings.inbox)


def _front(edge: Edge, routes: Mapping[str, Route]) -> Front:
    """Every endpoint, on Flask and in front of it."""
    flask = create_flask(edge)
    for path, route in routes.items():
        mount(flask, path, route, edge)
    return Front(edge, routes, flask)
