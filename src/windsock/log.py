"""structlog setup, and the one list of event names."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from functools import cache, lru_cache
from typing import Any, TextIO

import orjson
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
        "cooldown.cut_short",
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


@lru_cache(maxsize=1024)
def redacted(text: str) -> str:
    """The text without anything that looks like a key, a token or a password in a URL."""
    return SECRET_TEXT.sub("[redacted]", text)


@lru_cache(maxsize=512)
def _names_a_secret(key: str) -> bool:
    return SECRET_KEYS.search(key) is not None


def _redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if _names_a_secret(key):
            event[key] = "[redacted]"
        elif isinstance(value, str):
            event[key] = redacted(value)
    return event


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _json_line(_: object, level: str, event: MutableMapping[str, Any]) -> str:
    """What the processors of the console do, in one: a request's line is written on its way."""
    event["level"] = level
    _stamp(None, level, event)
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(None, level, event)
    event = _redact(None, level, event)
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a number beyond 64 bits, or half of a surrogate pair
        return json.dumps(event, default=repr)


def configure(*, level: str = "info", is_json: bool = True, stream: TextIO | None = None) -> None:
    """Events as one JSON line each, or coloured for a terminal; secrets never pass."""
    out = stream or sys.stderr
    processors: list[Any] = [_json_line]
    if not is_json:
        processors = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer(colors=out.isatty()),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    _bound.cache_clear()


def event_log() -> Any:
    """The logger; call it with an event name of `EVENTS` and facts as keywords."""
    return _bound() if structlog.is_configured() else structlog.get_logger()


@cache
def _bound() -> Any:
    """The logger of the last `configure`, made once: making it costs ten times a line."""
    return structlog.get_logger().bind()
