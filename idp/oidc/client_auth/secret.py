"""Client secrets: RFC 6749 §2.3.1. Stored as keyed digests, compared in constant time."""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from idp.core.handles import b64url, equal
from idp.oidc.clients.model import Client
from idp.oidc.errors import OAuthError, invalid_client

MAX_SECRET = 512


def secret_digest(pepper: bytes, client_id: str, secret: str) -> str:
    """The stored digest of a client secret: HMAC-SHA256 under a key outside the database."""
    message = b"client-secret\x00" + client_id.encode() + b"\x00" + secret.encode()
    return b64url(hmac.digest(pepper, message, "sha256"))


def parse_basic(credentials: str) -> tuple[str, str]:
    """Client id and secret of an ``Authorization: Basic`` header, form-decoded.

    Raises:
        OAuthError: ``invalid_client``: malformed credentials.
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
    """The client, if the secret is right. An unknown client takes the same time.

    Raises:
        OAuthError: ``invalid_client``.
    """
    shown = secret_digest(pepper, client_id, secret[: MAX_SECRET + 1])
    held = [each.digest for each in client.secrets if each.usable(now)] if client else []
    # Always two comparisons, for none, one or two secrets (during a rotation).
    matches = [equal(shown, each) for each in (*held, "", "")[: max(2, len(held))]]
    if client is None or not any(matches):
        raise _refused(client, shown)
    return client


def _refused(client: Client | None, shown: str) -> OAuthError:
    """The error with its reason for the audit log; only a caller with an expired secret differs."""
    if client is None:
        return invalid_client("unknown_client")
    expired = any(equal(shown, each.digest) for each in client.secrets)
    return invalid_client("expired_secret" if expired else "wrong_secret")
