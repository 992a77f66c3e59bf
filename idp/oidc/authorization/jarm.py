"""JWT Secured Authorization Response Mode: JARM §2.1 and §2.2, the JWT's lifetime and its key."""

from collections.abc import Mapping

from idp.jose.jwt import sign_jwt
from idp.oidc.clients.encryption import sealed
from idp.oidc.clients.model import Client
from idp.oidc.services import Services

TTL = 60
"""Seconds that a client has to read the answer: it is on its way, never kept."""
DEFAULT_ALGS = ("RS256", "ES256")
"""JARM §3 has RS256 for a client that names none; a profile may rule it out."""


def secured(services: Services, client: Client, members: Mapping[str, str]) -> str:
    """``members`` in a JWT for the client. They hold ``iss`` already, as every answer does.

    Raises:
        Unavailable: it is to be encrypted, and no key of the client's can be had.
    """
    claims = {**members, "aud": client.client_id, "exp": services.clock() + TTL}
    signed = sign_jwt(services.keys.signer(_alg(client)), claims)
    return sealed(services.client_keys, client, "authorization", signed)


def _alg(client: Client) -> str:
    named = client.authorization_signed_response_alg
    return named or next(each for each in DEFAULT_ALGS if each in client.profile.assertion_algs)
