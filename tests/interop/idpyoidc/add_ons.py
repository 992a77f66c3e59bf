"""PAR, DPoP and JARM for idpyoidc, in the extension points that its own add-ons use.

Its own do not work with any provider that keeps to the standards; in 5.0.0:

- ``add_on/par.py`` takes 200 alone for a success, where RFC 9126 §2.2 says 201, and puts the client
  assertion into the request object instead of the form, where nobody is authenticated by it;
- ``add_on/dpop.py`` writes ``ath`` in hexadecimal, where RFC 9449 §4.2 says base64url, and drops
  the ``nonce``: it is not among ``DPoPProof.body_params``, and no caller ever gives one;
- there is no JARM;
- the ``aud`` of its client assertions is always an array (``AuthnToken``), which FAPI 2.0 §5.3.2.1
  refuses, and they live ten minutes: no client of idpyoidc's can be under a FAPI 2.0 profile.
"""

import hashlib
import uuid
from typing import Any

from cryptojwt.jwk.ec import new_ec_key
from cryptojwt.jwt import JWT, VerificationError
from cryptojwt.utils import b64e
from idpyoidc.client.client_auth import PrivateKeyJWT
from idpyoidc.client.oauth2.add_on.dpop import DPoPProof
from idpyoidc.client.service import Service
from idpyoidc.client.service_context import ServiceContext
from idpyoidc.message import Message
from idpyoidc.time_util import utc_time_sans_frac
from requests import Response, request

PAR = "pushed_authorization_request_endpoint"
BOUND = ("accesstoken", "refresh_token", "userinfo")


class Http:
    """Requests that trust one authority; ``nonce`` is the last answer's (RFC 9449 §8.2)."""

    def __init__(self, ca: str) -> None:
        self.ca = ca
        self.nonce: str | None = None

    def __call__(self, method: str, url: str, **how: Any) -> Response:
        # The keys of a provider on localhost would be fetched without verifying its certificate.
        response = request(method, url, **{**how, "verify": self.ca, "timeout": 20})
        self.nonce = response.headers.get("DPoP-Nonce", self.nonce)
        return response


class Assertion(PrivateKeyJWT):
    """A client assertion signed with ES256: outside the token endpoint RS256 is its default."""

    def construct(
        self, request: Any, service: Any = None, http_args: Any = None, **more: Any
    ) -> Any:
        return super().construct(request, service, http_args, **{**more, "algorithm": "ES256"})


class Proof(DPoPProof):
    """A DPoP proof that may have a nonce."""

    body_params = DPoPProof.body_params | {"nonce"}


def add_dpop(services: dict[str, Service]) -> None:
    """Send a proof with every request for a token, and with every use of one."""
    context = services["accesstoken"].upstream_get("context")
    context.add_on["dpop"] = {"key": new_ec_key("P-256")}
    for name in BOUND:
        services[name].construct_extra_headers.append(prove)


def prove(
    context: ServiceContext,
    service_endpoint: str,
    http_method: str,
    headers: dict[str, str] | None = None,
    token: str = "",
    **_: Any,
) -> dict[str, str]:
    """The headers, with a proof of the key."""
    key, unit = context.add_on["dpop"]["key"], context.upstream_get("unit")
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": http_method,
        "htu": context.provider_info[service_endpoint],
        "iat": utc_time_sans_frac(),
        "ath": b64e(hashlib.sha256(token.encode()).digest()).decode() if token else None,
        "nonce": unit.httpc.nonce,
    }
    said = {name: value for name, value in claims.items() if value is not None}
    proof = Proof(typ="dpop+jwt", alg="ES256", jwk=key.serialize(), **said)
    proof.key = key
    return {**(headers or {}), "DPoP": proof.create_header()}


def add_par(services: dict[str, Service]) -> None:
    """Push every authorization request; all others then have the nonce of the answer."""
    services["authorization"].post_construct.append(push)


def push(asked: Message, service: Service, **_: Any) -> Message:
    """The request by reference (RFC 9126 §2)."""
    context, unit = service.upstream_get("context"), service.upstream_get("unit")
    for _attempt in range(2):  # the first tells the nonce
        form = service.msg_type(**asked.to_dict())
        service.init_authentication_method(form, "private_key_jwt")
        headers = prove(context, PAR, "POST")
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        url = context.provider_info[PAR]
        answer = unit.httpc("POST", url, data=form.to_urlencoded(), headers=headers)
        if answer.status_code == 201:
            return Message(client_id=asked["client_id"], request_uri=answer.json()["request_uri"])
    raise ConnectionError(answer.text)


def opened(client: Any, text: str) -> dict[str, Any]:
    """The members of a JARM answer (§2.4): whose it is, for whom, and when were checked."""
    client_id = client.get_client_id()
    jwt = JWT(key_jar=client.keyjar, iss=client_id, allowed_sign_algs=["ES256"])
    claims: dict[str, Any] = jwt.unpack(text)
    if claims["iss"] != client.get_context().issuer or claims["aud"] != client_id:
        raise VerificationError("not of this provider for this client")
    del claims["aud"], claims["exp"]
    return claims
