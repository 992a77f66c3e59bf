"""The embedded server: found, locked, private, and gone with its parent."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from idp.core.errors import Unavailable
from idp.storage.embedded import EmbeddedValkey, server_program
from idp.storage.redis import RedisStore


def test_it_listens_on_a_private_socket_only(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "var") as url:
        assert url == f"unix://{tmp_path}/var/valkey.sock"
        path = Path(url.removeprefix("unix://"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        RedisStore(url).ping()
        with socket.socket() as connection, pytest.raises(ConnectionRefusedError):
            connection.connect(("127.0.0.1", 6379))
    assert not path.exists()


def test_a_second_start_uses_the_running_one_and_does_not_stop_it(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as url:
        with EmbeddedValkey(tmp_path) as again:
            assert again == url
        RedisStore(url).ping()


def test_two_that_start_together_share_one(tmp_path: Path) -> None:
    servers = [EmbeddedValkey(tmp_path) for _ in range(4)]
    start = threading.Barrier(5)
    done = threading.Event()
    urls: list[str] = []

    def run(server: EmbeddedValkey) -> None:
        start.wait(5)
        urls.append(server.start())
        done.wait(10)  # the server lives as long as the thread that started it

    threads = [threading.Thread(target=run, args=(each,)) for each in servers]
    for thread in threads:
        thread.start()
    start.wait(5)
    deadline = time.monotonic() + 10
    while len(urls) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(urls) == 4
    assert sum(each.process is not None for each in servers) == 1
    for server in servers:
        server.stop()
    done.set()
    for thread in threads:
        thread.join(10)


def test_a_start_is_quick_and_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    store = RedisStore(server.start())
    store.put("{k}", {"n": 1}, 60)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert (tmp_path / "valkey.sock").exists()
    started = time.monotonic()
    with EmbeddedValkey(tmp_path):
        assert time.monotonic() - started < 5
        assert store.get("{k}") == {"n": 1}
    store.close()


def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from idp.storage.embedded import EmbeddedValkey;"
        "it = EmbeddedValkey(Path(sys.argv[1])); it.start();"
        "print(it.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_deep_directory_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with EmbeddedValkey(deep) as url:
        assert len(url) < 100
        RedisStore(url).ping()
        assert (deep / "appendonlydir").is_dir()


def test_a_server_that_cannot_start_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert server_program() == str(program)
    with pytest.raises(Unavailable):
        EmbeddedValkey(tmp_path / "var").start()


def test_without_a_server_on_the_path_the_wheels_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert server_program().endswith("valkey-server")
