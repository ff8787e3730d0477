"""What a route saved and won against one deployment asked for everything, from its own log.

The rival policy of an off-policy evaluation is "always that deployment": exact propensities say
what it would have cost and delivered (`estimators`). Of a long log a sample is read, in proportion
to the requests of each part of the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import WeightTable
from windsock.core.model.rewards import Feedback, matter_of
from windsock.evaluation.considered import Considered, row_of
from windsock.evaluation.counterfactual import ASKED_FOR, Reconsidered, worth_of
from windsock.evaluation.estimators import Estimate
from windsock.evaluation.evaluation import evaluation
from windsock.store import queries
from windsock.store.compact.totals import requests_between
from windsock.store.engine import by_one_connection

SAMPLE = 400
"""Requests that are read at most where nothing else is said: a tenth of a second."""

PARTS = 12
"""Of a span from which no more is read than a sample."""

AT_ONCE = 64
"""Requests whose weight tables are read together."""

MINUTE_S = 60.0
GRAINS_S = (3600.0, MINUTE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The deployment that is compared with. why: named, incumbent or reference."""

    deployment: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """One route against its baseline; below 0 it was lost.

    requests        of the route that the baseline could have served too
    sampled, judged     of them that were read, and of those that have a reward
    saved_usd, won      dollars and successes of all of them together; None where unknown
    unknown             why one of them is, else empty
    left_out            requests read that cannot be compared, by reason
    """

    route: str
    baseline: Baseline
    requests: float
    sampled: int
    judged: int
    saved_usd: Estimate | None
    won: Estimate | None
    unknown: str
    left_out: Mapping[str, int]


@dataclass(slots=True)
class _Route:
    """What was read of a route."""

    requests: float = 0.0
    read: int = 0
    found: Reconsidered = field(default_factory=Reconsidered)

    def leave_out(self, why: str) -> None:
        self.found.left_out[why] = self.found.left_out.get(why, 0) + 1


def savings(
    engine: Engine,
    baselines: Mapping[str, Baseline],
    *,
    since: float,
    until: float,
    namespace: str,
    sample: int = SAMPLE,
) -> list[Savings]:
    """Of every route that has a baseline and requests in this time; raises StoreError."""

    routes: dict[str, _Route] = defaultdict(_Route)
    with by_one_connection(engine) as store:
        sampled = [
            pair
            for pair in _sampled(store, since, until, namespace, sample)
            if pair[0].decision.cell.route in baselines
        ]
        told = queries.feedback_of_each(store, [each.decision.id for each, _ in sampled])
        for outcome, stands_for, table in _with_tables(store, sampled):
            name = outcome.decision.cell.route
            route = routes[name]
            route.requests += stands_for
            route.read += 1
            said = told.get(outcome.decision.id, ())
            _take(route, outcome, baselines[name], table, _reward(said))
    return [_savings(name, route, baselines[name]) for name, route in sorted(routes.items())]


def _with_tables(
    engine: Engine, sampled: Sequence[tuple[Outcome, float]]
) -> Iterator[tuple[Outcome, float, WeightTable | None]]:
    """Each with the weights that it was drawn from; of few at a time, for tables are large."""
    tables: dict[int, WeightTable] = {}
    for start in range(0, len(sampled), AT_ONCE):
        some = sampled[start : start + AT_ONCE]
        versions = {outcome.decision.table_version for outcome, _ in some}
        kept = {version: tables[version] for version in versions & tables.keys()}
        tables = kept | queries.tables(engine, versions - kept.keys())
        for outcome, stands_for in some:
            yield outcome, stands_for, tables.get(outcome.decision.table_version)


def _sampled(
    engine: Engine, since: float, until: float, namespace: str, sample: int
) -> Iterator[tuple[Outcome, float]]:
    """Finished requests, and how many of the log each stands for.

    They are counted by whole minutes, as sums are kept; only what is sampled is read.
    """
    ends = part_ends(since, until)
    counts = requests_between(engine, _whole_minutes(ends), namespace)
    if sum(counts) <= sample:
        yield from ((each, 1.0) for each in _read(engine, since, until, namespace, sample + 1))
        return
    share = sample / sum(counts)
    for part, count in zip(pairwise(ends), counts, strict=True):
        found = _read(engine, *part, namespace, max(1, round(count * share)))
        yield from ((each, count / len(found)) for each in found)


