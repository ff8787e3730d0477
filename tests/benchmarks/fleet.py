"""A fleet of replicas over lost and late messages and partitions, against one that sees all.

    python -m tests.benchmarks.fleet                 # as simulations/fleet/fleet.toml has it
    python -m tests.benchmarks.fleet --replicas 12

The replicas are those of production (`Replica`, `Outbox`, `Seen`); only the network is made up.
Printed is how far the weights of the replicas are from those of one that saw every outcome when
it happened, in points: the mean over replicas, and the worst.
"""

from __future__ import annotations

import heapq
import itertools
import json
import sys
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.replicas.deltas import Delta
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router

FLEET = Path(__file__).parents[2] / "simulations" / "fleet" / "fleet.toml"
CELL = Cell("default", "auto", "chat")
NAMES = (CHEAP, MID, FLAGSHIP)


def declared() -> dict[str, Any]:
    return tomllib.loads(FLEET.read_text())


def new_router(half_life_s: float) -> Router:
    """Its task is judged, so that mere answers say nothing; it looks for no changes itself."""
    made = router(objective=Objective(kind="value", usd_per_success=0.02))
    made.beliefs.settings = replace(made.beliefs.settings, half_life_s=half_life_s)
    made.learner.count_judgement(CELL, 100.0)
    made.beliefs.quality.is_judge = False
    return made


@dataclass
class Fleet:
    """The replicas, the one that sees all, and the messages under way."""

    facts: dict[str, Any]
    chance: Random = field(init=False)
    replicas: list[Replica] = field(init=False)
    alone: Router = field(init=False)
    lost: int = 0
    sent: int = 0
    repaired: int = 0
    _way: list[tuple[float, int, int, str]] = field(default_factory=list)
    _tie: itertools.count[int] = field(default_factory=itertools.count)
    _template: Outcome = field(init=False)

    def __post_init__(self) -> None:
        self.chance = Random(self.facts["seed"])
        half_life_s = self.facts["half_life_s"]
        self.alone = new_router(half_life_s)
        self.replicas = [
            Replica(new_router(half_life_s), f"r{number}")
            for number in range(self.facts["replicas"])
        ]
        exchange = new_router(half_life_s).open(request(task="chat"), START)
        exchange.report(answered(exchange.next_attempt(START)), START)
        self._template = exchange.outcome(START)

    def step(self, second: int) -> None:
        """Outcomes of a second, what is told of them, and what arrives."""
        for number in range(self.facts["outcomes_per_s"]):
            self._happen(second, number)
        now = float(second + 1)
        for number, each in enumerate(self.replicas):
            delta = each.cut(START + now)
            if delta is not None:
                self._send_all(number, delta, now)
        if now % self.facts["messages"]["repair_every_s"] == 0:
            self.repair(now)
        self.arrive(now)

    def repair(self, now: float) -> None:
        """Everybody reads what it lacks of those whom it hears, as from one database."""
        for number, each in enumerate(self.replicas):
            for other, sender in enumerate(self.replicas):
                if self._hears(number, other, now):
                    for delta in sender.outbox.lacking(each.seen):
                        self.repaired += each.absorb(delta, START + now)

    def repair_all(self, now: float) -> None:
        """All is heard."""
        self._way.clear()
        for each in self.replicas:
            for other in self.replicas:
                for delta in other.outbox.lacking(each.seen):
                    self.repaired += each.absorb(delta, START + now)

    def arrive(self, now: float) -> None:
        """What has arrived by now."""
        while self._way and self._way[0][0] <= now:
            at, _, to, told = heapq.heappop(self._way)
            self.replicas[to].absorb(Delta.from_state(json.loads(told)), START + at)

    def points(self, now: float) -> tuple[float, float]:
        """(mean, worst) over replicas of the largest difference of a weight, in points."""
        right = weights(self.alone, now)
        found = [
            100 * max(abs(mine[name] - right[name]) for name in NAMES)
            for mine in (weights(each.router, now) for each in self.replicas)
        ]
        return sum(found) / len(found), max(found)

    def difference(self) -> float:
        """The largest difference of a sum of any replica, relative, as of one moment."""
        right = sums(self.alone)
        return max(
            abs(value - right[name]) / max(1.0, abs(right[name]))
            for each in self.replicas
            for name, value in sums(each.router).items()
        )

    def _happen(self, second: int, number: int) -> None:
        name = self.chance.choice(NAMES)
        before, after = self.facts["success"][name]
        mean = before if second < self.facts["seconds"] / 2 else after
        value = float(self.chance.random() < mean)
        at = START + second + number / self.facts["outcomes_per_s"]
        happening = self._outcome(name, f"d{second}.{number}")
        for it in (self.chance.choice(self.replicas).router, self.alone):
            it.learn_outcome(happening, at)
            it.learn(happening.decision, name, Reward(value=value), at + 0.5)

    def _outcome(self, name: str, decision_id: str) -> Outcome:
        whole = self._template
        decision = replace(whole.decision, cell=CELL, deployment=name, id=decision_id)
        attempt = replace(whole.results[0].attempt, deployment=name)
        result = replace(whole.results[0], attempt=attempt)
        return replace(whole, decision=decision, served=name, results=(result,))

    def _send_all(self, sender: int, delta: Delta, now: float) -> None:
        told, messages = json.dumps(delta.to_state()), self.facts["messages"]
        for to in range(len(self.replicas)):
            self.sent += 1
            is_lost = self.chance.random() < messages["lost_share"]
            if to == sender or is_lost or not self._hears(sender, to, now):
                self.lost += to != sender
                continue
            at = now + self.chance.expovariate(1 / messages["delay_s"])
            heapq.heappush(self._way, (at, next(self._tie), to, told))

    def _hears(self, one: int, other: int, now: float) -> bool:
        """Whether no partition stands between the two."""
        return one != other and all(
            one % each["groups"] == other % each["groups"]
            for each in self.facts["partitions"]
            if each["from"] <= now < each["until"]
        )


