"""The demo's relying parties in the register: the portal, and the citizen in the terminal."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from idp.demo import portal
from idp.oidc.client_auth.secret import secret_digest
from idp.oidc.clients.model import Secret
from idp.oidc.clients.repository import Clients
from idp.oidc.clients.rules import register

TERMINAL = "demo-terminal"
TERMINAL_REDIRECT = "http://127.0.0.1/done"
"""Nothing listens there: the terminal reads the code from the redirect itself."""


def register_portal(clients: Clients, pepper: bytes, url: str) -> str:
    """Register the portal at ``url``; its new secret."""
    secret = secrets.token_urlsafe(32)
    metadata = {
        "client_name": "Cổng dịch vụ công Thành phố Hoa Sen",
        "client_name#en": "Lotus City public services",
        "client_uri": f"{url}/",
        "redirect_uris": [f"{url}/callback"],
        "post_logout_redirect_uris": [f"{url}/"],
        "scope": portal.SCOPE,
        "purpose#vi": "điền sẵn hồ sơ của bạn",
        "purpose#en": "to fill in your application",
    }
    _put(
        clients, portal.CLIENT_ID, metadata, Secret(secret_digest(pepper, portal.CLIENT_ID, secret))
    )
    return secret


def register_terminal(clients: Clients) -> None:
    """Register the terminal: a public client on this machine."""
    metadata = {
        "client_name": "Đăng nhập thử trong cửa sổ lệnh",
        "client_name#en": "Demo login in the terminal",
        "redirect_uris": [TERMINAL_REDIRECT],
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "id_token_signed_response_alg": "ES256",
        "scope": "openid profile pid",
    }
    _put(clients, TERMINAL, metadata)


def _put(clients: Clients, client_id: str, metadata: Mapping[str, Any], *found: Secret) -> None:
    client = replace(register(metadata, client_id=client_id), secrets=found)
    known = clients.get(client_id)
    if known is None:
        clients.create(client)
    else:
        clients.update(replace(client, created_at=known.created_at))
