"""Real servers for the transient store: a Valkey, a Cluster of three, a Sentinel with a replica."""

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from idp.storage.embedded import EmbeddedValkey, dies_with, server_program
from tests.ports import free_port


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of this worker's own."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_url(serve: Callable[..., int]) -> str:
    """A Cluster of three masters."""
    ports = [serve("--cluster-enabled yes --cluster-node-timeout 2000") for _ in range(3)]
    nodes = [redis.Redis(port=port, decode_responses=True) for port in ports]
    for number, node in enumerate(nodes):
        first, last = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
        node.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
        node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        node.execute_command("CLUSTER MEET", "127.0.0.1", ports[0])
    until(lambda: all(_knows_three(node) for node in nodes))
    for node in nodes:
        node.close()
    return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in ports)


@pytest.fixture(scope="session")
def sentinel_url(serve: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A master, its replica, and a Sentinel that knows them as ``idp``."""
    master = serve("--repl-diskless-sync-delay 0")
    replica = serve(f"--replicaof 127.0.0.1 {master}")
    with redis.Redis(port=replica, decode_responses=True) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
    configuration = tmp_path_factory.mktemp("sentinel") / "sentinel.conf"
    configuration.write_text(f"sentinel monitor idp 127.0.0.1 {master} 1\n")
    return f"redis+sentinel://127.0.0.1:{serve('--sentinel', configuration)}/idp"


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., int]]:
    """Start a server with these options on a free port of 127.0.0.1."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(options: str, configuration: Path | str = "") -> int:
        directory = tmp_path_factory.mktemp("server")
        port = _free_port()
        common = f"--bind 127.0.0.1 --port {port} --dir {directory} --logfile {directory}/log"
        command = shlex.split(f"{server_program()} {configuration} {common} {options} --save ''")
        process = subprocess.Popen(command, preexec_fn=dies_with(os.getpid()))
        processes.append(process)
        with redis.Redis(port=port) as client:
            until(lambda: _pong(client))
        return port

    yield start
    for process in processes:
        process.kill()
        process.wait()


def until(done: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for ``done``."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "the server does not come up"
        time.sleep(0.02)


def _knows_three(node: "redis.Redis") -> bool:
    info = node.execute_command("CLUSTER INFO")
    return bool(info["cluster_known_nodes"] == "3" and info["cluster_state"] == "ok")


def _pong(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def _free_port() -> int:
    """A port that is free and whose cluster bus port is too."""
    while True:
        port = free_port(highest=22_000)
        with socket.socket() as bus:
            try:
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
