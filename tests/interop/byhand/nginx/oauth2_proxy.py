"""An application behind nginx, with oauth2-proxy's logins: ``oauth2_proxy.py OAUTH2-PROXY``."""

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

ISSUER = os.environ["EID_ISSUER"]
PORTAL = int(os.environ["PORT"])
HERE = Path(__file__).parent


class Application(BaseHTTPRequestHandler):
    """Shows what nginx passes on, and the UserInfo that the access token opens."""

    def do_GET(self) -> None:
        """Answer as ``web_portal.py`` expects."""
        token = self.headers["Authorization"].removeprefix("Bearer ")
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        authorization = {"Authorization": f"Bearer {self.headers['X-Access-Token']}"}
        with urlopen(Request(f"{ISSUER}/userinfo", headers=authorization)) as answer:
            userinfo = json.load(answer)
        assert self.headers["X-Pid"] == userinfo["pid"], "what oauth2-proxy read of UserInfo itself"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"claims": claims, "userinfo": userinfo}).encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Start all three, until the browser has seen enough."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with HTTPServer(("127.0.0.1", 0), Application) as application, TemporaryDirectory() as folder:
        proxy = application.server_port + 1 if application.server_port < 65535 else 1025
        configuration = (HERE / "nginx.conf").read_text()
        ports = {"portal": PORTAL, "application": application.server_port, "proxy": proxy}
        for name, port in ports.items():
            configuration = configuration.replace(f"127.0.0.1:${name}", f"127.0.0.1:{port}")
        file = Path(folder) / "nginx.conf"
        file.write_text(configuration)
        begun = [subprocess.Popen([sys.argv[1], *_options(proxy)], stdout=sys.stderr)]
        try:
            _wait(proxy)
            begun.append(subprocess.Popen(["nginx", "-p", folder, "-c", file], stdout=sys.stderr))
            application.serve_forever()
        finally:
            for each in begun:
                each.terminate()
            for each in begun:
                each.wait()


def _wait(port: int) -> None:
    """Until oauth2-proxy has read the provider's metadata and listens."""
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)


def _options(port: int) -> list[str]:
    """The settings of oauth2-proxy."""
    return [
        "--provider=oidc",
        f"--oidc-issuer-url={ISSUER}",
        f"--client-id={os.environ['EID_CLIENT_ID']}",
        f"--client-secret={os.environ['EID_CLIENT_SECRET']}",
        f"--redirect-url=http://localhost:{PORTAL}/oauth2/callback",
        f"--http-address=127.0.0.1:{port}",
        "--reverse-proxy",
        "--trusted-proxy-ip=127.0.0.1",
        "--skip-provider-button",
        "--scope=openid profile pid age",
        "--code-challenge-method=S256",
        "--insecure-oidc-skip-nonce=false",
        "--oidc-email-claim=pid",  # it wants one for an address, and reads UserInfo for it
        "--email-domain=*",
        "--set-authorization-header",
        "--set-xauthrequest",
        "--pass-access-token",
        f"--cookie-secret={secrets.token_hex(16)}",
        "--cookie-secure=false",  # plain HTTP on loopback
    ]


if __name__ == "__main__":
    main()
