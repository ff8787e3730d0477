"""structlog setup, and the one list of event names."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

EVENTS = frozenset(
    {
        "service.started",
        "service.draining",
        "service.stopped",
        "config.reloaded",
        "config.rejected",
        "request.finished",
        "feedback.received",
        "price.shifted",
        "price.held",
        "price.released",
        "price.went_stale",
        "price.is_fresh",
        "feed.read",
        "feed.failed",
        "feed.went_stale",
        "feed.is_fresh",
        "feed.unmatched",
        "health.changed",
        "cooldown.began",
        "cooldown.ended",
        "quality.drifted",
        "quality.undone",
        "bill.drifted",
        "model.redirected",
        "store.failed",
        "store.recovered",
        "cache.failed",
        "state.restored",
        "state.set_aside",
        "webhook.failed",
        "demo.started",
    }
)

SECRET_KEYS = re.compile(r"authorization|api[-_]?key|token$|secret|password|cookie", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai)-[\w-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:bearer)\s+\S{8,}"
)


def redacted(text: str) -> str:
    """The text without anything that looks like a key, a token or a password in a URL."""
    return SECRET_TEXT.sub("[redacted]", text)


def _redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if SECRET_KEYS.search(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = redacted(value)
    return event


def configure(*, level: str = "info", is_json: bool = True, stream: TextIO | None = None) -> None:
    """Events as one JSON line each, or coloured for a terminal; secrets never pass."""
    out = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if is_json
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )


def event_log() -> Any:
    """The logger; call it with an event name of `EVENTS` and facts as keywords."""
    return structlog.get_logger()
