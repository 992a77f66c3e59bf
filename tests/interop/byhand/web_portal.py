"""The browser of a portal that listens for itself: ``web_portal.py CALLBACK COMMAND …``.

The command gets ``PORT``, ``EID_ISSUER``, ``EID_CLIENT_ID`` and ``EID_CLIENT_SECRET``. Its page
``/`` needs a login, and then shows ``{"claims", "userinfo"}`` as JSON.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from tests.ports import free_port

START_TIMEOUT = 120
"""Seconds that a portal may take until it listens, on a busy machine."""
MAX_HOPS = 10


def main() -> None:
    """Register, start the portal, log in, and show the runner what the portal shows."""
    callback, *command, argument = sys.argv[1:]
    given = json.loads(argument)
    port = free_port()
    url = f"http://localhost:{port}"
    client = _ask(register={"redirect_uris": [f"{url}{callback}"], **given["metadata"]})
    told = {
        "PORT": str(port),
        "EID_ISSUER": given["issuer"],
        "EID_CLIENT_ID": client["client_id"],
        "EID_CLIENT_SECRET": client["client_secret"],
    }
    with TemporaryDirectory() as folder, httpx.Client(timeout=30, trust_env=False) as http:
        trust = _java_trust(Path(given["ca"]), Path(folder) / "ca.p12")
        environment = {**os.environ, **told, "JAVA_TOOL_OPTIONS": trust}
        with subprocess.Popen(command, env=environment, stdout=sys.stderr) as portal:
            try:
                shown = _browse(http, url, given["issuer"])
            finally:
                portal.terminate()
    print(json.dumps({"done": shown}), flush=True)


def _browse(http: httpx.Client, url: str, issuer: str) -> dict[str, Any]:
    """Follow the portal's redirects, to the provider and back, to the page behind the login."""
    answer = _first(http, f"{url}/")
    for _ in range(MAX_HOPS):
        if not answer.is_redirect:
            shown: dict[str, Any] = answer.raise_for_status().json()
            return shown
        to = str(answer.url.join(answer.headers["location"]))
        answer = http.get(_ask(visit=to) if to.startswith(f"{issuer}/") else to)
    raise AssertionError("the portal redirects without an end")


def _first(http: httpx.Client, url: str) -> httpx.Response:
    """The answer of a portal that is starting."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            return http.get(url)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _ask(**question: Any) -> Any:
    print(json.dumps(question), flush=True)
    return json.loads(sys.stdin.readline())


def _java_trust(ca: Path, store: Path) -> str:
    """Options of the JVM, which takes no PEM, to trust an authority."""
    authority = pkcs12.PKCS12Certificate(x509.load_pem_x509_certificate(ca.read_bytes()), b"ca")
    store.write_bytes(pkcs12.serialize_java_truststore([authority], NoEncryption()))
    return f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStoreType=PKCS12"


if __name__ == "__main__":
    main()
