"""``idp serve``: the provider, in this process or in workers; health, metrics, housekeeping."""

import http.client
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from idp.cli import serve_process
from idp.cli.context import Context, NotReady
from idp.cli.output import announce, format_option
from idp.cli.serve_process import STOP_SECONDS, THREADS, Options
from idp.core.errors import Unavailable
from idp.serving import heap, tls
from idp.serving.workers import Workers, WorkersFailed
from idp.storage.embedded import dies_with
from idp.web.settings import host_port

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
HOUSEKEEPING_SECONDS = 3600
BACKLOG = 1024
_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Listening:
    """The address to serve at, the number of processes, and the TLS certificate, if any."""

    host: str
    port: int
    workers: int
    certificate: Path | None


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="host:port to serve at.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=os.cpu_count(),
    help="Processes; absent: one a core.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=THREADS,
    show_default=True,
    help="Threads in each process.",
)
@click.option("--certificate", type=_PEM, help="TLS certificate chain (PEM).")
@click.option("--private-key", type=_PEM, help="Its private key (PEM).")
@click.option(
    "--client-certificates",
    is_flag=True,
    help="Request client certificates from IDP_MTLS__CA_FILE (with TLS only).",
)
@format_option
@click.pass_obj
def serve(
    obj: Context, /, bind: str, workers: int, client_certificates: bool, form: str, **how: Any
) -> None:
    """Serve the provider until SIGTERM or Ctrl-C; SIGHUP renews the processes one by one.

    Outside production, the schema is upgraded and missing keys are made first. With --format json
    a line among those of the log says when it is ready.
    """
    heap.use_one_arena()
    host, port = address(bind, "--bind")
    options = _options(obj, client_certificates=client_certificates, **how)
    listening = Listening(_resolved(host), port, workers, how["certificate"])
    management = host_port(obj.settings.management.bind)
    listener = _listen(listening)
    with _prepared(obj, listening, management) as stopping:
        if form == "json":
            threading.Thread(target=_say_ready, args=(listening, stopping), daemon=True).start()
        (_serve_here if workers == 1 else _serve_workers)(obj, listener, listening, options)


def _options(
    obj: Context,
    *,
    threads: int,
    certificate: Path | None,
    private_key: Path | None,
    client_certificates: bool,
) -> Options:
    """The options of each process. Reads the files: a worker would report an error too late."""
    if (certificate is None) != (private_key is None):
        raise click.UsageError("--certificate and --private-key go together")
    authorities = obj.settings.mtls.ca_file
    if client_certificates and certificate is None:
        raise click.UsageError("--client-certificates needs --certificate")
    if client_certificates and authorities is None:
        raise click.UsageError("--client-certificates needs IDP_MTLS__CA_FILE")
    requested = authorities if client_certificates else None
    if certificate is None or private_key is None:
        return Options(threads)
    try:
        tls.context(certificate, private_key, requested)
    except tls.InvalidCertificate as error:
        files = f"{certificate} and {private_key}"
        raise NotReady(
            f"{files} must be a certificate and its unencrypted private key in PEM:"
            " see --certificate and --private-key."
        ) from error
    return Options(threads, *map(_absolute, (certificate, private_key, requested)))


def _absolute(path: Path | None) -> str | None:
    return str(path.absolute()) if path else None


