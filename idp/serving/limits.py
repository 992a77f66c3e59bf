"""How much one process takes on, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers and seconds of one process."""

    threads: int = 8
    waiting: int = 256
    """Whole requests that may wait for a thread; the next are answered 503."""
    connections: int = 4096
    head_seconds: float = 10.0
    """From the first byte of a request to the end of its headers; of a TLS handshake too."""
    body_seconds: float = 10.0
    idle_seconds: float = 75.0
    """Longer than proxies keep an idle connection, so that it is they who end it."""
    write_seconds: float = 30.0
    linger_seconds: float = 2.0
    grace_seconds: float = 1.0
    """How long a stopping server keeps idle connections, to end them with their next answer."""
