"""What would happen: the service as it is, with the changes, and rivals, on the same luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil

import numpy as np

from windsock.config.settings import Settings
from windsock.core.model.requests import Cell
from windsock.core.model.ticks import Quote
from windsock.core.routing.router import Router
from windsock.errors import ConfigError
from windsock.rehearsal.changes import Changes
from windsock.rehearsal.drawn_truth import drawn_lengths, drawn_qualities
from windsock.rehearsal.logged_traffic import LoggedTraffic
from windsock.rehearsal.origin import Origin
from windsock.rehearsal.rehearsed_world import (
    RehearsedWorld,
    newcomers_quote,
    scenario_of_rehearsal,
)
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.results.measures import RunSummary, summarize
from windsock.simulation.world.traffic import HOUR_S

AS_IS, CHANGED = "as it is", "changed"
OURS = "windsock"

MOST_REQUESTS = 60_000
"""Requests of a run that are stepped; of more, every second, third ... one."""

FEW = 20
"""Judged answers below which it is said that a success is hardly known."""

APART = 3
"""Seeds for each run in which what nobody knows is as believed, and only luck is drawn."""

LOW, HIGH = 5.0, 95.0
"""Percentiles of the interval that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to rehearse, and how.

    starts_at   unix s
    hours       how long
    rivals      policies that run beside it
    changed     the configuration with the changes in it
    """

    origin: Origin
    traffic: LoggedTraffic
    changes: Changes
    changed: Settings
    starts_at: float
    hours: float
    seeds: int
    rivals: tuple[str, ...] = ()
    at_once: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Over seeds: the mean, and the LOW and HIGH percentiles.

    as_believed     if success and lengths are truly what is believed: the mean of runs apart
    """

    mean: float
    as_believed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One of those that ran. shares: of the requests, by deployment."""

    name: str
    spend_usd: Interval
    success: Interval
    p95_latency_s: Interval
    shares: Mapping[str, Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What was found.

    difference  of the changed one to the one as it is, on the same luck; None without changes
    unknown     sentences that say what it does not know
    every       one request of so many was stepped
    """

    route: str
    requests: int
    hours: float
    starts_at: float
    seeds: int
    every: int
    changes: tuple[str, ...]
    runs: tuple[Figures, ...]
    difference: Figures | None
    unknown: tuple[str, ...]


def rehearse(ask: Ask) -> Rehearsal:
    """Run everything under every seed; raises ConfigError where a price is not known."""
    from joblib import Parallel, cpu_count, delayed

    every = _every(ask)
    plans = _plans(ask)
    runs = ask.seeds + ceil(ask.seeds / APART)
    jobs = [(name, seed) for seed in range(runs) for name in plans]
    lanes = max(1, min(ask.at_once or cpu_count(), len(jobs)))
    made = Parallel(n_jobs=lanes)(delayed(_run)(ask, name, seed, every) for name, seed in jobs)
    by_name: dict[str, list[RunSummary]] = {name: [] for name in plans}
    for (name, _), summary in zip(jobs, made, strict=True):
        by_name[name].append(summary)
    difference = None
    if CHANGED in by_name:
        difference = _figures("difference", _pairs(by_name[CHANGED], by_name[AS_IS]), ask, every)
    return Rehearsal(
        route=ask.origin.route,
        requests=round(every * np.mean([each.requests for each in by_name[AS_IS]])),
        hours=ask.hours,
        starts_at=ask.starts_at,
        seeds=ask.seeds,
        every=every,
        changes=tuple(ask.changes.words),
        runs=tuple(_figures(name, _rows(made), ask, every) for name, made in by_name.items()),
        difference=difference,
        unknown=tuple(_unknown(ask, every)),
    )


def _plans(ask: Ask) -> list[str]:
    return [AS_IS, *([CHANGED] if ask.changes.words else []), *ask.rivals]


def _every(ask: Ask) -> int:
    per_s = len(ask.traffic.asked) / max(60.0, ask.traffic.span_s)
    return max(1, round(per_s * ask.hours * HOUR_S / MOST_REQUESTS + 0.499))


def _run(ask: Ask, name: str, seed: int, every: int) -> RunSummary:
    """One of them under one seed; the world's luck and truth are the seed's, whoever runs."""
    world = _world(ask, name, seed, every)
    router = _thinned(_origin(ask, name), every).router
    contender = replace(chosen(world, [OURS])[OURS], router=router)
    return summarize(ExactEngine(world, name, contender, seed).run(), world)


def _origin(ask: Ask, name: str) -> Origin:
    """What it knows, and by which configuration it goes: a rival is another policy of the route."""
    if name == AS_IS:
        return ask.origin
    if name == CHANGED:
        return ask.origin.under(ask.changed)
    route = ask.changed.routes[ask.origin.route].model_copy(update={"policy": name})
    routes = {ask.origin.route: route}
    return ask.origin.under(ask.changed.model_copy(update={"routes": routes}))


def _thinned(origin: Origin, every: int) -> Origin:
    """Of every so many requests one is stepped, so a budget is one of so many parts too."""
    budgets = {
        name: each.model_copy(update={"usd_per_day": each.usd_per_day / every})
        for name, each in origin.settings.budgets.items()
    }
    return replace(origin, settings=origin.settings.model_copy(update={"budgets": budgets}))


