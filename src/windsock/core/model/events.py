"""What happened that people and programs outside should hear of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """What may happen, as the store, the log, webhooks and the event stream name it."""

    PRICE_SHIFTED = "price.shifted"
    PRICE_HELD = "price.held"
    PRICE_RELEASED = "price.released"
    PRICE_DISPUTED = "price.disputed"
    PRICE_AGREED = "price.agreed"
    PRICE_UNREAD = "price.unread"
    PRICE_VANISHED = "price.vanished"
    PRICE_RELISTED = "price.relisted"
    PRICE_WENT_STALE = "price.went_stale"
    PRICE_IS_FRESH = "price.is_fresh"
    HEALTH_CHANGED = "health.changed"
    COOLDOWN_BEGAN = "cooldown.began"
    COOLDOWN_ENDED = "cooldown.ended"
    COOLDOWN_CUT_SHORT = "cooldown.cut_short"
    ERRORS_ROSE = "errors.rose"
    ERRORS_FELL = "errors.fell"
    QUALITY_DRIFTED = "quality.drifted"
    QUALITY_UNDONE = "quality.undone"
    KEYS_DISAGREE = "feedback.keys_disagree"
    KEY_SILENCED = "feedback.key_silenced"
    KEY_HEARD = "feedback.key_heard"
    EVIDENCE_DISAGREES = "evidence.disagrees"
    EVIDENCE_AGREES = "evidence.agrees"
    JUDGE_IS_UNREAD = "judge.is_unread"
    JUDGE_IS_READ = "judge.is_read"
    BILL_DRIFTED = "bill.drifted"
    BILL_DOUBTED = "bill.doubted"
    USAGE_DOUBTED = "usage.doubted"
    PARAMETER_REFUSED = "parameter.refused"
    TASK_FORGOTTEN = "task.forgotten"
    FLOOR_OUT_OF_REACH = "floor.out_of_reach"
    FLOOR_WITHIN_REACH = "floor.within_reach"
    MODEL_REDIRECTED = "model.redirected"
    MODEL_LISTED = "model.listed"
    MODEL_RETIRES = "model.retires"
    CONFIG_RELOADED = "config.reloaded"
    CONFIG_REJECTED = "config.rejected"
    FEED_FAILED = "feed.failed"
    FEED_RECOVERED = "feed.recovered"
    FEED_WENT_STALE = "feed.went_stale"
    FEED_IS_FRESH = "feed.is_fresh"
    FEED_UNMATCHED = "feed.unmatched"
    CAP_NEARED = "cap.neared"
    CAP_SPENT = "cap.spent"
    CAP_OUTPACED = "cap.outpaced"
    CAP_RAISED = "cap.raised"
    CAP_RENEWED = "cap.renewed"
    SPEND_ROSE = "spend.rose"
    SPEND_FELL = "spend.fell"
    ROUTE_IS_DOWN = "route.is_down"
    ROUTE_IS_BACK = "route.is_back"
    REPLICAS_DIFFER = "replicas.differ"
    REPLICAS_AGREE = "replicas.agree"
    LOOP_IS_LATE = "loop.is_late"
    LOOP_IS_ON_TIME = "loop.is_on_time"
    STORE_RECOVERED = "store.recovered"
    STORE_IS_BEHIND = "store.is_behind"
    STORE_CAUGHT_UP = "store.caught_up"

    __hash__ = str.__hash__  # Enum's own is that of the name, by which no text would be found


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that changes where traffic goes, or what is known of it.

    deployment  or provider; empty where none is concerned
    at          unix s
    facts       what the log and the event stream show; with `namespace` where one alone is meant
    """

    kind: EventKind
    deployment: str
    at: float
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def namespace(self) -> str | None:
        """The one whose requests and feedback it tells of; None if it concerns everybody."""
        named = self.facts.get("namespace")
        return None if named is None else str(named)
