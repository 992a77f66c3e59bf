"""The doctor's checks of one client, in order. Each check runs independently of the others."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from idp.audit.reading import of_client
from idp.core.clock import Clock
from idp.keystore.file import KeyStore
from idp.oidc.clients.keys import ACCEPT, ClientKeys
from idp.oidc.clients.model import Client
from idp.oidc.clients.request_uris import ACCEPT as REQUEST_OBJECT
from idp.oidc.clients.sector import InvalidSector, check_sector_document
from idp.oidc.doctor import fetch, keys, logout, refusals
from idp.oidc.doctor.model import Finding, ok, problem, warning
from idp.oidc.errors import printable
from idp.outbound.client import OutboundClient, OutboundError
from idp.storage.database import Database

Check: TypeAlias = Callable[[], Sequence[Finding]]
AT_ONCE = 8
ENTRIES = 200_000
"""How many of the audit log's last entries are searched."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One client, and the services needed to check it."""

    client: Client
    outbound: OutboundClient
    keys: KeyStore
    database: Database
    clock: Clock
    issuer: str

    def run(self, done: Callable[[int], None]) -> list[Finding]:
        """Run the checks; the findings are in the order of :meth:`checks`.

        ``done`` receives the number of finished checks. Calls run in parallel, each with its own
        deadline.
        """
        found: list[Finding] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(each) for each in self.checks()]
            for number, each in enumerate(waiting, 1):
                found += each.result()
                done(number)
        return found

    def checks(self) -> list[Check]:
        """The checks, a line each."""
        client, outbound = self.client, self.outbound
        tls = partial(fetch.tls, outbound, now=self.clock())
        return [
            self._status,
            *(_one(tls, "redirect_uris", each) for each in _servers(client.redirect_uris)),
            *(
                _one(tls, "post_logout_redirect_uris", each)
                for each in _servers(client.post_logout_redirect_uris)
            ),
            self._jwks,
            *_each(self._sector, client.sector_identifier_uri),
            *(partial(self._request_object, each) for each in client.request_uris),
            *_each(self._logout, client.backchannel_logout_uri),
            *_pages(fetch.frontchannel, outbound, client, "frontchannel_logout_uri"),
            *_pages(fetch.logo, outbound, client, "logo_uri"),
            *_pages(fetch.page, outbound, client, "client_uri"),
            *_pages(fetch.page, outbound, client, "policy_uri"),
            *_pages(fetch.page, outbound, client, "tos_uri"),
            *(
                _one(tls, name, uri)
                for name in ("initiate_login_uri", "backchannel_client_notification_endpoint")
                if (uri := getattr(client, name))
            ),
            self._refusals,
        ]

    def _status(self) -> list[Finding]:
        if self.client.active:
            return [ok("status", self.client.client_id, "is enabled")]
        sentence = "is disabled, so all its requests are refused: run idp client enable"
        return [problem("status", self.client.client_id, sentence)]

    def _jwks(self) -> list[Finding]:
        client = self.client
        if client.jwks_uri:
            try:
                body = self.outbound.get(client.jwks_uri, accept=ACCEPT)
            except OutboundError as error:
                return [problem("jwks_uri", client.jwks_uri, fetch.failure(error))]
            return list(keys.examine("jwks_uri", client.jwks_uri, body, client))
        if client.jwks:
            body = json.dumps(client.jwks).encode()
            return list(keys.examine("jwks", "registered keys", body, client))
        if keys.needed(client):
            return [problem("jwks", "registered keys", "are missing: register a jwks_uri")]
        return []

    def _sector(self, uri: str) -> list[Finding]:
        try:
            body = self.outbound.get(uri, accept="application/json")
            check_sector_document(uri, body, self.client.redirect_uris)
        except OutboundError as error:
            return [problem("sector_identifier_uri", uri, fetch.failure(error))]
        except InvalidSector as error:
            sentence = f"{printable(str(error))}: publish a JSON array of all redirect_uris"
            return [problem("sector_identifier_uri", uri, sentence)]
        return [ok("sector_identifier_uri", uri, "lists every redirect URI")]

    def _request_object(self, uri: str) -> list[Finding]:
        try:
            body = self.outbound.get(uri, accept=REQUEST_OBJECT)
        except OutboundError as error:
            return [problem("request_uris", uri, fetch.failure(error))]
        if body.count(b".") not in (2, 4):
            sentence = "is not a JWT in compact form: publish only the request object"
            return [warning("request_uris", uri, sentence)]
        return [ok("request_uris", uri, "holds a JWT")]

    def _logout(self, _: str) -> list[Finding]:
        client_keys = ClientKeys(self.outbound, self.clock)
        return list(
            logout.examine(
                self.outbound,
                self.keys,
                client_keys,
                self.client,
                issuer=self.issuer,
                now=self.clock(),
            )
        )

    def _refusals(self) -> list[Finding]:
        entries = of_client(self.database, self.client.client_id, within=ENTRIES)
        return list(refusals.examine(entries, self.client, issuer=self.issuer))


def _one(check: Callable[..., Finding], name: str, uri: str) -> Check:
    return lambda: [check(name, uri)]


def _each(check: Callable[[str], list[Finding]], uri: str) -> list[Check]:
    return [partial(check, uri)] if uri else []


def _pages(
    check: Callable[[OutboundClient, str, str], Finding],
    outbound: OutboundClient,
    client: Client,
    name: str,
) -> Iterator[Check]:
    uri: str = getattr(client, name)
    if uri:
        yield _one(partial(check, outbound), name, uri)


def _servers(uris: Sequence[str]) -> list[str]:
    """One URI for each server: the certificate belongs to the server."""
    return list({uri.split("/", 3)[2] if "//" in uri else uri: uri for uri in uris[::-1]}.values())[
        ::-1
    ]
