"""What must move no weight: the order of candidates, the unit of money, one more that has no price,
when all of it was, what tasks are called, and whoever looks on."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.builders import START, answered, deployment, failed, quote, request, router
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import Aims, what_if
from windsock.errors import BudgetSpent

NAMES = (
    "ada/kestrel",
    "bob/walrus",
    "cy/onyx",
    "dora/tundra",
    "eve/maple",
    "finn/quartz",
    "gus/saffron",
)
WEEK_S = 7 * 86400.0
WORLDS = (0, 1, 2, 3, 4, 12, 27)
Weights = dict[str, dict[str, float]]
"""By task and deployment."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Some candidates with their prices, tasks, an objective, and what was learnt of them."""

    usd: Mapping[str, float]
    tasks: tuple[str, ...]
    aim: Mapping[str, Any]
    events: tuple[tuple[str, str, str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Told:
    """The same world, told another way."""

    order: Callable[[list[str]], list[str]] = list
    unit: float = 1.0
    later_s: float = 0.0
    unpriced: tuple[str, ...] = ()
    called: Mapping[str, str] = field(default_factory=dict)


def world(seed: int) -> World:
    """Made up; every third has two candidates of one price."""
    luck = random.Random(seed)
    names = luck.sample(NAMES, luck.randint(2, len(NAMES)))
    usd = {name: round(10 ** luck.uniform(-1.0, 1.0), 4) for name in names}
    if seed % 3 == 0:
        usd[names[0]] = usd[names[-1]]
    tasks = tuple("tuvw"[: luck.randint(1, 4)])
    kinds: list[dict[str, Any]] = [
        {"kind": "value", "usd_per_success": 10 ** luck.uniform(-4, -1)},
        {"kind": "quality", "quality": luck.choice(["economy", "balanced", "high", "max"])},
        {"kind": "cost_per_success", "quality_floor": luck.uniform(0.4, 0.97)},
        {"kind": "quality_floor", "route_quality_floor": luck.uniform(0.4, 0.97)},
        {"kind": "budget", "usd_per_request": 10 ** luck.uniform(-4, -2)},
    ]
    aim = kinds[seed % len(kinds)] | {"explore": luck.choice([0.0, 0.02])}
    if luck.random() < 0.4:
        aim["incumbent"] = luck.choice(names)
    events = tuple(
        (luck.choice(tasks), luck.choice(names), luck.choice(["rewards", "answers"]), luck.random())
        for _ in range(luck.randint(0, 30))
    )
    return World(usd=usd, tasks=tasks, aim=aim, events=events)


def lived(it: World, told: Told) -> Weights:
    """The weights of every task after all that happened."""
    money = {name: it.aim[name] * told.unit for name in it.aim if name.startswith("usd_")}
    names = [*told.order(list(it.usd)), *told.unpriced]
    wind = router(
        prices={}, deployments=tuple(map(deployment, names)), objective=Objective(**it.aim | money)
    )
    now = START + told.later_s
    for name in told.order(list(it.usd)):
        wind.absorb(quote(name, usd=it.usd[name] * told.unit, seen_at=now), now)
    for number, (task, name, what, luck) in enumerate(it.events):
        cell = Cell("default", "auto", told.called.get(task, task))
        count = 1 + int(20 * luck)
        if what == "rewards":
            right = round(count * luck)
            wind.learn_sums(cell, name, count, right, right, now + number)
        else:
            wind.observe_answers(cell, name, count, now + number)
    tables = {
        task: wind.table("default", "auto", told.called.get(task, task), now + 100.0)
        for task in it.tasks
    }
    return {task: dict(zip(t.deployments, t.weights, strict=True)) for task, t in tables.items()}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(order=lambda names: names[::-1]), id="candidates the other way round"),
        pytest.param(Told(unit=1.7), id="money in another unit"),
        pytest.param(Told(later_s=52 * WEEK_S), id="a year of weeks later"),
        pytest.param(Told(unpriced=("zoe/plinth",)), id="one more, without a price"),
        pytest.param(Told(called={"t": "z", "u": "a", "v": "k"}), id="tasks by other names"),
    ],
)
def test_what_is_told_another_way_is_weighed_the_same(told: Told) -> None:
    for seed in WORLDS:
        it = world(seed)
        plain, other = lived(it, Told()), lived(it, told)
        for task in it.tasks:
            assert other[task] == pytest.approx(plain[task], abs=1e-6), (seed, task)


def look(wind: Router, luck: random.Random, it: World, now: float) -> None:
    """One of those that anybody may ask for at any time."""
    task, name = luck.choice([*it.tasks, "never-seen"]), luck.choice(list(it.usd))
    match luck.randrange(5):
        case 0:
            wind.table("default", "auto", task, now, prompt_tokens=luck.choice([0, 100, 9000]))
        case 1:
            wind.ladder(Cell("default", "auto", task), now)
        case 2:
            what_if(wind, "default", "auto", task, {name: {"input": 3.0, "output": 3.0}}, now)
        case 3:
            what_if(wind, "default", "auto", task, {}, now, Aims(quality_floor=luck.random()))
        case 4:
            wind.to_state()


def used(it: World, seed: int, *, looks: bool) -> list[Any]:
    """What every request was drawn from, and all that is known at the end."""
    wind = router(
        prices={}, deployments=tuple(map(deployment, it.usd)), objective=Objective(**it.aim)
    )
    luck, onlooker, now = random.Random(seed), random.Random(seed), START
    for name, usd in it.usd.items():
        wind.absorb(quote(name, usd=usd, seen_at=now), now)
    trail: list[Any] = []
    for _ in range(40):
        now += luck.choice([0.1, 1.0, 20.0, 300.0])
        task, tokens = luck.choice(it.tasks), luck.choice([50, 500, 20_000])
        for _ in range(onlooker.randrange(4) if looks else 0):
            look(wind, onlooker, it, now)
        try:
            exchange = wind.open(request(task=task, prompt_tokens=tokens), now)
        except BudgetSpent:
            trail.append("spent")
            continue
        trail.append((exchange.decision.deployment, exchange.table.weights))
        while (attempt := exchange.next_attempt(now)) is not None:
            usage = Usage(input_tokens=tokens, output_tokens=luck.choice([10, 2000]))
            is_answer = luck.random() > 0.1
            exchange.report(answered(attempt, usage=usage) if is_answer else failed(attempt), now)
        outcome = exchange.outcome(now)
        if outcome.served and luck.random() < 0.6:
            reward = Reward(value=float(luck.random() < 0.7), key_id=luck.choice("abc"))
            wind.learn(outcome.decision, outcome.served, reward, now + 1)
    return [*trail, wind.to_state()]


@pytest.mark.parametrize("seed", [0, 1, 4, 12, 27])
def test_whoever_looks_on_changes_no_draw_and_nothing_that_is_learnt(seed: int) -> None:
    it = world(seed)
    assert used(it, seed, looks=True) == used(it, seed, looks=False)
