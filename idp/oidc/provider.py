"""The provider: its parts, a line each, and their endpoints."""

from idp.oidc.authorization import pushed
from idp.oidc.authorization import views as authorization
from idp.oidc.ciba import endpoint as ciba
from idp.oidc.device import endpoint as device
from idp.oidc.discovery import endpoint as discovery
from idp.oidc.grants import endpoint as grants
from idp.oidc.introspection import endpoint as introspection
from idp.oidc.logout import views as logout
from idp.oidc.registration import endpoint as registration
from idp.oidc.revocation import endpoint as revocation
from idp.oidc.services import Endpoint, Part, Services
from idp.oidc.userinfo import endpoint as userinfo
from idp.web.openapi import Paths

PARTS: tuple[Part, ...] = (
    authorization.PART,
    pushed.PART,
    grants.PART,
    userinfo.PART,
    introspection.PART,
    revocation.PART,
    registration.PART,
    logout.PART,
    device.PART,
    ciba.PART,
)


def endpoints(services: Services, *described: Paths) -> tuple[Endpoint, ...]:
    """Every endpoint of the provider, discovery included.

    ``described`` are what programs call beside them. What is served in the sandbox only is
    described only there.
    """
    whole = discovery.metadata(
        services.settings, tuple(part.metadata(services.settings) for part in PARTS)
    )
    served = tuple(each for part in PARTS for each in part.endpoints(services))
    templates = {each.path.replace("<", "{").replace(">", "}") for each in served}
    own = {path: item for part in PARTS for path, item in part.paths.items() if path in templates}
    return (*served, *discovery.endpoints(services, whole, (own, *described)))
