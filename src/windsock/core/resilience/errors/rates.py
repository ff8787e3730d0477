"""How much of what a deployment is asked ends in an error, whoever is to blame for each.

Health looks at what a deployment is at fault for. Here every end but an answer counts: a deployment
that refuses nearly all requests may well say that each was the caller's mistake. Two rules: half of
the last calls, whatever came before; and one kind against the deployment's own past.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from windsock.core.model.calls import FAILURES, CallKind, CallResult
from windsock.core.model.events import Event, EventKind
from windsock.core.resilience.errors.kinds import KindRise

UNCOUNTED = frozenset({CallKind.CANCELLED, CallKind.CALLER_TIMED_OUT})
"""Ends that say nothing of who was asked."""

RECENT_CALLS = 50
RECENT_S = 3600.0
LEAST_CALLS = 20
RISEN, FALLEN = 0.5, 0.25
"""Share of errors among the recent calls from which on they have risen, below which they fell."""

STANDS_OUT = 2.0
"""Times the share of failures of all others, above which those of one are its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRise:
    """Errors at a deployment, most of them of one kind, among its last calls."""

    deployment: str
    kind: CallKind
    share: float
    calls: int

    @property
    def has_risen(self) -> bool:
        """True if these are many errors among enough calls."""
        return self.calls >= LEAST_CALLS and self.share >= RISEN

    def __str__(self) -> str:
        return (
            f"{self.share:.0%} of the last {self.calls} calls got no answer, "
            f"mostly as {self.kind.value.replace('_', ' ')}"
        )


class _Recent:
    """The last calls of one deployment, and its past by kind of error.

    told    the kind as which it was told that `has_risen`
    calls   of the past, before a kind was met first
    """

    __slots__ = ("calls", "ends", "errors", "has_risen", "kinds", "told")

    def __init__(self) -> None:
        self.ends: deque[tuple[float, CallKind]] = deque()
        self.errors: Counter[CallKind] = Counter()
        self.has_risen = False
        self.told: CallKind | None = None
        self.calls = 0.0
        self.kinds: dict[CallKind, KindRise] = {}

    @property
    def risen_kinds(self) -> list[CallKind]:
        """Kinds that are more frequent than in the past."""
        return [kind for kind, each in self.kinds.items() if each.has_risen]

    def forget_past(self) -> None:
        """What comes next has nothing to be compared with."""
        self.calls = 0.0
        self.kinds.clear()


def error_rise(deployment: str, ends: Mapping[CallKind, int]) -> ErrorRise | None:
    """The errors among calls that ended so, by kind; None if there are none."""
    counted = {kind: count for kind, count in ends.items() if kind not in UNCOUNTED}
    calls = sum(counted.values())
    failed = {kind: count for kind, count in counted.items() if kind is not CallKind.ANSWERED}
    errors = sum(failed.values())
    if not errors:
        return None
    kind = max(failed, key=failed.__getitem__)
    return ErrorRise(deployment=deployment, kind=kind, share=errors / calls, calls=calls)


class ErrorRates:
    """Counts the ends of calls by deployment and tells when errors rise and fall."""

    def __init__(self) -> None:
        self._recent: dict[str, _Recent] = {}

    def count(self, result: CallResult, now: float) -> list[Event]:
        """One call has ended; says so if errors rose or fell with it."""
        if result.kind in UNCOUNTED:
            return []
        name = result.attempt.deployment
        recent = self._recent.get(name)
        if recent is None:
            recent = self._recent[name] = _Recent()
        ends, kind = recent.ends, result.kind
        ends.append((now, kind))
        recent.errors[kind] += 1
        while len(ends) > RECENT_CALLS or now - ends[0][0] > RECENT_S:
            recent.errors[ends.popleft()[1]] -= 1
        told = []
        if not recent.told:
            if recent.kinds or result.kind is not CallKind.ANSWERED:
                told = _told_of_kinds(recent, result.kind, name, now)
            recent.calls += 1.0
        if result.kind is CallKind.ANSWERED and not recent.has_risen:
            return told
        return told + _told(recent, name, now)

    def stands_out(self, deployment: str, others: Iterable[str]) -> bool:
        """True if far more of its recent calls failed than of the others' together; of fewer than
        LEAST_CALLS there, or here, nobody knows."""
        own, theirs = self._failed_share([deployment]), self._failed_share(others)
        return own is not None and theirs is not None and own > STANDS_OUT * theirs

    def _failed_share(self, deployments: Iterable[str]) -> float | None:
        known = [self._recent[name] for name in deployments if name in self._recent]
        calls = sum(len(each.ends) for each in known)
        failed = sum(each.errors[kind] for each in known for kind in FAILURES)
        return failed / calls if calls >= LEAST_CALLS else None

    def forget(self, now: float) -> list[Event]:
        """Errors that nobody has met for RECENT_S have fallen, as far as anybody knows."""
        return [
            event
            for name, recent in self._recent.items()
            if (recent.has_risen or recent.risen_kinds) and now - recent.ends[-1][0] > RECENT_S
            for event in _ended(recent, name, now)
        ]

    def rises(self) -> list[ErrorRise]:
        """The deployments where errors have risen and not fallen yet."""
        found = (
            error_rise(name, each.errors) for name, each in self._recent.items() if each.has_risen
        )
        return [rise for rise in found if rise is not None]

    def rise_at(self, deployment: str) -> ErrorRise | None:
        """The rise at one deployment, None if there is none."""
        recent = self._recent.get(deployment)
        return (
            error_rise(deployment, recent.errors)
            if recent is not None and recent.has_risen
            else None
        )


def _told_of_kinds(recent: _Recent, met: CallKind, name: str, now: float) -> list[Event]:
    """One more call, of which every kind of error met so far takes note."""
    if met is not CallKind.ANSWERED and met not in recent.kinds:
        recent.kinds[met] = KindRise(recent.calls)
    told = []
    for kind, each in recent.kinds.items():
        before = each.before
        found = each.count(kind is met)
        if found is not None and each.has_risen:
            share, calls = found
            facts = {"share": round(share, 3), "calls": calls, "before": round(before, 3)}
            told.append(_rose(name, kind, now, **facts))
        elif found is not None:
            told.append(_fell(name, kind, now))
    return told


def _told(recent: _Recent, name: str, now: float) -> list[Event]:
    """Of half of the last calls, unless it was told already of a kind of them."""
    rise = error_rise(name, recent.errors)
    if recent.has_risen:
        recent.has_risen = rise is not None and rise.share >= FALLEN
    else:
        recent.has_risen = rise is not None and rise.has_risen
    if rise is not None and recent.has_risen and not recent.told and not recent.risen_kinds:
        recent.told = rise.kind
        recent.forget_past()
        return [_rose(name, rise.kind, now, share=round(rise.share, 3), calls=rise.calls)]
    if recent.told and not recent.has_risen:
        kind, recent.told = recent.told, None
        return [_fell(name, kind, now)]
    return []


def _ended(recent: _Recent, name: str, now: float) -> list[Event]:
    fell = [_fell(name, kind, now) for kind in recent.risen_kinds]
    recent.ends.clear()
    recent.errors.clear()
    recent.forget_past()
    return fell + _told(recent, name, now)


def _rose(name: str, kind: CallKind, now: float, **facts: float) -> Event:
    told = {"error": kind.value, **facts}
    return Event(kind=EventKind.ERRORS_ROSE, deployment=name, at=now, facts=told)


def _fell(name: str, kind: CallKind, now: float) -> Event:
    facts = {"error": kind.value}
    return Event(kind=EventKind.ERRORS_FELL, deployment=name, at=now, facts=facts)
