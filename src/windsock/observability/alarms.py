"""Alarms: what has begun and not ended, folded from the events that tell of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from windsock.core.model.events import Event, EventKind

Subject = tuple[str, ...]
"""Of whom something is told: the deployment, if there is one, and facts by which they differ."""

CAPPED = ("cap", "key", "route", "provider", "model")
FEED = ("feed",)
PLACE = ("route", "namespace", "task")
"""The route first: where no deployment is concerned, it says whether there is such a thing."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """A kind of event that begins what another kind ends.

    by  facts that, with the deployment, tell one such state from another
    """

    begins: EventKind
    ends: EventKind
    by: tuple[str, ...] = ()

    def subjects(self, event: Event) -> list[Subject]:
        """Of whom an event of either kind is told: several where it counts them together."""
        facts = event.facts
        told = facts.get("deployments")
        names = [str(each) for each in told] if isinstance(told, Iterable) else [event.deployment]
        rest = tuple(str(facts[name]) for name in self.by if facts.get(name) is not None)
        return [(name, *rest) if name else rest or ("",) for name in names]


LASTING = (
    Lasting(EventKind.ERRORS_ROSE, EventKind.ERRORS_FELL, ("error",)),
    Lasting(EventKind.FLOOR_OUT_OF_REACH, EventKind.FLOOR_WITHIN_REACH, PLACE),
    Lasting(EventKind.ROUTE_IS_DOWN, EventKind.ROUTE_IS_BACK, ("route",)),
    Lasting(EventKind.CAP_OUTPACED, EventKind.CAP_RENEWED, CAPPED),
    Lasting(EventKind.CAP_SPENT, EventKind.CAP_RENEWED, CAPPED),
    Lasting(EventKind.SPEND_ROSE, EventKind.SPEND_FELL),
    Lasting(EventKind.PRICE_VANISHED, EventKind.PRICE_RELISTED, FEED),
    Lasting(EventKind.PRICE_WENT_STALE, EventKind.PRICE_IS_FRESH),
    Lasting(EventKind.FEED_FAILED, EventKind.FEED_RECOVERED, FEED),
    Lasting(EventKind.FEED_WENT_STALE, EventKind.FEED_IS_FRESH, FEED),
    Lasting(EventKind.QUALITY_DRIFTED, EventKind.QUALITY_UNDONE, ("namespace", "route")),
    Lasting(EventKind.EVIDENCE_DISAGREES, EventKind.EVIDENCE_AGREES, (*PLACE, "sources")),
    Lasting(EventKind.JUDGE_IS_UNREAD, EventKind.JUDGE_IS_READ, PLACE),
    Lasting(EventKind.REPLICAS_DIFFER, EventKind.REPLICAS_AGREE),
    Lasting(EventKind.STORE_IS_BEHIND, EventKind.STORE_CAUGHT_UP),
    Lasting(EventKind.LOOP_IS_LATE, EventKind.LOOP_IS_ON_TIME),
)

WARNED = frozenset(each.begins for each in LASTING) | {
    EventKind.PRICE_HELD,
    EventKind.PRICE_DISPUTED,
    EventKind.PRICE_UNREAD,
    EventKind.COOLDOWN_BEGAN,
    EventKind.KEYS_DISAGREE,
    EventKind.BILL_DRIFTED,
    EventKind.BILL_DOUBTED,
    EventKind.USAGE_DOUBTED,
    EventKind.MODEL_RETIRES,
    EventKind.FEED_UNMATCHED,
    EventKind.CONFIG_REJECTED,
}
"""What a person may have to mend."""

BETTER = ("better", "recovered")
"""Findings of `quality.drifted` that are none to mend."""

MOST_SUBJECTS = 10_000
"""Of one kind that are told apart."""


@dataclass(slots=True)
class Alarms:
    """A listener of the event bus. What began before the process did is not known to it.

    knows   whether there still is a deployment, route, cap or feed of a name: what was removed
            has no alarm any more
    """

    knows: Callable[[str], bool] = lambda _: True
    _standing: dict[EventKind, set[Subject]] = field(
        default_factory=lambda: {each.begins: set() for each in LASTING}
    )

    def on_event(self, event: Event) -> None:
        """Something began or ended; other events change nothing."""
        kind = EventKind.QUALITY_UNDONE if _is_better(event) else event.kind
        for each in LASTING:
            standing = self._standing[each.begins]
            if kind == each.begins and len(standing) < MOST_SUBJECTS:
                standing.update(each.subjects(event))
            elif kind == each.ends:
                standing.difference_update(each.subjects(event))

    def counts(self) -> Mapping[EventKind, int]:
        """How many have begun and not ended, by the kind that began them; 0 of those that none."""
        return {
            each.begins: sum(map(partial(self._is_known, each), self._standing[each.begins]))
            for each in LASTING
        }

    def _is_known(self, kind: Lasting, subject: Subject) -> bool:
        """What a feed has said is nothing without it, whomever it was about."""
        names = (subject[0], subject[-1]) if kind.by == FEED else subject[:1]
        return all(not name or self.knows(name) for name in names)


def is_warning(event: Event) -> bool:
    """Whether it tells of something to look at, as against how things go or that they are well."""
    return event.kind in WARNED and not _is_better(event)


def _is_better(event: Event) -> bool:
    """A finding that there is no fall of quality any more."""
    return event.kind == EventKind.QUALITY_DRIFTED and event.facts.get("finding") in BETTER
