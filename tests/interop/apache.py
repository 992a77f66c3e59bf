"""Debian's Apache with mod_auth_openidc: on loopback, over TLS, in a folder of its own.

It never runs as root, and nothing of the machine's own configuration is read.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idp.storage.embedded import dies_with
from tests.conformance.live import Provider

PROGRAM = Path("/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")
PATIENCE = 20.0
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "include", "ssl", "auth_openidc")
CONFIGURATION = """\
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
Mutex file:{folder}
ErrorLog {folder}/log
ServerName localhost
Listen 127.0.0.1:{port}
StartServers 1
SSLEngine on
SSLCertificateFile {folder}/certificate.pem
SSLCertificateKeyFile {folder}/private-key.pem
OIDCCABundlePath {folder}/ca.pem
DocumentRoot {folder}/pages
<Directory {folder}/pages>
    Options +Includes
    SetOutputFilter INCLUDES
    ForceType "text/html; charset=utf-8"
</Directory>
Include {folder}/eid.conf
"""
"""What an operator has before the sample, ``eid.conf``; the pages may show their environment."""


def installed() -> bool:
    """Whether both packages are on this machine."""
    return PROGRAM.exists() and (MODULES / "mod_auth_openidc.so").exists()


@contextmanager
def apache(folder: Path, port: int, op: Provider) -> Iterator[None]:
    """Serve ``eid.conf`` and ``pages`` of a folder until the block ends.

    The certificate is the one of the provider, whose host is the same.
    """
    for name in ("ca.pem", "certificate.pem", "private-key.pem"):
        shutil.copy(op.directory / name, folder)
    loaded = [f"LoadModule {each}_module {MODULES}/mod_{each}.so\n" for each in LOADED]
    configuration = folder / "apache2.conf"
    configuration.write_text("".join(loaded) + CONFIGURATION.format(folder=folder, port=port))
    server = subprocess.Popen(
        [str(PROGRAM), "-f", str(configuration), "-DFOREGROUND"],
        user=_unprivileged(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=dies_with(os.getpid()),
    )
    try:
        _await(port, server, folder / "log")
        yield
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _unprivileged(folder: Path) -> str | None:
    if os.getuid() != 0:
        return None
    for each in (folder, *folder.rglob("*")):
        shutil.chown(each, "nobody")
    return "nobody"


def _await(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert server.poll() is None, log.read_text() if log.exists() else "it did not start"
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
