"""One service that the operator configured: JSON over TLS, with every limit there is.

For services at addresses we trust (registry, SMS gateway), which may be private ones. Addresses
that relying parties name are fetched elsewhere, under other rules.
"""

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from idp.core.errors import Unavailable
from idp.outbound.breaker import Breaker

MAX_ANSWER = 256 * 1024
MAX_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``url`` is https; ``timeout`` (seconds) bounds every wait and the whole of an answer's body.

    ``ca_file`` replaces the machine's authorities; ``certificate_file`` and ``private_key_file``
    (PEM) are shown to a service that asks for a client certificate.
    """

    url: str
    timeout: float = 3.0
    ca_file: Path | None = None
    certificate_file: Path | None = None
    private_key_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError("a service's URL is https")


class Service:
    """A connection pool to one service. Open it after a fork; every thread may use it."""

    def __init__(self, dependency: str, settings: ServiceSettings, breaker: Breaker) -> None:
        self._dependency = dependency
        self._settings = settings
        self._breaker = breaker
        self._client = httpx.Client(
            verify=_tls(settings),
            timeout=settings.timeout,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            trust_env=False,  # no proxy may be set from outside the settings
        )

    def post(
        self, value: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Post a JSON object once, never again; the status and body of the answer.

        Raises:
            Unavailable: no whole answer in time, one too large, 429 or 5xx; or the breaker is open.
        """
        with self._breaker.guard():
            try:
                return self._post(value, headers or {})
            except httpx.HTTPError as error:
                raise Unavailable(self._dependency) from error

    def check(self) -> None:
        """Return when a call would be tried now; raise Unavailable when it would not."""
        self._breaker.check()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, value: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._settings.timeout
        body = bytearray()
        sent = {"Content-Type": "application/json", **headers}
        content = json.dumps(value).encode()
        with self._client.stream(
            "POST", self._settings.url, content=content, headers=sent
        ) as answer:
            if answer.status_code == 429 or answer.status_code >= 500:
                raise Unavailable(self._dependency)
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER or time.monotonic() > deadline:
                    raise Unavailable(self._dependency)
        return answer.status_code, bytes(body)


def _tls(settings: ServiceSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.private_key_file)
    return context
