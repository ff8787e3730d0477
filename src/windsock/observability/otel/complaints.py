"""What the exporters complain of, as lines of our log: seldom, and without addresses."""

from __future__ import annotations

import logging
import time
from math import inf

from windsock.observability.log import event_log

TELL_AGAIN_S = 300.0
"""A collector that is away would be told of every few seconds."""

MEND = "is the collector of OTEL_EXPORTER_OTLP_ENDPOINT there, and does it take OTLP over HTTP?"


class Complaints(logging.Handler):
    """Tells that something could not be sent; the words, which may hold a path that is a key, stay
    out of the log."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self._told_at = -inf

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the threads that send."""
        now = time.monotonic()
        if now - self._told_at >= TELL_AGAIN_S:
            self._told_at = now
            event_log().error("telemetry.failed", source=record.name, mend=MEND)


def hear_complaints() -> None:
    """Have them told by our log alone, however often it is asked for."""
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    for known in [each for each in logger.handlers if isinstance(each, Complaints)]:
        logger.removeHandler(known)
    logger.addHandler(Complaints())
