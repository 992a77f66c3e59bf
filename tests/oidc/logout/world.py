"""Relying parties that want to hear of logouts, sessions used at them, and the courier."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt

from idp.core.handles import digest
from idp.oidc.clients.model import Client, Text
from idp.oidc.clients.repository import Clients
from idp.oidc.logout.courier import Courier
from idp.oidc.logout.delivery import Delivery
from idp.oidc.logout.repository import Outbox
from idp.outbound.client import OutboundClient, OutboundSettings
from tests.oidc.front import ISSUER, PORTAL, Browser, Front, answer


def party(front: Front, name: str, **members: Any) -> Client:
    """A relying party of its own sector, active at once."""
    found = Client(
        client_id=name,
        client_name=Text(f"Dịch vụ {name}", f"Service {name}"),
        sector=f"{name}.example.vn",
        redirect_uris=(f"https://{name}.example.vn/cb",),
        post_logout_redirect_uris=(f"https://{name}.example.vn/bye",),
        scope=("openid",),
        **members,
    )
    created = Clients(front.database, front.clock).create(found)
    front.services.clients.refresh()
    return created


def listens(front: Front, uri: str, client: Client = PORTAL) -> Client:
    """``client``, told of logouts from now on."""
    changed = dataclasses.replace(client, backchannel_logout_uri=uri)
    front.change(changed)
    return changed


def visit(front: Front, browser: Browser, *clients: Client) -> None:
    """Use the browser's session at these relying parties."""
    for each in clients:
        assert "code" in answer(front.authorize(browser, each)), each.client_id


def session_id(front: Front, browser: Browser) -> str:
    """The id of the browser's session."""
    found = browser.http.get_cookie("__Host-eid_session", domain="id.example.vn")
    assert found is not None
    return str(found.value)[:11]


def messages(front: Front, session: str) -> dict[str, Delivery]:
    """The outbox's messages about a session, by client."""
    found = Outbox(front.database, front.clock).of_session(digest(session))
    return {each.message.client_id: each for each in found}


@contextmanager
def courier(front: Front, *, timeout: float = 2.0) -> Iterator[Courier]:
    """A courier whose breakers follow the test's clock."""
    services = front.services
    settings = OutboundSettings(allow_loopback=True, timeout=timeout, floor=0.0)
    outbound = OutboundClient(settings)
    made = Courier(
        Outbox(front.database, front.clock),
        services.clients,
        services.keys,
        outbound,
        clock=front.clock,
        issuer=ISSUER,
        monotonic=lambda: float(front.clock()),
    )
    try:
        yield made
    finally:
        made.close()
        outbound.close()


def verified(front: Front, token: str, client_id: str) -> dict[str, Any]:
    """The claims of a logout token, as a relying party that keeps our keys reads it (§2.6)."""
    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("logout+jwt", "ES256")
    key = jwt.PyJWKSet.from_dict(front.services.keys.jwks())[header["kid"]]
    options = {"verify_exp": False, "verify_iat": False}  # the test's clock is not the machine's
    claims: dict[str, Any] = jwt.decode(
        token, key, ["ES256"], audience=client_id, issuer=ISSUER, options=options
    )
    assert claims["exp"] - claims["iat"] <= 120
    return claims
