"""Ports for servers of the tests, below those that outgoing connections take (RFC 6335 §6)."""

import secrets
import socket


def free_port(highest: int = 32_000) -> int:
    """A TCP port on loopback that nobody has just now, and no connection will be given."""
    while True:
        port = secrets.choice(range(12_000, highest))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
