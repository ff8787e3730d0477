"""What the SDK complains of, as lines of our log: seldom, and without addresses or headers."""

from __future__ import annotations

import logging
import time
from math import inf

from windsock.observability.log import event_log

TELL_AGAIN_S = 300.0
"""A collector that is away would be told of every few seconds."""

MEND = "is the collector of OTEL_EXPORTER_OTLP_ENDPOINT there, and does it take OTLP over HTTP?"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS: one of them is no name=value"
OF_HEADERS = "opentelemetry.util.re"
"""Whose words repeat a header, which may be a key."""


class Complaints(logging.Handler):
    """Tells that something could not be sent; the words, which may hold a path that is a key, stay
    out of the log. Of a variable that could not be read, as the service starts, they are told."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self._told_at = -inf

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the threads that send, and at the start."""
        if self.level == logging.WARNING:
            error = HEADERS if record.name == OF_HEADERS else record.getMessage()
            event_log().warning("telemetry.misread", error=error)
            return
        now = time.monotonic()
        if now - self._told_at >= TELL_AGAIN_S:
            self._told_at = now
            event_log().error("telemetry.failed", source=record.name, mend=MEND)

    def end_of_start(self) -> None:
        """All variables have been read: from now on it is sending that fails."""
        self.setLevel(logging.ERROR)


def hear_complaints() -> Complaints:
    """Have them told by our log alone, however often it is asked for."""
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    for known in [each for each in logger.handlers if isinstance(each, Complaints)]:
        logger.removeHandler(known)
    heard = Complaints()
    logger.addHandler(heard)
    return heard
