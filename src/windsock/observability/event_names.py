"""The names that log lines and events may have."""

from __future__ import annotations

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
        "price.unread",
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
