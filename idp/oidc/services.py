"""Services of the provider's endpoints, and the parts that features add to the provider.

Built once by the application; an endpoint is a plain function that closes over them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from idp.accounts.repository import Accounts
from idp.audit.events import CallRefused
from idp.audit.log import AuditLog
from idp.core.clock import Clock
from idp.deps import Deps
from idp.keystore.file import KeyStore
from idp.login.build import Login
from idp.login.desk import Desk, Ending
from idp.login.forms import Forms
from idp.login.proofs import Proofs
from idp.notify.sender import Sender
from idp.oidc.client_auth.dispatch import ClientAuthentication
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.repository import ClientCache
from idp.oidc.clients.request_uris import RequestUris
from idp.oidc.consent.repository import Consents
from idp.oidc.errors import OAuthError
from idp.oidc.settings import ProviderSettings
from idp.oidc.tokens.dpop import Nonces
from idp.oidc.tokens.issue import Mint
from idp.oidc.tokens.presented import Presented
from idp.oidc.tokens.sender_constraint import SenderConstraint
from idp.oidc.tokens.standing import Standing
from idp.oidc.tokens.subject import Subjects
from idp.outbound.client import OutboundClient
from idp.registry.source import RegistrySource
from idp.standing.end import Ends
from idp.standing.revocations import Revocations
from idp.storage.database import Database
from idp.storage.transient import TransientStore
from idp.storage.used import Uses
from idp.web.edge import Route
from idp.web.http import Request
from idp.web.openapi import Paths
from idp.web.templates import Pages


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one provider; :meth:`of` builds the derived ones.

    ``pepper`` keys refresh tokens' successors and the nonces of DPoP proofs.
    """

    settings: ProviderSettings
    clock: Clock
    database: Database
    transient: TransientStore
    uses: Uses
    clients: ClientCache
    outbound: OutboundClient
    sender: Sender
    client_keys: ClientKeys
    request_uris: RequestUris
    client_authentication: ClientAuthentication
    keys: KeyStore
    subjects: Subjects
    standing: Standing
    mint: Mint
    presented: Presented
    sender_constraint: SenderConstraint
    revocations: Revocations
    ends: Ends
    audit: AuditLog
    accounts: Accounts
    registry: RegistrySource
    forms: Forms
    desk: Desk
    proofs: Proofs
    consents: Consents
    pages: Pages
    pepper: bytes = field(repr=False)

    @property
    def candid(self) -> bool:
        """Whether error responses include the true reason: in the sandbox only."""
        return self.pages.site.sandbox

    @classmethod
    def of(
        cls,
        settings: ProviderSettings,
        deps: Deps,
        login: Login,
        *,
        clients: ClientCache,
        ends: Ends,
        consents: Consents,
        outbound: OutboundClient,
        sender: Sender,
    ) -> "Services":
        """The services of a provider on these stores, with this ``login``."""
        clock, transient, revocations = deps.clock, deps.transient, deps.revocations
        database, keys, audit = deps.database, deps.keys, deps.audit
        uses = Uses(database, clock)
        nonces = Nonces(keys.derive("dpop-nonce"))
        subjects = Subjects(keys.derive("pairwise"))
        standing = Standing(
            clients, transient, revocations, ends, clock, login.proofs.usable, settings.family_ttl
        )
        client_keys = ClientKeys(outbound, clock)
        authentication = ClientAuthentication(
            clients,
            transient,
            uses,
            clock,
            audit,
            pepper=keys.derive("client"),
            settings=settings,
            client_keys=client_keys,
        )
        return cls(
            settings=settings,
            clock=clock,
            database=database,
            transient=transient,
            uses=uses,
            clients=clients,
            outbound=outbound,
            sender=sender,
            client_keys=client_keys,
            request_uris=RequestUris(outbound, transient),
            client_authentication=authentication,
            keys=keys,
            subjects=subjects,
            standing=standing,
            mint=Mint(settings, clock, transient, keys, client_keys, subjects, standing, audit),
            presented=Presented(settings, clock, transient, keys, revocations),
            sender_constraint=SenderConstraint(settings, clock, uses, nonces),
            revocations=revocations,
            ends=ends,
            audit=audit,
            accounts=deps.accounts,
            registry=deps.registry,
            forms=login.forms,
            desk=login.desk,
            proofs=login.proofs,
            consents=consents,
            pages=deps.pages,
            pepper=keys.derive("refresh"),
        )


@contextmanager
def recording(services: Services, client_id: str, request: Request) -> Iterator[None]:
    """Write refusals to the audit log as :class:`CallRefused`.

    Only for an authenticated caller: others must not cause entries. ``use_dpop_nonce`` is a step of
    the protocol, not a refusal.
    """
    try:
        yield
    except OAuthError as error:
        if error.error != "use_dpop_nonce":
            event = CallRefused(
                client_id=client_id,
                endpoint=request.path.lstrip("/"),
                error=error.error,
                **error.recorded(),
            )
            services.audit.write(event, peer=request.peer)
        raise


def recording_client(
    services: Services, client: Client, request: Request
) -> AbstractContextManager[None]:
    """As :func:`recording`; records nothing for a public client, which anybody can name."""
    return nullcontext() if client.public else recording(services, client.client_id, request)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path of the provider, and what answers there.

    ``ending`` answers the last step of a login that returns to the path.
    """

    path: str
    route: Route
    ending: Ending | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A feature of the provider: what it adds to the metadata (RFC 8414), and its endpoints.

    ``paths`` describes those that programs call (OpenAPI 3.1).
    """

    metadata: Callable[[ProviderSettings], Mapping[str, Any]]
    endpoints: Callable[[Services], tuple[Endpoint, ...]]
    paths: Paths = field(default_factory=dict)
