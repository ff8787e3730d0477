"""structlog setup, and the one list of event names."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TextIO

import orjson
import structlog

from windsock.core.model.calls import Outcome
from windsock.errors import SECRET_TEXT
from windsock.resources.terminal import UNSPOKEN

SECRET_KEYS = re.compile(r"authorization|api[-_]?key|token$|secret|password|cookie", re.IGNORECASE)


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


DUMPED = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z

SHEAF_S = 0.05
"""How long the line of a request may wait for others, to be written with them."""

MOST_SAID = 200
"""Characters of what a library says."""

MOST_HELD = 32
"""Lines made at once: the loop stands still for as long, 5 us each."""


class _Sheaf:
    """A stream whose lines of requests are made and written together; everything else at once, in
    order."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._held: list[str | Outcome] = []

    def hold(self, outcome: Outcome) -> None:
        """Write its line soon; at once where no event loop runs that could do it later."""
        self._held.append(outcome)
        if len(self._held) == 1:
            try:
                asyncio.get_running_loop().call_later(SHEAF_S, self.flush)
            except RuntimeError:
                self.flush()
        elif len(self._held) >= MOST_HELD:
            self.flush()

    def write(self, text: str) -> None:
        self._held.append(text)

    def flush(self) -> None:
        held, self._held = self._held, []
        if held:
            lines = [each if isinstance(each, str) else _line_of(each) for each in held]
            self._out.write("".join(lines))
            self._out.flush()


_sheaf: _Sheaf | None = None
"""Where the lines of requests go; None where they are not written as JSON."""

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _json_line(_: object, level: str, event: MutableMapping[str, Any]) -> str:
    """What the processors of the console do, in one: a request's line is written on its way."""
    event["level"] = level
    _stamp(None, level, event)
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(None, level, event)
    event = _redact(None, level, event)
    return _dumped(event)


def _dumped(event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=repr, option=DUMPED).decode()
    except TypeError:  # a number beyond 64 bits, or half of a surrogate pair
        return json.dumps(event, default=repr)


def _unspoken(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = value.translate(UNSPOKEN)
    return event


def configure(*, level: str = "info", is_json: bool = True, stream: TextIO | None = None) -> None:
    """Events as one JSON line each, or coloured for a terminal; secrets never pass."""
    global _sheaf
    out = stream or sys.stderr
    sheaf = _Sheaf(out)
    number = logging.getLevelNamesMapping()[level.upper()]
    _sheaf = sheaf if is_json and number <= logging.INFO else None
    processors: list[Any] = [_json_line]
    if not is_json:
        processors = [
            _unspoken,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            structlog.dev.ConsoleRenderer(colors=out.isatty()),
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sheaf),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    _bound.cache_clear()
    logging.getLogger().handlers = [
        *(each for each in logging.getLogger().handlers if not isinstance(each, _Libraries)),
        _Libraries(level=max(number, logging.WARNING)),
    ]


class _Libraries(logging.Handler):
    """What libraries say by Python's own logging, which else would be lines of another form.

    Their words may quote what they were given: of an error the kind is told, of a text its first
    line.
    """

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        event_log().warning(
            "library.warned",
            library=record.name,
            said=record.getMessage().partition("\n")[0][:MOST_SAID],
            error=None if kind is None else kind.__name__,
        )


def event_log() -> Any:
    """The logger; call it with an event name of `EVENTS` and facts as keywords."""
    return _bound() if structlog.is_configured() else structlog.get_logger()


@cache
def _bound() -> Any:
    """The logger of the last `configure`, made once: making it costs ten times a line."""
    return structlog.get_logger().bind()


def request_finished(outcome: Outcome) -> None:
    """The one line of a request that is over."""
    if _sheaf is not None:
        _sheaf.hold(outcome)
        return
    facts = _facts_of(outcome)
    del facts["level"], facts["timestamp"]
    event_log().info(facts.pop("event"), **facts)


def _line_of(outcome: Outcome) -> str:
    return _dumped(_facts_of(outcome)) + "\n"


def _facts_of(outcome: Outcome) -> dict[str, Any]:
    decision, cell, usd = outcome.decision, outcome.decision.cell, outcome.cost_usd
    return {
        "event": "request.finished",
        "level": "info",
        "timestamp": datetime.fromtimestamp(outcome.finished_at, UTC),
        "route": redacted(cell.route),
        "task": redacted(cell.name),
        "deployment": redacted(outcome.served or decision.deployment),
        "decision": decision.id,
        "propensity": round(decision.propensity, 6),
        "ok": outcome.ok,
        "attempts": len(outcome.results),
        "cost_usd": None if usd is None else float(usd),
        "latency_ms": round((outcome.finished_at - decision.at) * 1000, 1),
    }
