"""The product's own programs, started as an operator starts them, each in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idp.storage.embedded import dies_with
from tests.ports import free_port

BIN = Path(sys.executable).parent
PATIENCE = 90.0


@dataclass
class Program:
    """A program and the instance it runs."""

    directory: Path
    port: int
    management: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def under(cls, directory: Path, **settings: str) -> "Program":
        port, management = free_port(), free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("IDP_")},
            "IDP_ISSUER": f"http://localhost:{port}",
            "IDP_STATE_DIRECTORY": str(directory / "var"),
            "IDP_KEYS__DIRECTORY": str(directory / "keys"),
            "IDP_MANAGEMENT__BIND": f"127.0.0.1:{management}",
            **settings,
        }
        return cls(directory, port, management, environment)

    @property
    def url(self) -> str:
        return self.environment["IDP_ISSUER"]

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text("utf-8")

    def idp(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [str(BIN / "idp"), *arguments],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def running(
        self, *arguments: str, ready: str = "", stdin: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command until the block ends; it is up when ``ready`` (``/readyz``) answers."""
        with (self.directory / "log").open("w") as log:
            process = subprocess.Popen(
                [str(BIN / "idp"), *arguments],
                env=self.environment,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                stdin=stdin,
                preexec_fn=dies_with(os.getpid()),
            )
        self.process = process
        try:
            self._await(ready or f"http://127.0.0.1:{self.management}/readyz")
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(40)

    def _await(self, url: str) -> None:
        assert self.process is not None
        until(lambda: answers(url) or self.process.poll() is not None, self)
        assert self.process.poll() is None, self.log

    def descendants(self) -> set[int]:
        """Every process that descends from the program, by id."""
        assert self.process is not None
        found, waiting = set(), [self.process.pid]
        while waiting:
            children = _children(waiting.pop())
            found |= children
            waiting += children
        return found


def answers(url: str) -> bool:
    """Whether there is a 200 at ``url``."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (OSError, urllib.error.HTTPError):
        return False


def until(done: object, program: Program) -> None:
    """Wait for ``done()``."""
    deadline = time.monotonic() + PATIENCE
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, program.log
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether the process is there, and not only its name."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found |= {int(each) for each in task.read_text().split()}
        except OSError:
            continue
    return found