def weights(it: Router, now: float) -> dict[str, float]:
    """Of the route's next request."""
    it.tables.forget()
    table = it.open(request(task="chat"), START + now).table
    return dict(zip(table.deployments, table.weights, strict=True))


def sums(it: Router) -> dict[str, float]:
    """Rewards and use by deployment, faded to one moment."""
    at, half_life_s = START + 10_000.0, it.beliefs.settings.half_life_s
    found = {}
    for group in it.beliefs.to_state()["groups"]:
        for task, name, *values, then, requests, used_at, _ in group["rows"]:
            for part, value in zip(("count", "total", "squares"), values, strict=True):
                found[f"{task} {name} {part}"] = value * 2.0 ** ((then - at) / half_life_s)
            if requests:
                left = 2.0 ** ((used_at - at) / half_life_s)
                found[f"{task} {name} used"] = requests * left
    return found


def run(facts: dict[str, Any], *, is_told: bool = True) -> Fleet:
    """The fleet after its time, all of it heard."""
    fleet = Fleet(facts)
    for second in range(facts["seconds"]):
        fleet.step(second)
        if is_told and second % 2:
            mean, worst = fleet.points(second + 1)
            apart = any(p["from"] <= second + 1 < p["until"] for p in facts["partitions"])
            print(f"{second + 1:>4} s  mean {mean:6.2f}  worst {worst:6.2f}"
                  f"{'  apart' if apart else ''}", flush=True)  # fmt: skip
    fleet.repair_all(float(facts["seconds"]))
    return fleet


def main() -> None:
    facts = declared()
    if "--replicas" in sys.argv:
        facts["replicas"] = int(sys.argv[sys.argv.index("--replicas") + 1])
    fleet = run(facts)
    mean, worst = fleet.points(float(facts["seconds"]))
    print(f"all heard: weights differ by {mean:.1e} points on average, {worst:.1e} at worst; "
          f"sums by {fleet.difference():.1e}")  # fmt: skip
    print(f"{fleet.sent} messages, {fleet.lost} lost or kept apart, {fleet.repaired} sent again")


if __name__ == "__main__":
    main()
