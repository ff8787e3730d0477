"""Random worlds: cost per success at an equal quality floor, against every rival.

    python -m tests.benchmarks.bandit_worlds [WORLDS]
    python -m tests.benchmarks.bandit_worlds bounds [WORLDS]

2 to 12 arms, 1 to 6 tasks, prices over 500x; half the worlds with price shocks, half with drift
of quality, feedback up to 500 requests late and up to 70 % missing. Writes its table and the
worst worlds into docs/routing_measured.md. `bounds` tells what the same rule reaches that begins
with the truth of the first period, known as well as by so many rewards of every deployment at every
task: what is missing there lies in drift, luck and how rivals are chosen; the rest learning costs.
"""

from __future__ import annotations

import heapq
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.policies import baselines as policies
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Policy
from windsock.core.policies.views import CellView
from windsock.core.routing.sampling import uniform

REQUESTS = 4000
REFRESH = 20
WORKERS = 2
SLACK = 0.02
"""A policy holds the floor if no task's mean success is further below it than this."""

TIE = 1.02
"""Costs per success within 2 % are equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """success (periods, tasks, arms) and usd (periods, arms) change from period to period."""

    seed: int
    success: FloatArray
    usd: FloatArray
    floor: float
    delay: int
    missing: float
    traits: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"p/{k}" for k in range(self.usd.shape[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Means over all requests; least is the mean success of the worst task."""

    success: float
    least: float
    usd: float

    @property
    def usd_per_success(self) -> float:
        return self.usd / max(self.success, 1e-9)


def world(seed: int) -> World:
    rng = np.random.default_rng(seed)
    arms, tasks, periods = int(rng.integers(2, 13)), int(rng.integers(1, 7)), 4
    skill = np.sort(rng.beta(6, 2, arms))
    usd = 1e-5 * np.exp(np.sort(rng.uniform(0, np.log(500), arms)) + 0.3 * rng.normal(size=arms))
    task = 0.08 * rng.normal(size=(tasks, 1)) + 0.04 * rng.normal(size=(tasks, arms))
    success = np.clip(skill + task, 0.05, 0.985)[None].repeat(periods, axis=0)
    price = usd[None].repeat(periods, axis=0)
    traits = []
    if rng.random() < 0.5:
        traits.append("price shocks")
        for period in range(1, periods):
            price[period:, rng.integers(arms)] *= np.exp(rng.normal(0, 1.2))
    if rng.random() < 0.5:
        traits.append("drift")
        for period in range(1, periods):
            arm = rng.integers(arms)
            success[period:, :, arm] = np.clip(
                success[period:, :, arm] - rng.normal(0.05, 0.1), 0.05, 0.985
            )
    delay = int(rng.integers(0, 501)) if rng.random() < 0.5 else 0
    missing = float(rng.uniform(0, 0.7)) if rng.random() < 0.5 else 0.0
    traits += [f"delay {delay}"] * bool(delay) + [f"{missing:.0%} missing"] * bool(missing)
    floor = float(success.max(axis=2).min() - rng.uniform(0.02, 0.15))
    return World(
        seed=seed,
        success=success,
        usd=price,
        floor=max(0.05, floor),
        delay=delay,
        missing=missing,
        traits=tuple(traits),
    )


