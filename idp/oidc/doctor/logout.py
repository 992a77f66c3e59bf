"""A test of a client's logout endpoint: OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8.

Sends two tokens about a session that does not exist. The endpoint must accept the valid one, and
refuse the one with an invalid signature.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from idp.core.errors import Unavailable
from idp.core.handles import b64url, b64url_decode, random_token
from idp.keystore.file import KeyStore
from idp.oidc.clients.encryption import sealed
from idp.oidc.clients.keys import ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.doctor.fetch import failure
from idp.oidc.doctor.model import Finding, ok, problem, warning
from idp.oidc.logout.delivery import Message
from idp.oidc.logout.token import logout_token
from idp.outbound.client import OutboundClient, OutboundError
from idp.web.http import FORM

CHECK = "backchannel_logout_uri"
TAKEN = (200, 204)
REFUSED = (400, 401, 403)
_STATUSES = {
    401: "requires authentication: allow the request without, since the signed logout token is the"
    " only credential",
    403: "forbids the request: exempt the endpoint from CSRF protection and from the firewall",
    404: "does not exist: register the address that your software listens on",
    405: "does not accept POST: the logout token is sent by POST",
    415: f"does not accept a form: read the parameter logout_token from an {FORM} body",
}


def examine(
    outbound: OutboundClient,
    keys: KeyStore,
    client_keys: ClientKeys,
    client: Client,
    *,
    issuer: str,
    now: int,
) -> Iterator[Finding]:
    """Findings about the answers to a valid token and to a forged one."""
    uri, nobody = client.backchannel_logout_uri, f"test-{random_token(12)}"
    signer = keys.signer(client.id_token_signed_response_alg)
    message = Message(client.client_id, "", sub=nobody, sid=nobody)
    one, other = (logout_token(signer, message, issuer=issuer, now=now) for _ in range(2))
    try:
        good, forged = (
            sealed(client_keys, client, "id_token", each) for each in (one, _spoilt(other))
        )
        status = _post(outbound, uri, good)
    except OutboundError as error:
        yield problem(CHECK, uri, failure(error))
        return
    except Unavailable:
        yield problem(
            CHECK,
            uri,
            "was not called: the client has no key to encrypt the token to (see jwks_uri)",
        )
        return
    yield _taken(uri, status)
    if status not in TAKEN:
        return
    try:
        yield _refused(uri, _post(outbound, uri, forged))
    except OutboundError as error:
        yield warning(CHECK, uri, f"did not answer a forged token: it {failure(error)}")


def _taken(uri: str, status: int) -> Finding:
    if status in TAKEN:
        return ok(CHECK, uri, f"accepts a signed test token ({status})")
    if status == 400:
        return warning(
            CHECK,
            uri,
            "refuses a valid token about an unknown session (400): answer 200, since that session"
            " has ended. If you refuse every token, check that aud is your client_id, iss the"
            " issuer, typ logout+jwt, and that nonce is absent",
        )
    remedy = _STATUSES.get(status, "must answer 200 when the session has ended")
    return problem(CHECK, uri, f"answers {status} to a valid logout token: it {remedy}")


def _refused(uri: str, status: int) -> Finding:
    if status in TAKEN:
        return problem(
            CHECK,
            uri,
            f"accepts a logout token with an invalid signature ({status}): anybody can log your"
            " users out. Verify the signature with the keys of our jwks_uri, and answer 400",
        )
    if status not in REFUSED:
        return warning(
            CHECK, uri, f"answers {status} to a token with an invalid signature: answer 400"
        )
    return ok(CHECK, uri, f"refuses a token with an invalid signature ({status})")


def _post(outbound: OutboundClient, uri: str, token: str) -> int:
    body = urlencode({"logout_token": token}).encode()
    return outbound.post(uri, body, content_type=FORM)


def _spoilt(token: str) -> str:
    """The token with one bit of its signature changed."""
    head, _, signature = token.rpartition(".")
    first, *rest = b64url_decode(signature)
    return f"{head}.{b64url(bytes((first ^ 1, *rest)))}"