def _read(engine: Engine, since: float, until: float, namespace: str, limit: int) -> list[Outcome]:
    found = queries.decisions(engine, since=since, until=until, limit=limit, namespace=namespace)
    return [each for each in found if isinstance(each, Outcome) and not each.is_cached]


def part_ends(since: float, until: float) -> list[float]:
    """Of parts, between which a whole hour or minute begins: those are counted already."""
    step = max((until - since) / PARTS, MINUTE_S)
    grain = next(each for each in GRAINS_S if step >= each)
    inner = ((since + step * place) // grain * grain for place in range(1, PARTS))
    return [since, *(each for each in inner if each < until), until]


def _whole_minutes(ends: Sequence[float]) -> list[float]:
    """The same, from the minute in which they begin to that in which they end."""
    first, *inner, last = ends
    return [first // MINUTE_S * MINUTE_S, *inner, -(-last // MINUTE_S) * MINUTE_S]


def _take(
    route: _Route,
    outcome: Outcome,
    baseline: Baseline,
    table: WeightTable | None,
    reward: float | None,
) -> None:
    if table is None:
        route.leave_out("whose weights are no longer kept")
    elif table.note == ASKED_FOR:
        route.leave_out("in an order that the caller named")
    elif baseline.deployment not in table.deployments:
        route.leave_out(f"that {baseline.deployment} could not have served")
    elif outcome.cost_usd is None:
        route.leave_out("whose cost is not known")
    else:
        row = row_of(outcome, outcome.decision, _always(table, baseline.deployment), table)
        if row is not None:
            row.reward = reward
            route.found.rows.append(row)


def _always(table: WeightTable, deployment: str) -> WeightTable:
    """The same beliefs, and all to one."""
    arms = tuple(replace(arm, weight=float(arm.deployment == deployment)) for arm in table.arms)
    return replace(table, arms=arms, cascades=None)


def _reward(told: Iterable[Feedback]) -> float | None:
    """The last word on each matter, as one; None where nobody judged."""
    return worth_of({matter_of(each.reward): each for each in told}.values())


def _savings(name: str, route: _Route, baseline: Baseline) -> Savings:
    rows: Sequence[Considered] = route.found.rows
    verdict = evaluation(route.found)
    requests = route.requests * len(rows) / route.read
    return Savings(
        route=name,
        baseline=baseline,
        requests=requests,
        sampled=len(rows),
        judged=sum(row.reward is not None for row in rows),
        saved_usd=_less(verdict.saved_usd, requests),
        won=_less(verdict.gain, requests),
        unknown=verdict.refusal or "",
        left_out=dict(route.found.left_out),
    )


def _less(found: Estimate | None, requests: float) -> Estimate | None:
    """What the log has more than the baseline, of all requests."""
    if found is None:
        return None
    return Estimate(
        mean=-found.mean * requests,
        low=-found.high * requests,
        high=-found.low * requests,
        parts=-found.parts * requests,
    )


def savings_facts(
    engine: Engine,
    measures: Mapping[str, tuple[str, str]],
    *,
    since: float,
    until: float,
    namespace: str,
    sample: int = SAMPLE,
) -> list[dict[str, Any]]:
    """The same as JSON; measures: (deployment, why) by route."""
    baselines = {name: Baseline(deployment=who, why=why) for name, (who, why) in measures.items()}
    span = {"since": since, "until": until}
    found = savings(engine, baselines, **span, namespace=namespace, sample=sample)
    return [
        {
            "route": each.route,
            "baseline": each.baseline.deployment,
            "why": each.baseline.why,
            "requests": round(each.requests),
            "sampled": each.sampled,
            "judged": each.judged,
            "saved_usd": _interval(each.saved_usd),
            "won_successes": _interval(each.won),
            "unknown": each.unknown or None,
            "left_out": dict(each.left_out),
        }
        for each in found
    ]


def _interval(found: Estimate | None) -> dict[str, float] | None:
    """Null for what is not known."""
    if found is None:
        return None
    return {"mean": found.mean, "low": found.low, "high": found.high}