def _world(ask: Ask, name: str, seed: int, every: int) -> RehearsedWorld:
    changes = Changes() if name == AS_IS else ask.changes
    origin = _origin(ask, name)
    router = origin.router(seed)
    names = origin.candidates
    quotes = _quotes(router, names, ask.starts_at, changes)
    slices = {"seed": seed, "seeds": ask.seeds}
    qualities = drawn_qualities(router, ask.traffic, names, changes, origin.route, **slices)
    begins = datetime.fromtimestamp(ask.starts_at, UTC).isoformat()
    scenario = scenario_of_rehearsal(
        ask.traffic, quotes, qualities, changes,
        begins=begins, hours=ask.hours, flagship=_dearest(quotes),
    )  # fmt: skip
    voices = {
        each: [said.quote for said in router.book.statements(each, ask.starts_at)] for each in names
    }
    return RehearsedWorld(
        scenario, seed, traffic=ask.traffic, changes=changes, quotes=quotes, voices=voices,
        lengths=drawn_lengths(ask.traffic, names, **slices), every=every,
    )  # fmt: skip


def _quotes(router: Router, names: Sequence[str], at: float, changes: Changes) -> dict[str, Quote]:
    """What bills each candidate at the start."""
    comers = {each.name: each for each in changes.newcomers}
    found = {}
    for name in names:
        quote = (
            newcomers_quote(comers[name], at) if name in comers else router.book.in_force(name, at)
        )
        if quote is None:
            raise ConfigError(
                f"the price of {name!r} is not known, so nothing can be rehearsed; state one"
            )
        found[name] = quote
    return found


def _dearest(quotes: Mapping[str, Quote]) -> str:
    return max(quotes, key=lambda name: sum(quotes[name].usd_per_mtok.values()))


Row = tuple[float, float, float, dict[str, float]]
"""(spend, success, p95 latency, shares) of one seed."""


def _rows(runs: Sequence[RunSummary]) -> list[Row]:
    return [(r.spend_usd, r.success, r.p95_latency_s, r.share_by_deployment) for r in runs]


def _pairs(changed: Sequence[RunSummary], before: Sequence[RunSummary]) -> list[Row]:
    found = []
    for (usd, success, p95, shares), (usd0, success0, p95_0, shares0) in zip(
        _rows(changed), _rows(before), strict=True
    ):
        moved = {name: shares.get(name, 0.0) - shares0.get(name, 0.0)
                 for name in {**shares0, **shares}}  # fmt: skip
        found.append((usd - usd0, success - success0, p95 - p95_0, moved))
    return found


def _figures(name: str, rows: Sequence[Row], ask: Ask, every: int) -> Figures:
    names = dict.fromkeys(key for *_, shares in rows for key in shares)
    return Figures(
        name=name,
        spend_usd=_interval([every * row[0] for row in rows], ask.seeds),
        success=_interval([row[1] for row in rows], ask.seeds),
        p95_latency_s=_interval([row[2] for row in rows], ask.seeds),
        shares={key: _interval([row[3].get(key, 0.0) for row in rows], ask.seeds) for key in names},
    )


def _interval(values: Sequence[float], seeds: int) -> Interval:
    """Of values of the seeds, and after them of the runs in which all is as believed."""
    drawn, believed = values[:seeds], values[seeds:]
    low, high = np.percentile(drawn, [LOW, HIGH])
    return Interval(
        mean=float(np.mean(drawn)),
        as_believed=float(np.mean(believed)),
        low=float(low),
        high=float(high),
    )


def _unknown(ask: Ask, every: int) -> list[str]:
    """What the figures rest on that nobody has seen."""
    traffic, origin = ask.traffic, ask.origin.under(ask.changed)
    told = []
    router = origin.router(0)
    for name in origin.candidates:
        if name not in traffic.calls:
            told.append(f"{name} was never called here: its latency and its failures are guesses")
        elif traffic.calls[name].answers < FEW:
            told.append(
                f"{name} answered {traffic.calls[name].answers} times: how long its answers are, "
                "and so what they cost, is all but a guess"
            )
        for task in traffic.tasks:
            count = traffic.judged.get((task, name), 0)
            if count < FEW:
                cell = Cell(traffic.namespace, origin.route, task)
                belief = router.beliefs.summary(cell, name)
                told.append(
                    f"{name} at {task}: {count} judged answers in this log; its success is drawn "
                    f"from {belief.low:.0%} to {belief.high:.0%}"
                )
    if every > 1:
        told.append(f"of every {every} requests one was stepped, so it learns slower than it would")
    if traffic.left_out:
        told.append(f"{traffic.left_out} requests of other namespaces are not in it")
    if ask.changed.caps:
        named = ", ".join(ask.changed.caps)
        told.append(f"caps ({named}) are not reckoned: what they would refuse is asked and paid")
    told.append(
        "quality that changes silently, new kinds of request, other routes' spend and what the "
        "budgets of keys refuse"
    )
    return told
