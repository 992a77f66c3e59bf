"""``idp serve``: the provider under granian, or gunicorn; one process a core."""

import asyncio
import http.client
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from idp.cli.context import Context, NotReady
from idp.cli.output import announce, format_option
from idp.cli.wakeup import Wakeup
from idp.core.errors import Unavailable
from idp.sections import host_port

if TYPE_CHECKING:
    from idp.web.asgi import Gateway

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
THREADS = 8
STOP_SECONDS = 25
"""How long requests under way may take to end; with the rest of the stop under 30 s."""
HOUSEKEEPING_SECONDS = 3600
HEADER_SECONDS = 10
OPEN_FILES = 8192
"""For each process; half of them for connections."""
TLS_CIPHERS = "ECDHE+AESGCM"
"""For TLS 1.2 (RFC 9325 §4.2); those of TLS 1.3 are good as they are."""
GUNICORN = "import gunicorn; gunicorn.SERVER = ''; from gunicorn.app.wsgiapp import run; run()"
"""As ``python -m gunicorn``, but its name is in no answer."""
_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to serve."""

    host: str
    port: int
    workers: int
    threads: int
    certificate: Path | None
    private_key: Path | None
    client_ca: Path | None = None


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="host:port to serve at.")
@click.option(
    "--workers", type=click.IntRange(1), default=os.cpu_count(), help="Processes; one a core."
)
@click.option(
    "--threads", type=click.IntRange(1), default=THREADS, show_default=True, help="In each process."
)
@click.option("--certificate", type=_PEM, help="TLS certificate chain (PEM).")
@click.option("--private-key", type=_PEM, help="Its private key (PEM).")
@click.option(
    "--server",
    type=click.Choice(["granian", "gunicorn"]),
    default="granian",
    show_default=True,
    help="What speaks HTTP.",
)
@click.option(
    "--client-certificates",
    is_flag=True,
    help="Ask connections for a certificate of IDP_MTLS__CA_FILE (gunicorn with TLS only).",
)
@format_option
@click.pass_obj
def serve(
    obj: Context, /, bind: str, server: str, client_certificates: bool, form: str, **how: Any
) -> None:
    """Serve the provider until SIGTERM or Ctrl-C; SIGHUP renews the processes one by one.

    Outside production, the schema is upgraded and missing keys are made first. With --format json
    a line among those of the log says when it is ready.
    """
    host, port = address(bind, "--bind")
    listening = Listening(_resolved(host), port, **how)
    if (listening.certificate is None) != (listening.private_key is None):
        raise click.UsageError("--certificate and --private-key go together")
    if client_certificates:
        listening = replace(listening, client_ca=_client_ca(obj, listening, server))
    _require_certificate(listening)
    management = host_port(obj.settings.management.bind)
    _require_free(listening.host, port)
    with _prepared(obj, listening, management) as stopping:
        if form == "json":
            threading.Thread(target=_say_ready, args=(listening, stopping), daemon=True).start()
        (_granian if server == "granian" else _gunicorn)(listening)


def _require_certificate(listening: Listening) -> None:
    """Refuse what cannot be a certificate and its key: the servers would say so in a traceback."""
    if listening.certificate is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A password, so that nobody is asked for one.
        context.load_cert_chain(listening.certificate, listening.private_key, password="-")  # noqa: S106
    except OSError as error:
        files = f"{listening.certificate} and {listening.private_key}"
        raise NotReady(
            f"{files} are no certificate and its unencrypted private key in PEM:"
            " see --certificate and --private-key."
        ) from error


def _client_ca(obj: Context, listening: Listening, server: str) -> Path:
    """The authorities whose certificates are asked for in the TLS handshake."""
    if server != "gunicorn" or listening.certificate is None:
        raise click.UsageError("--client-certificates needs --server gunicorn and --certificate")
    if obj.settings.mtls.ca_file is None:
        raise click.UsageError("--client-certificates needs IDP_MTLS__CA_FILE")
    return obj.settings.mtls.ca_file


def address(text: str, name: str) -> tuple[str, int]:
    """``host:port`` apart.

    Raises:
        click.UsageError: it is not that.
    """
    try:
        return host_port(text)
    except ValueError as error:
        raise click.UsageError(f"{name} is host:port, not {text!r}") from error


def _resolved(host: str) -> str:
    """The address that a host name stands for: granian takes addresses only."""
    try:
        found: str = socket.gethostbyname(host) if ":" not in host else host
    except OSError as error:
        raise click.UsageError(f"--bind: there is no host {host}") from error
    return found


@contextmanager
def _prepared(
    obj: Context, listening: Listening, management: tuple[str, int]
) -> Iterator[threading.Event]:
    """Everything in order for the processes that will serve; the management address up.

    What is yielded is set when they have ended.
    """
    metrics_directory = obj.settings.state_directory / "metrics"
    shutil.rmtree(metrics_directory, ignore_errors=True)
    metrics_directory.mkdir(parents=True, mode=0o700)
    os.environ[METRICS_VARIABLE] = str(metrics_directory.absolute())  # for us and the processes
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
        "provider": lambda: _ask(listening),
    }
    try:
        served = ManagementServer(
            management, Management(checks, lambda: metrics.exposition(metrics_directory))
        )
    except OSError as error:
        raise NotReady(_taken(*management, "IDP_MANAGEMENT__BIND", error)) from error
    stopping = threading.Event()
    for work in (_keep_house, _tell_relying_parties):
        threading.Thread(target=work, args=(obj, stopping), daemon=True).start()
    try:
        yield stopping
    finally:
        stopping.set()
        served.close()


def _say_ready(listening: Listening, stopping: threading.Event) -> None:
    """Say where the provider answers, once it does."""
    while not stopping.wait(0.1):
        with suppress(OSError, http.client.HTTPException):
            _ask(listening)
            host = f"[{listening.host}]" if ":" in listening.host else listening.host
            scheme = "https" if listening.certificate else "http"
            announce({"ready": f"{scheme}://{host}:{listening.port}"}, "json")
            return


def _keep_house(obj: Context, stopping: threading.Event) -> None:
    """Each hour, forget the revocations and the uses of what has ended by itself."""
    from idp.storage.revocations import Revocations
    from idp.storage.used import Uses

    revocations, uses = Revocations(obj.database, obj.clock), Uses(obj.database, obj.clock)
    while not stopping.wait(HOUSEKEEPING_SECONDS):
        with suppress(Unavailable):  # the next hour will do
            revocations.purge()
            uses.purge()


def _tell_relying_parties(obj: Context, stopping: threading.Event) -> None:
    """Deliver the messages of back-channel logout, of this node and every other."""
    from idp.cli.logout import courier

    courier(obj).run(stopping)


def _require_fit(obj: Context) -> None:
    """What the application would refuse is told here, before any process starts."""
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


def _ask(listening: Listening) -> None:
    """Return when the provider itself answers."""
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


def _require_free(host: str, port: int) -> None:
    """Refuse a port that is taken: the servers would share it without a word."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise NotReady(_taken(host, port, "--bind", error)) from error


