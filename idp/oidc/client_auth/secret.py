"""Client secrets: RFC 6749 §2.3.1. Kept as keyed digests, compared in constant time."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from idp.core.handles import b64url, equal
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_client

MAX_SECRET = 512


def secret_digest(pepper: bytes, client_id: str, secret: str) -> str:
    """What is stored of a client secret: HMAC-SHA256 under a key the database does not hold."""
    message = b"client-secret\x00" + client_id.encode() + b"\x00" + secret.encode()
    return b64url(hmac.digest(pepper, message, "sha256"))


def parse_basic(credentials: str) -> tuple[str, str]:
    """Client id and secret of an ``Authorization: Basic`` header, form-decoded.

    Raises:
        OAuthError: ``invalid_client``, not such credentials.
    """
    try:
        decoded = base64.b64decode(credentials.encode("ascii"), validate=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        if not colon:
            raise ValueError("no colon")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as error:
        raise invalid_client("malformed_basic", basic=True) from error


def verify_secret(
    client: Client | None, client_id: str, secret: str, *, pepper: bytes, now: int
) -> Client:
    """The client, which proved its secret. One that does not exist costs the same.

    Raises:
        OAuthError: ``invalid_client``.
    """
    shown = secret_digest(pepper, client_id, secret[: MAX_SECRET + 1])
    held = [each.digest for each in client.secrets if each.usable(now)] if client else []
    # Two comparisons whether there are none, one, or two secrets (a rotation under way).
    matches = [equal(shown, each) for each in (*held, "", "")[: max(2, len(held))]]
    if client is None or not any(matches):
        raise _refused(client, shown)
    return client


def _refused(client: Client | None, shown: str) -> OAuthError:
    """Why, for the audit log. Only a caller who knew the expired secret takes the second branch."""
    if client is None:
        return invalid_client("unknown_client")
    expired = any(equal(shown, each.digest) for each in client.secrets)
    return invalid_client("expired_secret" if expired else "wrong_secret")
