"""Logs: one JSON object a line on standard output, without secrets and personal data.

What we log is chosen event by event; the redaction here is the net below. JSON escapes every
control character, so that nothing a client sends can make a line of its own.
"""

import json
import logging
import re
import sys
import time
from collections.abc import MutableMapping
from contextlib import nullcontext
from functools import cache, lru_cache
from typing import Any, TextIO

import structlog

REDACTED = "[redacted]"
_SECRET_NAMES = re.compile(
    r"authorization|cookie|secret|password|passcode|token|assertion|otp|code|csrf|nonce|state"
    r"|login_hint|phone|number"
)
_SECRET_VALUES = re.compile(
    r"(?<!\d)\+?\d{9,15}(?!\d)"  # personal numbers and phones
    r"|[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]*"  # JWTs
    r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{40,}"  # handles, digests, tickets
    r"|(?i:bearer|basic|dpop)\s+\S+"
)
_MAX_TEXT = 2_000


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send every logger's lines, the libraries' too, to ``stream`` (standard output)."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    handler = _Lines(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def write_line(logger: str, members: str) -> None:
    """Write a line of level info, ready made: ``members`` are JSON without secrets, by our hand.

    Requests are logged so, because a line through every processor costs more than some requests.
    """
    if not _logger(logger).isEnabledFor(logging.INFO):
        return
    now = time.time()
    text = (
        f'{{{members},"level":"info","timestamp":"{_second(int(now))}.{int(now % 1 * 1e6):06}Z"}}'
    )
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Lines):
            handler.write(text)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes each line in one piece."""

    def write(self, text: str) -> None:
        """Write one line that is formatted already."""
        with self.lock or nullcontext():
            self.stream.write(f"{text}\n")
            self.flush()


@cache
def _logger(name: str) -> logging.Logger:
    return logging.getLogger(name)


@lru_cache(maxsize=2)
def _second(now: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no value under a secret's name, none that looks like one."""
    return {name: _redacted(name, value) for name, value in event.items()}


_KEPT = frozenset({"event", "level", "timestamp", "logger", "reference", "status_code"})
"""Our own members: random references are as long as some secrets."""


def _redacted(name: str, value: Any) -> Any:
    if name not in _KEPT and _SECRET_NAMES.search(name.lower()):
        return REDACTED
    if isinstance(value, str):
        return _SECRET_VALUES.sub(REDACTED, value)[:_MAX_TEXT]
    if isinstance(value, dict):
        return {str(key): _redacted(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", each) for each in value]
    return value


def _dumps(value: Any, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), **options)
