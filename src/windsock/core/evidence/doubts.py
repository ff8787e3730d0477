"""Deployments that said of their calls what cannot be: counts and bills that were not believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from windsock.core.model.calls import CallResult
from windsock.core.model.events import Event, EventKind
from windsock.core.model.units import to_float

TELL_AGAIN_S = 3600.0
"""A deployment that is doubted at every call is told of once in so long."""


@dataclass(slots=True, kw_only=True)
class Doubts:
    """Of one deployment, since the start.

    usages      calls whose counts were not believed, and why those of the last were not
    bills       that were not believed, and how many times the reckoned cost the last one was; None
                where nothing could be reckoned, or the price is 0
    """

    usages: int = 0
    usage_doubt: str = ""
    bills: int = 0
    bill_factor: float | None = None
    told_at: dict[EventKind, float] = field(default_factory=dict)


class DoubtLog:
    """Counts what was not believed, and tells of it now and then."""

    def __init__(self) -> None:
        self._doubts: dict[str, Doubts] = {}

    def of(self, deployment: str) -> Doubts:
        """What was doubted; looking changes nothing."""
        return self._doubts.get(deployment) or Doubts()

    def note_usage(self, result: CallResult, now: float) -> list[Event]:
        """The counts of a call were not believed."""
        doubts = self._noted(result)
        doubts.usages += 1
        doubts.usage_doubt = result.usage_doubt
        facts: dict[str, object] = {"why": result.usage_doubt, "calls": doubts.usages}
        return self._told(EventKind.USAGE_DOUBTED, result, facts, now)

    def note_bill(
        self, result: CallResult, billed_usd: Decimal, reckoned_usd: Decimal | None, now: float
    ) -> list[Event]:
        """A bill was not believed, and is in no sum."""
        doubts = self._noted(result)
        doubts.bills += 1
        doubts.bill_factor = to_float(billed_usd / reckoned_usd) if reckoned_usd else None
        facts: dict[str, object] = {
            "billed_usd": to_float(billed_usd),
            "reckoned_usd": None if reckoned_usd is None else to_float(reckoned_usd),
            "factor": doubts.bill_factor,
            "service_tier": result.service_tier,
            "bills": doubts.bills,
        }
        return self._told(EventKind.BILL_DOUBTED, result, facts, now)

    def _noted(self, result: CallResult) -> Doubts:
        return self._doubts.setdefault(result.attempt.deployment, Doubts())

    def _told(
        self, kind: EventKind, result: CallResult, facts: dict[str, object], now: float
    ) -> list[Event]:
        name = result.attempt.deployment
        told_at = self._doubts[name].told_at
        if now - told_at.get(kind, -TELL_AGAIN_S) < TELL_AGAIN_S:
            return []
        told_at[kind] = now
        return [Event(kind=kind, deployment=name, at=now, facts=facts)]