def _taken(host: str, port: int, option: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{host}:{port} cannot be used ({reason}); choose another with {option}."


def _granian(listening: Listening) -> None:
    import multiprocessing

    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.http import HTTP1Settings, HTTP2Settings

    from idp.web.http import MAX_HEADERS  # not before METRICS_VARIABLE is set

    # Not fork: this process has threads and connections of its own.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "idp.wsgi:create",
        address=listening.host,
        port=listening.port,
        interface=Interfaces.ASGINL,
        workers=listening.workers,
        backpressure=_connections(),
        http=HTTPModes.auto if listening.certificate else HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MAX_HEADERS
        ),
        http2_settings=HTTP2Settings(max_headers_size=MAX_HEADERS, max_concurrent_streams=100),
        websockets=False,
        ssl_cert=listening.certificate,
        ssl_key=listening.private_key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_dictconfig={"formatters": {}, "handlers": {}, "loggers": {}},
    )
    # Its signal handlers set it, one interrupting another.
    server.main_loop_interrupt = Wakeup()  # type: ignore[assignment]
    worker = partial(_worker, listening.threads, os.getpid())
    try:
        server.serve(target_loader=worker, wrap_loader=False)
    except SystemExit:
        if not server.interrupt_signal:  # its processes may hear of the stop before it does
            raise


def _connections() -> int:
    """How many connections a process may hold open, having got the files they need."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if most == resource.RLIM_INFINITY else min(most, OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files // 2


def _worker(threads: int, parent: int) -> "Gateway":
    """In a process of granian's: the application, and an end when ``parent`` has ended."""
    from idp.storage.embedded import dies_with
    from idp.web.asgi import Gateway
    from idp.wsgi import create

    # Killed with it: nobody is left to end a stop that takes too long.
    dies_with(parent, signal.SIGKILL)()
    _first_signal_only(asyncio.get_event_loop())
    return Gateway(create(), threads)


def _first_signal_only(loop: asyncio.AbstractEventLoop) -> None:
    """Let the first signal to stop be the last that granian hears of.

    Its worker waits for ever, holding the GIL, when a second one comes before it has stopped: and
    a service manager signals every process, as the parent then does again.
    """
    add, stopping = loop.add_signal_handler, threading.Event()

    def once(number: int, handler: Callable[..., object], *arguments: object) -> None:
        def first() -> None:
            if not stopping.is_set():
                stopping.set()
                handler(*arguments)

        add(number, first)

    loop.add_signal_handler = once  # type: ignore[assignment,method-assign]


def _gunicorn(listening: Listening) -> None:
    """In a process of its own: it forks, and this one has threads and connections."""
    from idp.storage.embedded import dies_with
    from idp.web.http import MAX_HEADERS

    host = f"[{listening.host}]" if ":" in listening.host else listening.host
    tls = (
        *("--certfile", str(listening.certificate), "--keyfile", str(listening.private_key)),
        *("--ciphers", TLS_CIPHERS),
    )
    asked = ("--ca-certs", str(listening.client_ca), "--cert-reqs", str(int(ssl.CERT_OPTIONAL)))
    command = (
        *(sys.executable, "-c", GUNICORN, "idp.wsgi:create()"),
        *("--bind", f"{host}:{listening.port}", "--workers", str(listening.workers)),
        *("--worker-class", "gthread", "--threads", str(listening.threads)),
        *("--graceful-timeout", str(STOP_SECONDS), "--log-level", "warning"),
        *("--limit-request-line", "0"),  # the request itself is measured by idp.web.http
        *("--limit-request-field_size", str(MAX_HEADERS), "--no-control-socket"),
        *(tls if listening.certificate else ()),
        *(asked if listening.client_ca else ()),
    )
    child = subprocess.Popen(  # noqa: S603 -- our own arguments
        command, start_new_session=True, preexec_fn=dies_with(os.getpid())
    )
    for received, passed in (
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGHUP),
    ):
        signal.signal(received, lambda *_, passed=passed: child.send_signal(passed))
    if child.wait():
        raise NotReady(f"gunicorn ended with {child.returncode}.")
