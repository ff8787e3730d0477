"""What status feeds say of providers and deployments, and until when their word is believed."""

from __future__ import annotations

from collections.abc import Container, Iterator

from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import HealthReport, HealthState

ORDER = (HealthState.UNKNOWN, HealthState.UP, HealthState.DEGRADED, HealthState.DOWN)


class StatusBoard:
    """The last report of every feed about every subject.

    report_s    a word older than this is no longer believed, unless the feed is read so seldom
                that its word must last longer
    """

    def __init__(self, report_s: float) -> None:
        self._report_s = report_s
        self._reports: dict[str, dict[str, HealthReport]] = {}

    def worst(self, deployment: str, provider: str, now: float) -> HealthReport | None:
        """The worst fresh report about a deployment or its provider."""
        if not self._reports:
            return None
        fresh = [
            report
            for subject in (deployment, provider)
            for report in self._reports.get(subject, {}).values()
            if now <= self._until(report)
        ]
        return max(fresh, key=lambda report: ORDER.index(report.state), default=None)

    def absorb(self, report: HealthReport, now: float) -> list[Event]:
        """Take in a feed's word; empty if it says what it said before."""
        reports = self._reports.setdefault(report.subject, {})
        before = reports.get(report.feed)
        reports[report.feed] = report
        if before is not None and before.state is report.state:
            return []
        facts = {
            "feed": report.feed,
            "state": report.state.value,
            "before": before.state.value if before else "unknown",
            "note": report.note,
        }
        return [
            Event(kind=EventKind.HEALTH_CHANGED, deployment=report.subject, at=now, facts=facts)
        ]

    def hear_only(self, feeds: Container[str]) -> None:
        """Drop what other feeds than these said."""
        self._reports = {
            subject: {feed: report for feed, report in reports.items() if feed in feeds}
            for subject, reports in self._reports.items()
        }

    def ends(self, now: float) -> Iterator[float]:
        """When words that keep something out will no longer be believed."""
        for reports in self._reports.values():
            for report in reports.values():
                if report.state is HealthState.DOWN and (until := self._until(report)) > now:
                    yield until

    def _until(self, report: HealthReport) -> float:
        return report.seen_at + max(self._report_s, report.good_for_s or 0.0)
