"""Request objects at a client's ``request_uris``: OIDC Core §6.2, RFC 9101 §5.2.

A request object is cached only if the fragment of its URI is the content's SHA-256. A limit bounds
the calls to a client's server that requests can cause.
"""

import hashlib
import threading

from idp.core.handles import b64url, digest
from idp.login.throttle import Limit
from idp.oidc.clients.model import Client
from idp.outbound.client import OutboundClient, OutboundError
from idp.storage.transient import Get, TransientStore

FETCHES = Limit("request-uri", 600, 60)
"""Fetches of one client's request objects in a minute."""
KEPT_TTL = 3_600
MAX_BYTES = 24 * 1024
MAX_WAITING = 4
"""Most threads of a process that may wait for clients' servers at a time."""
PATIENCE = 0.5
ACCEPT = "application/oauth-authz-req+jwt, application/jwt"


class NoRequestObject(Exception):
    """The request object is not available; ``reason`` is a short word for the audit log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def registered(request_uri: str, client: Client) -> bool:
    """Whether the client registered it; the fragment may differ, as it names a version."""
    return request_uri in client.request_uris or (
        request_uri.partition("#")[0] in client.request_uris
    )


class RequestUris:
    """Fetches request objects of clients. Thread-safe."""

    def __init__(self, outbound: OutboundClient, transient: TransientStore) -> None:
        self._outbound = outbound
        self._transient = transient
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)

    def get(self, client: Client, request_uri: str) -> str:
        """The request object at ``request_uri``, as unverified text.

        Raises:
            NoRequestObject: not registered, or not available.
            Unavailable: the store does not answer.
        """
        if not registered(request_uri, client):
            raise NoRequestObject("not_registered")
        key = f"request-object:{{{digest(request_uri)}}}"
        count, kept = self._transient.run(FETCHES.hit(client.client_id), Get(key))
        if kept is not None:
            text: str = kept["text"]
            return text
        if FETCHES.exceeded(count):
            raise NoRequestObject("throttled")
        address, _, fragment = request_uri.partition("#")
        body = self._fetch(address)
        try:
            text = body.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise NoRequestObject("not_ascii") from error
        if fragment == b64url(hashlib.sha256(body).digest()):
            self._transient.put(key, {"text": text}, KEPT_TTL)
        return text

    def _fetch(self, address: str) -> bytes:
        if not self._waiting.acquire(timeout=PATIENCE):
            raise NoRequestObject("too_many_waiting")
        try:
            body = self._outbound.get(address, accept=ACCEPT)
        except OutboundError as error:
            raise NoRequestObject(error.reason) from error
        finally:
            self._waiting.release()
        if len(body) > MAX_BYTES:
            raise NoRequestObject("too_long")
        return body
