"""A log as a world: what was asked, what it cost and how often it was right, as a scenario."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import tomli_w

from windsock.core.model.calls import CallKind, Outcome
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, to_float
from windsock.errors import ConfigError
from windsock.simulation.world.traffic import HOUR_S

LEAST_REQUESTS = 50
MOST_EXACT = 200_000
"""Requests above which months are advanced window by window."""

LEANS = 4.0
"""Judgements that a task's rate at a deployment is given from the deployment, and it from all."""

FAILED = frozenset(
    {CallKind.SERVER_ERROR, CallKind.OVERLOADED, CallKind.TIMED_OUT, CallKind.UNREACHABLE}
)


@dataclass(slots=True)
class _Sums:
    """Of one deployment, or one task at one."""

    calls: int = 0
    failed: int = 0
    latency_s: float = 0.0
    first_s: float = 0.0
    answers: int = 0
    judged: float = 0.0
    right: float = 0.0


@dataclass(slots=True)
class Logbook:
    """Counts over a log; feed it outcomes and feedback in the order they were appended."""

    at: list[float] = field(default_factory=list)
    tokens: dict[str, list[tuple[float, float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    by_deployment: dict[str, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    by_task: dict[tuple[str, str], _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    delays_s: list[float] = field(default_factory=list)
    _open: dict[str, Outcome] = field(default_factory=dict)

    def take(self, entry: object) -> None:
        """Read one entry of the ledger."""
        if isinstance(entry, Outcome) and not entry.is_cached:
            self._take_outcome(entry)
        elif isinstance(entry, Feedback):
            self._take_feedback(entry)

    def _take_outcome(self, outcome: Outcome) -> None:
        self.at.append(outcome.decision.at)
        for result in outcome.results:
            sums = self.by_deployment[result.attempt.deployment]
            sums.calls += 1
            sums.failed += result.kind in FAILED
            if result.kind is CallKind.ANSWERED:
                sums.answers += 1
                sums.latency_s += result.latency_s
                sums.first_s += result.first_byte_s or result.latency_s / 2
        usage = outcome.usage
        if outcome.served is not None and usage is not None:
            row = (usage.prompt_tokens, usage.completion_tokens, usage.cache_read_tokens)
            self.tokens[_task(outcome)].append(row)
            self._open[outcome.decision.id] = outcome

    def _take_feedback(self, feedback: Feedback) -> None:
        outcome = self._open.pop(feedback.decision_id, None)
        if outcome is None or outcome.served is None:
            return
        self.delays_s.append(max(0.0, feedback.at - outcome.finished_at))
        pair = (_task(outcome), outcome.served)
        for sums in (self.by_deployment[outcome.served], self.by_task[pair]):
            sums.judged += 1
            sums.right += feedback.reward.value


def scenario_of(
    book: Logbook, quotes: Mapping[str, Sequence[Quote]], route: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of a scenario.toml.

    quotes  accepted ones by deployment, oldest first
    route   its [route] table
    raises  ConfigError if the log is too short to be a world
    """
    _check(book)
    begins = min(book.at) // HOUR_S * HOUR_S
    hours = max(1.0, -(-(max(book.at) - begins) // HOUR_S))
    places = _places(book, quotes, begins)
    dearest = max(places, key=lambda name: (places[name]["output"], places[name]["input"]))
    return {
        "title": f"What was logged from {_iso(begins)} on",
        "about": "Written from a log: success rates are what was judged, a few judgements leaning "
        "on the others; tokens are means per task.",
        "starts_at": _iso(begins),
        "hours": hours,
        **_traffic(book, hours),
        "route": dict(route),
        "rivals": {"flagship": dearest, "otherwise": dearest},
        "deployments": places,
        "shocks": _shocks(places, quotes, begins, hours),
    }


def _check(book: Logbook) -> None:
    if len(book.at) < LEAST_REQUESTS or not book.delays_s:
        raise ConfigError(
            f"the log holds {len(book.at)} answered requests of this time, {len(book.delays_s)} of "
            f"them judged; a world needs {LEAST_REQUESTS} and some judgements"
        )


def _traffic(book: Logbook, hours: float) -> dict[str, Any]:
    """Who asked for what, how often and when, and how much of it was judged."""
    judged = len(book.delays_s) / sum(len(rows) for rows in book.tokens.values())
    return {
        "engine": "exact" if len(book.at) <= MOST_EXACT else "batch",
        "requests_per_hour": len(book.at) / hours,
        "feedback_share": min(1.0, judged),
        "feedback_delay_s": sum(book.delays_s) / len(book.delays_s),
        "rhythm": {"by_hour": _by_hour(book.at, hours)},
        "tasks": {task: _kind(rows) for task, rows in sorted(book.tokens.items())},
    }


def _places(
    book: Logbook, quotes: Mapping[str, Sequence[Quote]], begins: float
) -> dict[str, dict[str, Any]]:
    """Those that were called and have a price; raises ConfigError if there is none."""
    places = {
        name: _place(book, name, list(quotes[name]), begins)
        for name in sorted(book.by_deployment)
        if quotes.get(name)
    }
    if not places:
        raise ConfigError("no deployment of the log has a price in it; a world needs prices")
    return places


def toml(body: Mapping[str, Any]) -> str:
    """TOML of plain values, tables and arrays of tables; numbers to six significant digits."""
    return tomli_w.dumps(_rounded(body))


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _place(book: Logbook, name: str, quotes: Sequence[Quote], begins: float) -> dict[str, Any]:
    sums = book.by_deployment[name]
    answers = sums.answers or 1
    before = [quote for quote in quotes if quote.seen_at <= begins]
    return {
        **_prices(before[-1] if before else quotes[0]),
        "latency_s": max(0.001, sums.latency_s / answers),
        "first_token_s": max(0.001, sums.first_s / answers),
        "failure_share": sums.failed / sums.calls if sums.calls else 0.0,
        "quality": {task: _rate(book, task, name) for task in sorted(book.tokens)},
    }


def _rate(book: Logbook, task: str, name: str) -> float:
    """Judged success, leaning on the deployment's and that on everybody's."""
    everyone = book.by_deployment.values()
    usual = sum(each.right for each in everyone) / sum(each.judged for each in everyone)
    own = book.by_deployment[name]
    mean = (own.right + LEANS * usual) / (own.judged + LEANS)
    here = book.by_task.get((task, name), _Sums())
    return (here.right + LEANS * mean) / (here.judged + LEANS)


def _prices(quote: Quote) -> dict[str, float]:
    prices = quote.usd_per_mtok
    found = {
        "input": to_float(prices[Meter.INPUT]),
        "output": to_float(prices.get(Meter.OUTPUT, prices[Meter.INPUT])),
    }
    if Meter.CACHE_READ in prices:
        found["cache_read"] = to_float(prices[Meter.CACHE_READ])
    return found


def _shocks(
    places: Iterable[str], quotes: Mapping[str, Sequence[Quote]], begins: float, hours: float
) -> list[dict[str, Any]]:
    """Price changes within the time, when they became known."""
    found = []
    for name in places:
        last: dict[str, float] | None = None
        for quote in quotes[name]:
            prices, hour = _prices(quote), (quote.seen_at - begins) / HOUR_S
            if last is not None and prices != last and 0 < hour < hours:
                found.append({"at_hour": hour, "deployment": name, **prices})
            last = prices
    return sorted(found, key=lambda shock: shock["at_hour"])


def _kind(rows: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    sent, received, cached = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return {
        "share": float(len(rows)),
        "prompt_tokens": max(1.0, sent),
        "output_tokens": max(1.0, received),
        "cached_share": min(1.0, cached / sent) if sent else 0.0,
    }


def _by_hour(at: Sequence[float], hours: float) -> list[float]:
    """Traffic by UTC hour; even where the log is shorter than two days."""
    if hours < 48:
        return [1.0] * 24
    counts = Counter(int(moment % 86_400 // HOUR_S) for moment in at)
    return [max(0.01, counts[hour] * 24 / len(at)) for hour in range(24)]


def _task(outcome: Outcome) -> str:
    return outcome.decision.cell.task


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