def _listen(listening: Listening) -> socket.socket:
    """The socket that every process accepts from. A port in use is refused."""
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    try:
        return socket.create_server(
            (listening.host, listening.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        raise NotReady(_taken(listening.host, listening.port, "--bind", error)) from error


def _serve_here(obj: Context, listener: socket.socket, _: Listening, options: Options) -> None:
    """Serve in this process."""
    from idp.app import Application, create_app
    from idp.settings import load

    settings = [obj.settings]

    def build() -> Application:
        return create_app(settings.pop() if settings else load())

    serve_process.serve(listener, options, build, renews=True)


def _serve_workers(
    _: Context, listener: socket.socket, listening: Listening, options: Options
) -> None:
    """Serve in several processes, each replaced when it ends."""
    number = listener.fileno()
    command = (sys.executable, "-m", serve_process.__name__, options.dump(), str(number))
    workers = Workers(
        command,
        listening.workers,
        listener=number,
        environment=os.environ,
        # Killed with this process: no other process would end a stop that takes too long.
        dies_with=dies_with(os.getpid(), signal.SIGKILL),
        stop_seconds=STOP_SECONDS + 2,
    )
    for received in (signal.SIGTERM, signal.SIGINT):
        signal.signal(received, lambda *_: workers.stop())
    signal.signal(signal.SIGHUP, lambda *_: workers.renew())
    try:
        workers.run()
    except WorkersFailed as error:
        raise NotReady(f"The workers cannot start ({error}); see the lines above.") from error


def address(text: str, name: str) -> tuple[str, int]:
    """Split ``host:port``.

    Raises:
        click.UsageError: another form.
    """
    try:
        return host_port(text)
    except ValueError as error:
        raise click.UsageError(f"{name} must be host:port, not {text!r}") from error


def _resolved(host: str) -> str:
    """The address of a host name."""
    try:
        found: str = socket.gethostbyname(host) if ":" not in host else host
    except OSError as error:
        raise click.UsageError(f"--bind: unknown host {host}") from error
    return found


@contextmanager
def _prepared(
    obj: Context, listening: Listening, management: tuple[str, int]
) -> Iterator[threading.Event]:
    """Prepare everything that the serving processes need; serve the management address.

    Yields an event that is set when they have ended.
    """
    metrics_directory = _metrics_directory(obj) if listening.workers > 1 else None
    from idp.web import log

    log.configure(obj.settings.log_level)
    keys, database, transient = obj.keys, obj.database, obj.transient
    _require_fit(obj)
    from idp.web import metrics
    from idp.web.management import Management, ManagementServer

    checks = {
        "database": database.ping,
        "redis": transient.ping,
        "keys": lambda: _touch(keys.signer("ES256")),
        "provider": lambda: _probe(listening),
    }
    try:
        served = ManagementServer(
            management, Management(checks, lambda: metrics.exposition(metrics_directory))
        )
    except OSError as error:
        raise NotReady(_taken(*management, "IDP_MANAGEMENT__BIND", error)) from error
    stopping = threading.Event()
    for work in (_keep_house, _notify_relying_parties):
        threading.Thread(target=work, args=(obj, stopping), daemon=True).start()
    try:
        yield stopping
    finally:
        stopping.set()
        served.close()


def _say_ready(listening: Listening, stopping: threading.Event) -> None:
    """Print the provider's address once it answers."""
    while not stopping.wait(0.1):
        with suppress(OSError, http.client.HTTPException):
            _probe(listening)
            host = f"[{listening.host}]" if ":" in listening.host else listening.host
            scheme = "https" if listening.certificate else "http"
            announce({"ready": f"{scheme}://{host}:{listening.port}"}, "json")
            return


def _keep_house(obj: Context, stopping: threading.Event) -> None:
    """Each hour, delete expired revocations and uses."""
    from idp.standing.revocations import Revocations
    from idp.storage.used import Uses

    revocations, uses = Revocations(obj.database, obj.clock), Uses(obj.database, obj.clock)
    while not stopping.wait(HOUSEKEEPING_SECONDS):
        with suppress(Unavailable):  # retried in the next hour
            revocations.purge()
            uses.purge()


def _notify_relying_parties(obj: Context, stopping: threading.Event) -> None:
    """Deliver the back-channel logout messages of every node."""
    from idp.cli.logout import courier

    courier(obj).run(stopping)


def _require_fit(obj: Context) -> None:
    """Raise the errors of the application's start here, before any process starts."""
    from idp.authn.card import trust
    from idp.registry.repository import Registry

    if obj.settings.sandbox and Registry(obj.database, obj.clock).holds_real_numbers():
        raise NotReady("A sandbox must not hold a person with a real province code.")
    try:
        trust.load(*obj.settings.trust_directories)
    except trust.InvalidTrust as error:
        raise NotReady(f"A trust anchor cannot be used: {error}.") from error


def _touch(_: object) -> None:
    """For a check whose value does not matter."""


def _probe(listening: Listening) -> None:
    """Return if the provider itself answers."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening.host, listening.host)  # noqa: S104
    connection: http.client.HTTPConnection
    if listening.certificate is None:
        connection = http.client.HTTPConnection(host, listening.port, timeout=2)
    else:
        ours = ssl.create_default_context(cafile=listening.certificate)
        ours.check_hostname, ours.verify_mode = False, ssl.CERT_NONE  # our own socket
        connection = http.client.HTTPSConnection(host, listening.port, timeout=2, context=ours)
    try:
        connection.request("GET", "/jwks")
        if connection.getresponse().status != 200:
            raise ConnectionError("the provider does not answer")
    finally:
        connection.close()


def _metrics_directory(obj: Context) -> Path:
    """The folder of the workers' values, which the metrics sum."""
    directory = obj.settings.state_directory / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700)
    os.environ[METRICS_VARIABLE] = str(directory.absolute())
    return directory


def _taken(host: str, port: int, option: str, error: OSError) -> str:
    reason = os.strerror(error.errno or 0).lower()
    return f"{host}:{port} cannot be used ({reason}); choose another with {option}."
