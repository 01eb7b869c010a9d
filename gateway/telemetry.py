"""Operational logs: JSON lines by an allow-list of keys, so that nothing about a person can get in.

A key that isn't on the list is dropped and counted; an exception is told by its type and place, never by its text.
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

ALLOWED: Final = frozenset(
    {
        "event", "level", "time", "exchange", "consumer", "register", "kind", "code", "whose", "where", "attempt",
        "origin", "size", "count", "in_flight", "seconds", "file", "line", "error", "place", "dropped", "policy",
    }
)  # fmt: skip
"""What a log line may say. Message ids are the asker's words and stay out."""

_CHARACTERS: Final = 200


def _only_allowed(
    _logger: object, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    kept = {key: _short(value) for key, value in fields.items() if key in ALLOWED}
    dropped = len(fields) - len(kept)
    if dropped:
        kept["dropped"] = dropped
    return kept


def _short(value: object) -> object:
    return value if isinstance(value, int | float | bool) else str(value)[:_CHARACTERS]


def configure(stream: TextIO | None = None) -> None:
    """Send log lines to `stream` (default: standard error), one JSON object a line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger() -> structlog.typing.FilteringBoundLogger:
    """Out: the house's logger. Events are constant words; what varies goes into allowed keys."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log


def told(error: BaseException) -> dict[str, str]:
    """Out: what may be said of an exception: its type, and where it was raised."""
    place = "unknown"
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "?")
        place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return {"error": type(error).__name__, "place": place}
