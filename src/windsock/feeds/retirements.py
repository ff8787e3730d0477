"""Models that their provider stops serving: dated to go, or gone from its list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from windsock.core.model.ticks import HealthReport, HealthState, ModelFacts
from windsock.feeds.bodies.health import HOLDS_POLLS
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import Reading

OWN_WORD = 0.9
"""Trust from which a feed's date of retirement ends traffic; hand-kept lists only announce it."""

NOTICE_S = 30 * 86400.0
"""How long before its date a retirement is shown."""


@dataclass(slots=True)
class Retirements:
    """Remembers which models each list named."""

    _named: dict[str, set[str]] = field(default_factory=dict)

    def reports(
        self, definition: FeedDefinition, reading: Reading, now: float
    ) -> Iterator[HealthReport]:
        """Reports under the feed's own names: down once retired, degraded shortly before."""
        for facts in reading.facts:
            if facts.retires_at is not None and facts.retires_at - now < NOTICE_S:
                yield _dated(definition, facts, facts.retires_at, now)
        named = {report.subject for report in reading.health if "/" in report.subject}
        if definition.is_partial or not named:
            return
        before = self._named.get(definition.id, set())
        self._named[definition.id] = before | named
        for subject in sorted(before - named):
            yield _report(definition, subject, HealthState.DOWN, "no longer listed", now)


def _dated(
    definition: FeedDefinition, facts: ModelFacts, retires_at: float, now: float
) -> HealthReport:
    is_over = retires_at <= now and definition.trust >= OWN_WORD
    day = datetime.fromtimestamp(retires_at, UTC).strftime("%Y-%m-%d")
    return _report(
        definition,
        f"{facts.provider}/{facts.model}",
        HealthState.DOWN if is_over else HealthState.DEGRADED,
        f"retires {day}" if retires_at > now else f"retired {day}",
        now,
    )


def _report(
    definition: FeedDefinition, subject: str, state: HealthState, note: str, now: float
) -> HealthReport:
    return HealthReport(
        subject=subject,
        feed=definition.id,
        state=state,
        note=note,
        seen_at=now,
        good_for_s=HOLDS_POLLS * definition.every,
    )
