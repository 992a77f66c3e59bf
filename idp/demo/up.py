"""Several programs run together and end together: a line announces each, none is left running."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from idp.storage.embedded import dies_with

STOP_SECONDS = 10
READY_SECONDS = 60


class Stopped(Exception):
    """A program ended by itself, or did not come up; the message says which."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program: its name, its command, and the URL that answers when it is ready.

    ``environment`` is added to ours.
    """

    name: str
    command: Sequence[str | Path]
    ready: str
    environment: Mapping[str, str] = field(default_factory=dict)


def taken(ports: Sequence[int]) -> list[int]:
    """Those of ``ports`` that something listens at on this machine."""
    found = []
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                found.append(port)
    return found


class Together:
    """Programs that run while the block does, the last one stopped first; they log in ``logs``."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> "Together":
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        for _program, child in reversed(self._running):
            child.terminate()
        for _program, child in reversed(self._running):
            _end(child)

    def start(self, program: Program) -> None:
        """Start one more; it need not be ready when this returns."""
        self._running.append((program, _start(program, self._logs)))

    def wait_ready(self) -> None:
        """Return when all of them answer.

        Raises:
            Stopped: one did not come up; its log says why.
        """
        for program, child in self._running:
            _await(program, child, self._logs)

    def wait(self) -> None:
        """Return never: until a signal, or one of the programs ends.

        Raises:
            Stopped: one ended.
        """
        while True:
            for program, child in self._running:
                if child.poll() is not None:
                    raise Stopped(f"{program.name} ended with {child.returncode}")
            time.sleep(0.5)


def end_with_parent() -> None:
    """End this process when the one that started it has ended, and on SIGTERM like on Ctrl-C.

    On Ctrl-C also where a shell started us in the background, which has it ignored.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    dies_with(os.getppid())()


def _start(program: Program, logs: Path) -> subprocess.Popen[bytes]:
    with (logs / f"{program.name}.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 -- our own programs
            program.command,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop them
            preexec_fn=dies_with(os.getpid()),
        )


def _await(program: Program, child: subprocess.Popen[bytes], logs: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(program.ready):
        if child.poll() is not None or time.monotonic() > deadline:
            log = logs / f"{program.name}.log"
            last = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise Stopped(f"{program.name} did not start: {last or 'no word'} ({log})")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 -- our own http URL
            return True
    except urllib.error.HTTPError as error:
        return error.code == 404  # it listens, and has no such page
    except OSError:
        return False


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
