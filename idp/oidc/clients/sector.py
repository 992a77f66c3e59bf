"""Pairwise subject identifiers: OIDC Core §8.1.

``sub`` is an HMAC under a key that nothing else uses and that never rotates, over the sector and
the account's random id: neither a personal number nor a guess at one leads to it.
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
    """A sector that a client may not join; the message says why."""


def sector_identifier(
    client_id: str, redirect_uris: Iterable[str], sector_identifier_uri: str = ""
) -> str:
    """The sector of a client: the host of its ``sector_identifier_uri``, or of its redirect URIs.

    Where those have several hosts, or lead to a loopback host or an app's scheme, which belong to
    nobody, the client is a sector of its own: its subjects are like nobody else's.
    """
    if sector_identifier_uri:
        return urlsplit(sector_identifier_uri).hostname or client_id
    hosts = {urlsplit(uri).hostname for uri in redirect_uris}
    alone = len(hosts) == 1 and hosts.isdisjoint({None, *LOOPBACK_HOSTS})
    return next(iter(hosts)) or client_id if alone else client_id


def fetch_sector(outbound: OutboundClient, uri: str, redirect_uris: Iterable[str]) -> None:
    """Return when who answers at ``uri`` says that all ``redirect_uris`` are of its sector.

    To be asked whenever a client is registered or its redirect URIs change.

    Raises:
        InvalidSector: it does not say so, or nothing that can be read.
    """
    try:
        body = outbound.get(uri, accept="application/json")
    except OutboundError as error:
        raise InvalidSector(f"{uri[:200]} gave no usable answer") from error
    check_sector_document(uri, body, redirect_uris)


def check_sector_document(uri: str, body: bytes, redirect_uris: Iterable[str]) -> None:
    """Return when the document lists every redirect URI, letter by letter (OIDC Core §8.1).

    Raises:
        InvalidSector: it does not, or is no JSON array of strings.
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
    """``sub``: what the account is called in ``sector``."""
    message = sector.encode() + b"\x00" + account_id.encode()
    return b64url(hmac.digest(key, message, "sha256"))
