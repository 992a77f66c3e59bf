"""Client data shown on pages: only from its registration.

A logo is loaded from the relying party's server, which so learns the citizen's IP address.
"""

from functools import lru_cache

from idp.login.visit import ClientView
from idp.oidc.clients.model import Client
from idp.oidc.clients.uris import host, origin
from idp.web.security import form_target


def home(client: Client) -> str:
    """The link back to a client: its own page, or the origin of a redirect URI.

    ``""`` for a native app.
    """
    if client.client_uri or client.application_type == "native":
        return client.client_uri
    return next((f"{origin(each)}/" for each in client.redirect_uris if origin(each)), "")


@lru_cache(1024)
def view(client: Client | None) -> ClientView | None:
    """The client data on login pages."""
    if client is None:
        return None
    sources = tuple(dict.fromkeys(form_target(each) for each in client.redirect_uris))
    hosts = dict.fromkeys(host(each) for each in client.redirect_uris)
    picture = form_target(client.logo_uri) if client.logo_uri else ""
    shown = picture.startswith(("https://", "http://"))  # a CSP source must be https or http
    return ClientView(
        name={"vi": client.client_name.vi, "en": client.client_name.in_locale("en")},
        home=home(client),
        origins=sources,
        domain=", ".join(each for each in hosts if each),
        logo=client.logo_uri if shown else "",
        pictures=(picture,) if shown else (),
        policy=client.policy_uri,
        terms=client.tos_uri,
    )
