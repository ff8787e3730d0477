"""How much of what a deployment is asked ends in an error, whoever is to blame for each.

Health looks at what a deployment is at fault for. Here every end but an answer counts: a deployment
that refuses nearly all requests may well say that each was the caller's mistake.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from windsock.core.model.calls import CallKind, CallResult
from windsock.core.model.events import Event, EventKind

UNCOUNTED = frozenset({CallKind.CANCELLED, CallKind.CALLER_TIMED_OUT})
"""Ends that say nothing of who was asked."""

RECENT_CALLS = 50
RECENT_S = 3600.0
LEAST_CALLS = 20
RISEN, FALLEN = 0.5, 0.25
"""Share of errors among the recent calls from which on they have risen, below which they fell."""


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
    """The last calls of one deployment."""

    __slots__ = ("ends", "errors", "has_risen")

    def __init__(self) -> None:
        self.ends: deque[tuple[float, CallKind]] = deque()
        self.errors: Counter[CallKind] = Counter()
        self.has_risen = False

    def count(self, kind: CallKind, now: float) -> None:
        self.ends.append((now, kind))
        self.errors[kind] += 1
        while len(self.ends) > RECENT_CALLS or now - self.ends[0][0] > RECENT_S:
            _, gone = self.ends.popleft()
            self.errors[gone] -= 1


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
        recent.count(result.kind, now)
        if result.kind is CallKind.ANSWERED and not recent.has_risen:
            return []
        return self._told(recent, name, now)

    def forget(self, now: float) -> list[Event]:
        """Errors that nobody has met for RECENT_S have fallen, as far as anybody knows."""
        return [
            event
            for name, recent in self._recent.items()
            if recent.has_risen and now - recent.ends[-1][0] > RECENT_S
            for event in self._ended(recent, name, now)
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

    def _ended(self, recent: _Recent, name: str, now: float) -> list[Event]:
        recent.ends.clear()
        recent.errors.clear()
        return self._told(recent, name, now)

    def _told(self, recent: _Recent, name: str, now: float) -> list[Event]:
        rise = error_rise(name, recent.errors)
        share = rise.share if rise is not None else 0.0
        if recent.has_risen:
            recent.has_risen = share >= FALLEN
            if recent.has_risen:
                return []
            return [Event(kind=EventKind.ERRORS_FELL, deployment=name, at=now)]
        if rise is None or not rise.has_risen:
            return []
        recent.has_risen = True
        facts = {"error": rise.kind.value, "share": round(share, 3), "calls": rise.calls}
        return [Event(kind=EventKind.ERRORS_ROSE, deployment=name, at=now, facts=facts)]
