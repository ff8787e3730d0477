"""What would happen: the service as it is, with the changes, and rivals, on the same luck."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil

import numpy as np

from windsock.config.settings import Settings
from windsock.core.model.ticks import Quote
from windsock.core.routing.router import Router
from windsock.errors import ConfigError
from windsock.rehearsal.changes import Changes
from windsock.rehearsal.drawn_truth import drawn_lengths, drawn_qualities
from windsock.rehearsal.figures import Figures, Row, differences_of, figures_of, rows_of
from windsock.rehearsal.logged_traffic import LoggedTraffic
from windsock.rehearsal.origin import Origin
from windsock.rehearsal.rehearsed_world import (
    RehearsedWorld,
    newcomers_quote,
    scenario_of_rehearsal,
)
from windsock.rehearsal.unknowns import unknowns_of
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.results.measures import RunSummary, summarize
from windsock.simulation.world.traffic import HOUR_S

AS_IS, CHANGED = "as it is", "changed"
OURS = "windsock"

MOST_REQUESTS = 60_000
"""Requests of a run that are stepped; of more, every second, third ... one."""

APART = 3
"""Seeds for each run in which what nobody knows is as believed, and only luck is drawn."""


Told = Callable[[int, int], object]
"""(runs ended, runs in all), from the start on."""


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


def rehearse(ask: Ask, tell: Told = lambda ended, runs: None) -> Rehearsal:
    """Run everything under every seed; raises ConfigError where a price is not known."""
    every = _every(ask)
    runs = _runs(ask, every, tell)
    before, changed = runs[AS_IS], runs.get(CHANGED)

    def figures(name: str, rows: Sequence[Row]) -> Figures:
        return figures_of(name, rows, seeds=ask.seeds, every=every)

    return Rehearsal(
        route=ask.origin.route,
        requests=round(every * np.mean([each.requests for each in before])),
        hours=ask.hours,
        starts_at=ask.starts_at,
        seeds=ask.seeds,
        every=every,
        changes=tuple(ask.changes.words),
        runs=tuple(figures(name, rows_of(made)) for name, made in runs.items()),
        difference=figures("difference", differences_of(changed, before)) if changed else None,
        unknown=tuple(unknowns_of(ask.traffic, ask.origin.under(ask.changed), ask.changed, every)),
    )


def _runs(ask: Ask, every: int, tell: Told) -> dict[str, list[RunSummary]]:
    """By plan: one of each seed, and after them those in which all is as believed."""
    from joblib import Parallel, cpu_count, delayed

    seeds = range(ask.seeds + ceil(ask.seeds / APART))
    jobs = [(name, seed) for seed in seeds for name in _plans(ask)]
    lanes = max(1, min(ask.at_once or cpu_count(), len(jobs)))
    parallel = Parallel(n_jobs=lanes, return_as="generator")
    made = parallel(delayed(_run)(ask, name, seed, every) for name, seed in jobs)
    found: dict[str, list[RunSummary]] = {name: [] for name in _plans(ask)}
    tell(0, len(jobs))
    for ended, ((name, _), summary) in enumerate(zip(jobs, made, strict=True), 1):
        found[name].append(summary)
        tell(ended, len(jobs))
    return found


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
        ask.traffic,
        quotes,
        qualities,
        begins=begins,
        hours=ask.hours,
        flagship=_dearest(quotes),
    )
    voices = {
        each: [said.quote for said in router.book.statements(each, ask.starts_at)] for each in names
    }
    return RehearsedWorld(
        scenario,
        seed,
        traffic=ask.traffic,
        changes=changes,
        quotes=quotes,
        voices=voices,
        lengths=drawn_lengths(ask.traffic, names, **slices),
        every=every,
    )


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