def rivals(at: World) -> dict[str, Callable[[Beliefs], Policy]]:
    names = at.names
    value = 20 * float(np.median(at.usd[0]))
    by_price = np.argsort(at.usd[0])
    return {
        "fixed flagship": lambda _: policies.Fixed(names[by_price[-1]]),
        "fixed middle": lambda _: policies.Fixed(names[by_price[len(names) // 2]]),
        "cheapest": lambda _: policies.Cheapest(),
        "round robin": lambda _: policies.RoundRobin(),
        "inverse-square price": lambda _: policies.InverseSquarePrice(),
        "epsilon-greedy": lambda b: policies.EpsilonGreedy(b, usd_per_success=value),
        "plain Thompson": lambda b: policies.PlainThompson(b),
        "success / cost": lambda b: policies.SuccessPerCost(b),
    }


def play(at: World, make: Callable[[Beliefs], Policy], known: float = 0.0) -> Score:
    """All requests of a world under one policy; the weather is the same for every policy.

    known   rewards of every deployment at every task that it begins with, as they are in truth
    """
    weather = np.random.default_rng(at.seed + 1)
    periods, tasks, _ = at.success.shape
    of = weather.integers(tasks, size=REQUESTS)
    luck = weather.random((REQUESTS, 3))
    beliefs = Beliefs(BeliefSettings(half_life_s=4.0 * REQUESTS))
    for (task, arm), rate in np.ndenumerate(at.success[0]) if known else ():
        cell, right = Cell("default", "auto", f"task {task}"), known * float(rate)
        beliefs.observe_sums(cell, at.names[arm], known, right, right, now=0.0)
    policy = make(beliefs)
    late: list[tuple[float, int, Cell, str, float]] = []
    earned, spent = np.zeros(tasks), 0.0
    weights: dict[int, tuple[float, ...]] = {}
    request = RouteRequest(model="auto")
    for i in range(REQUESTS):
        period = i * periods // REQUESTS
        views = {}
        if i % REFRESH == 0 or period != (i - 1) * periods // REQUESTS:
            views = {g: _view(at, period, g) for g in range(tasks)}
            policy.refresh(list(views.values()), float(i))
            weights = {g: policy.weigh(view, float(i)).weights for g, view in views.items()}
        task = int(of[i])
        mine = weights[task]
        if policy.is_contextual:
            mine = policy.weigh(_view(at, period, task), float(i), request).weights
        arm = _draw(mine, uniform(at.seed, i, 0))
        hit = float(luck[i, 0] < at.success[period, task, arm])
        earned[task] += at.success[period, task, arm]
        spent += at.usd[period, arm]
        if isinstance(policy, PriceAware):
            policy.served.observe(Cell("default", "auto", f"task {task}"), at.names[arm])
        if luck[i, 1] >= at.missing:
            due = i + at.delay * float(luck[i, 2])
            cell = Cell("default", "auto", f"task {task}")
            heapq.heappush(late, (due, i, cell, at.names[arm], hit))
        while late and late[0][0] <= i:
            due, _, cell, name, value = heapq.heappop(late)
            beliefs.observe(cell, name, value, now=due)
    counts = np.bincount(of, minlength=tasks)
    return Score(
        success=float(earned.sum()) / REQUESTS,
        least=float((earned / counts).min()),
        usd=spent / REQUESTS,
    )


def _view(at: World, period: int, task: int) -> CellView:
    return CellView(
        cell=Cell("default", "auto", f"task {task}"),
        deployments=at.names,
        usd=tuple(at.usd[period].tolist()),
        share=1.0 / at.success.shape[1],
    )


def _draw(weights: Sequence[float], mark: float) -> int:
    for arm, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return arm
    return len(weights) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    world: World
    ours: Score
    others: dict[str, Score]

    @property
    def best_rival(self) -> tuple[str, Score] | None:
        """The cheapest per success of those who hold the floor."""
        fit = {n: s for n, s in self.others.items() if s.least >= self.world.floor - SLACK}
        return min(fit.items(), key=lambda pair: pair[1].usd_per_success) if fit else None

    def holds(self, score: Score) -> bool:
        return score.least >= self.world.floor - SLACK

    def is_no_worse_than(self, rival: Score) -> bool:
        """We hold the floor, for no more than TIE times what the rival pays for a success."""
        return self.holds(self.ours) and (self.ours.usd_per_success <= TIE * rival.usd_per_success)

    @property
    def missed(self) -> float:
        """By how much the worst task fell below the floor."""
        return self.world.floor - self.ours.least

    @property
    def is_floor_missed(self) -> bool:
        return not self.holds(self.ours)

    @property
    def cause(self) -> str:
        """What a loss comes down to."""
        if self.best_rival is None or self.is_no_worse_than(self.best_rival[1]):
            return "no loss"
        rewards = REQUESTS * (1 - self.world.missing) / self.world.success[0].size
        few = f", {rewards:.0f} rewards a cell in all" if rewards < 100 else ""
        if self.is_floor_missed:
            return f"the floor missed by {self.missed:.3f}{few}"
        return f"what learning cost{few}"

    @property
    def ratio(self) -> float:
        """Our cost per success over the best rival's; inf if only we miss the floor."""
        rival = self.best_rival
        if rival is None:
            return 0.0
        if self.is_floor_missed:
            return float("inf")
        return self.ours.usd_per_success / rival[1].usd_per_success


def match(seed: int) -> Match:
    at = world(seed)
    objective = Objective(kind="cost_per_success", quality_floor=at.floor)
    return Match(
        world=at,
        ours=play(at, lambda beliefs: PriceAware(beliefs, objective)),
        others={name: play(at, make) for name, make in rivals(at).items()},
    )


KNOWN = (0.0, 30.0, 300.0)


def informed(seed: int) -> list[Match]:
    """Of one world, by KNOWN: this rule beside rivals that are told nothing."""
    at = world(seed)
    objective = Objective(kind="cost_per_success", quality_floor=at.floor)
    others = {name: play(at, make) for name, make in rivals(at).items()}
    told = (play(at, lambda beliefs: PriceAware(beliefs, objective), known) for known in KNOWN)
    return [Match(world=at, ours=score, others=others) for score in told]


def bounds(count: int) -> None:
    """What is reached by who begins with the truth, in the first worlds."""
    with multiprocessing.get_context("spawn").Pool(WORKERS, os.nice, (15,)) as pool:
        found = pool.map(informed, range(count), chunksize=1)
    text = f"{informed_table(found)}\n\n{count} worlds."
    print(text)
    write_between(DOCS / "routing_measured.md", "worlds-bounds", text)


def informed_table(found: Sequence[Sequence[Match]]) -> str:
    """A row for each of KNOWN, over worlds."""
    usd = np.array([[each.ours.usd_per_success for each in row] for row in found])
    cost = np.median(usd / usd[:, :1], axis=0)
    rows = []
    for i, known in enumerate(KNOWN):
        held = np.mean([not row[i].is_floor_missed for row in found])
        wins = np.mean([row[i].ratio <= TIE for row in found])
        rows.append([f"{known:.0f}", f"{held:.0%}", f"{wins:.0%}", f"{cost[i]:.2f}"])
    head = [
        "rewards a cell at the start",
        "the floor held",
        "no worse than the best rival",
        "cost per success, median ratio",
    ]
    return markdown(head, rows)


def main() -> None:
    if sys.argv[1:2] == ["bounds"]:
        bounds(int(sys.argv[2]) if len(sys.argv) > 2 else 100)
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    begun, matches = time.perf_counter(), []
    with multiprocessing.get_context("spawn").Pool(WORKERS, os.nice, (15,)) as pool:
        for each in pool.imap_unordered(match, range(count), chunksize=4):
            matches.append(each)
            if len(matches) % 20 == 0:
                print(headline(matches), flush=True)
    minutes = (time.perf_counter() - begun) / 60
    lost = [each for each in matches if each.ratio > TIE]
    missed = sorted((each for each in lost if each.is_floor_missed), key=lambda each: -each.missed)
    dear = sorted((each for each in lost if not each.is_floor_missed), key=lambda each: -each.ratio)
    causes = (
        f"Lost by a missed floor {len(missed)}, by cost {len(dear)}: half of these by less than "
        f"{np.median([each.ratio for each in dear]) if dear else 1.0:.2f} times. The worst of both:"
    )
    head = ["world", "traits", "floor", "windsock, worst task", "best rival", "ratio", "cause"]
    text = "\n\n".join(
        [
            headline(matches),
            markdown(["against", "held the floor", "windsock no worse"], alone(matches)),
            causes,
            markdown(head, [_row(each) for each in (*missed[:6], *dear[:6])]),
        ]
    )
    text += f"\n\n{minutes:.0f} minutes with {WORKERS} processes."
    print(text)
    write_between(DOCS / "routing_measured.md", "worlds", text)


def headline(matches: Sequence[Match]) -> str:
    ratios = np.array([each.ratio for each in matches])
    held = np.mean([not each.is_floor_missed for each in matches])
    wins = (ratios <= TIE).mean()
    median = np.median(ratios[ratios > 0]) if (ratios > 0).any() else float("nan")
    return (
        f"{len(matches)} worlds: no worse than the best rival that holds the floor in {wins:.1%} "
        f"(bar 95 %); the floor held in {held:.1%}, by no rival in {(ratios == 0).mean():.1%}; "
        f"median ratio of cost per success elsewhere {median:.2f}."
    )


def alone(matches: Sequence[Match]) -> list[list[str]]:
    """Each rival by itself, in the worlds where it holds the floor: not chosen in hindsight."""
    rows = []
    for name in matches[0].others:
        held = [each for each in matches if each.holds(each.others[name])]
        wins = sum(each.is_no_worse_than(each.others[name]) for each in held)
        share = f"{wins / len(held):.1%}" if held else "-"
        rows.append([name, f"{len(held) / len(matches):.1%}", share])
    return rows


def _row(each: Match) -> list[str]:
    name, rival = each.best_rival or ("none", each.ours)
    at = each.world
    size = f"{at.usd.shape[1]} arms, {at.success.shape[1]} tasks"
    return [
        str(at.seed),
        ", ".join([size, *at.traits]),
        f"{at.floor:.3f}",
        f"{each.ours.least:.3f} at ${each.ours.usd_per_success:.2e}",
        f"{name}: {rival.least:.3f} at ${rival.usd_per_success:.2e}",
        f"{each.ratio:.2f}",
        each.cause,
    ]


if __name__ == "__main__":
    main()
