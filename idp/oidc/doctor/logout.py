"""A test of a client's logout endpoint: OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.8.

Two tokens are sent, both about a session that does not exist: one that is good, which has to be
taken, and one whose signature is spoilt, which has to be refused.
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
    401: "asks for authentication: the signed logout token is the only credential, so let the"
    " request through",
    403: "forbids the request: exempt the endpoint from CSRF protection and from the firewall",
    404: "does not exist: register the address that your software listens on",
    405: "does not take POST: the logout token comes by POST",
    415: f"does not take a form: the token is the parameter logout_token of an {FORM} body",
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
    """How the client's endpoint takes a good token, and a forged one."""
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
        yield problem(CHECK, uri, "got no token: there is no key to encrypt it to (see jwks_uri)")
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
        return ok(CHECK, uri, f"takes a signed test token ({status})")
    if status == 400:
        return warning(
            CHECK,
            uri,
            "refuses a good token about a session that it does not know (400): answer 200, since"
            " that session is over. If you refuse every token, check that aud is your client_id,"
            " iss the issuer, typ logout+jwt, and that nonce is absent",
        )
    said = _STATUSES.get(status, "must answer 200 when the session is over")
    return problem(CHECK, uri, f"answers {status} to a good logout token: it {said}")


def _refused(uri: str, status: int) -> Finding:
    if status in TAKEN:
        return problem(
            CHECK,
            uri,
            f"takes a logout token with a wrong signature ({status}): everybody can log your users"
            " out. Verify the signature with the keys of our jwks_uri, and answer 400",
        )
    if status not in REFUSED:
        return warning(
            CHECK, uri, f"answers {status} to a token with a wrong signature: answer 400"
        )
    return ok(CHECK, uri, f"refuses a token with a wrong signature ({status})")


def _post(outbound: OutboundClient, uri: str, token: str) -> int:
    body = urlencode({"logout_token": token}).encode()
    return outbound.post(uri, body, content_type=FORM)


def _spoilt(token: str) -> str:
    """The token, one bit of its signature changed. Encrypted like any other, where it is."""
    head, _, signature = token.rpartition(".")
    first, *rest = b64url_decode(signature)
    return f"{head}.{b64url(bytes((first ^ 1, *rest)))}"
