"""What is counted for the operator, in Prometheus's terms. No label holds anything a client chose.

Where several processes serve, ``PROMETHEUS_MULTIPROC_DIR`` names a directory before this is
imported; each writes its values there and :func:`exposition` adds them up.
"""

from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

REQUESTS = Counter("idp_requests", "Requests answered.", ("endpoint", "method", "status"))
LATENCY = Histogram("idp_request_seconds", "Time to answer.", ("endpoint",), buckets=SECONDS)
PROOFS = Counter("idp_proofs", "Proofs of a factor, by method and result.", ("method", "result"))
SESSIONS = Counter("idp_sessions", "Sessions started or raised, by acr.", ("acr",))
SESSIONS_MOVED = Counter("idp_sessions_moved", "Sessions used from elsewhere.", ("what",))
TOKENS = Counter("idp_tokens", "Answers of the token endpoint with tokens.", ("grant_type",))
TOKENS_REFUSED = Counter("idp_tokens_refused", "Refusals of the token endpoint.", ("error",))
CODES = Counter("idp_codes", "One-time codes asked for, by what became of them.", ("result",))
REPLAYS = Counter("idp_replays", "Single-use facts that came a second time.", ("what",))
LOGOUTS = Counter("idp_logout_deliveries", "Back-channel logouts, by how a try went.", ("result",))
FORWARDING_UNREAD = Counter(
    "idp_forwarding_unread", "Requests whose proxy named no client, by header.", ("header",)
)
UNAVAILABLE = Counter("idp_unavailable", "Answers 503, by what was down.", ("dependency",))


def exposition(directory: Path | None = None) -> bytes:
    """Every value in the text format: this process's, or those of all that write to a directory."""
    if directory is None:
        return generate_latest(REGISTRY)
    merged = CollectorRegistry()
    MultiProcessCollector(merged, str(directory))  # type: ignore[no-untyped-call]
    return generate_latest(merged)
