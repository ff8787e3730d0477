"""The names that log lines and events may have."""

from __future__ import annotations

from windsock.core.model.events import EventKind

LOG_ONLY = frozenset(
    {
        "service.started",
        "service.draining",
        "service.stopped",
        "request.finished",
        "store.failed",
        "worker.replaced",
        "worker.unled",
        "cache.failed",
        "embeddings.failed",
        "library.warned",
        "credential.renewed",
        "credential.failed",
        "replica.leads",
        "replica.unheard",
        "replicas.away",
        "replicas.back",
        "sink.failed",
        "sink.recovered",
        "state.restored",
        "state.set_aside",
        "task.failed",
        "telemetry.failed",
        "telemetry.misread",
        "telemetry.unavailable",
        "webhook.failed",
        "webhook.recovered",
    }
)
"""Lines that are no events: nobody is told of them."""

EVENTS = LOG_ONLY | frozenset(EventKind)
