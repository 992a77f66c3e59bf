"""Pairwise subject identifiers: OIDC Core §8.1.

``sub`` is an HMAC under a key that nothing else uses and that never rotates, over the sector and
the account's random id. It cannot be derived from a personal number.
"""

import hmac
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from idp.core.handles import b64url
from idp.core.strict_json import loads_array
from idp.oidc.clients.uris import LOOPBACK_HOSTS
from idp.outbound.client import OutboundClient, OutboundError


class InvalidSector(ValueError):
    """A sector that the client may not use; the message has the reason."""


def sector_identifier(
    client_id: str, redirect_uris: Iterable[str], sector_identifier_uri: str = ""
) -> str:
    """The sector of a client: the host of its ``sector_identifier_uri``, or of its redirect URIs.

    If those have several hosts, a loopback host or a private-use scheme, the client is a sector of
    its own and shares its subjects with no other client.
    """
    if sector_identifier_uri:
        return urlsplit(sector_identifier_uri).hostname or client_id
    hosts = {urlsplit(uri).hostname for uri in redirect_uris}
    alone = len(hosts) == 1 and hosts.isdisjoint({None, *LOOPBACK_HOSTS})
    return next(iter(hosts)) or client_id if alone else client_id


def fetch_sector(outbound: OutboundClient, uri: str, redirect_uris: Iterable[str]) -> None:
    """Check that the document at ``uri`` lists all ``redirect_uris``.

    Call it whenever a client is registered or its redirect URIs change.

    Raises:
        InvalidSector: a URI is missing, or the document is not readable.
    """
    try:
        body = outbound.get(uri, accept="application/json")
    except OutboundError as error:
        raise InvalidSector(f"{uri[:200]} cannot be fetched") from error
    check_sector_document(uri, body, redirect_uris)


def check_sector_document(uri: str, body: bytes, redirect_uris: Iterable[str]) -> None:
    """Check that the document lists every redirect URI exactly (OIDC Core §8.1).

    Raises:
        InvalidSector: a URI is missing, or the document is not a JSON array of strings.
    """
    try:
        listed = loads_array(body)
    except ValueError as error:
        raise InvalidSector(f"{uri[:200]} is not a JSON array") from error
    if not all(isinstance(each, str) for each in listed):
        raise InvalidSector(f"{uri[:200]} is not an array of strings")
    for missing in sorted(set(redirect_uris).difference(listed)):
        raise InvalidSector(f"{uri[:200]} does not list {missing[:200]}")


@lru_cache(maxsize=1024)
def pairwise_subject(key: bytes, sector: str, account_id: str) -> str:
    """``sub`` of the account in ``sector``."""
    message = sector.encode() + b"\x00" + account_id.encode()
    return b64url(hmac.digest(key, message, "sha256"))
