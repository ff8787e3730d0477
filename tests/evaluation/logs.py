"""Logs as the service writes them, of a simulated world whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from windsock.cli.evaluate import reconsidered
from windsock.config.file import parse
from windsock.core.model.rewards import Feedback
from windsock.core.model.units import cost_usd
from windsock.evaluation.counterfactual import Reconsidered
from windsock.evaluation.repricing import repriced
from windsock.simulation.engines.contenders import Contender, chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.prompt_caches import usage_of
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import SimulatedRequest
from windsock.simulation.world.world import World
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

WARM_S = 1800.0
"""From here on a run under windsock is looked at."""

QUALITY = (
    {"sentiment": 0.96, "sql": 0.94},
    {"sentiment": 0.93, "sql": 0.70},
    {"sentiment": 0.95, "sql": 0.82},
)


class LoggingDriver(ExactEngine):
    """Keeps what the service's ledger would have been given, in the order of its appends."""

    def __init__(self, world: World, contender: Contender, seed: int) -> None:
        super().__init__(world, "logged", contender, seed)
        self.entries: list[Any] = []
        absorb, learn = self.router.absorb, self.router.learn

        def absorb_and_keep(tick, now):
            before = self.router.book.in_force(tick.deployment, now)
            shifts = absorb(tick, now)
            after = self.router.book.in_force(tick.deployment, now)
            if after is not None and after is not before:
                self.entries.append(after)
            return shifts

        def learn_and_keep(decision, deployment, reward, now, **facts):
            credit = learn(decision, deployment, reward, now, **facts)
            self.entries.append(
                Feedback(decision_id=decision.id, reward=reward, at=now, weight=credit.said)
            )
            return credit

        self.router.absorb, self.router.learn = absorb_and_keep, learn_and_keep

    def step(self, ask: SimulatedRequest):
        outcome = super().step(ask)
        self.entries += self.router.tables.drain()
        self.entries.append(outcome)
        return outcome


def written(driver: LoggingDriver, url: str) -> Engine:
    """A ledger with everything that the driver kept."""
    engine = open_engine(url)
    upgrade_engine(engine)
    ledger = Ledger(engine, flush_s=0.01)
    ledger.open()
    for entry in driver.entries:
        ledger.append(entry)
    ledger.close(patience_s=60)
    assert ledger.stats().dropped == 0
    return engine


def small(**facts: Any) -> Scenario:
    """Two tasks, three deployments, three of four answers judged; weights solved now and then."""
    body = {
        "title": "a log to evaluate",
        "seed": 7,
        "hours": 6,
        "requests_per_hour": 500,
        "feedback_share": 0.75,
        "feedback_delay_s": 60,
        "refresh_s": 900,
        "route": {"quality_floor": 0.80, "explore": 0.10},
        "rivals": {"flagship": "openai/gpt-4o", "otherwise": "openai/gpt-4o"},
        "tasks": {
            "sentiment": {"share": 3, "prompt_tokens": 220, "output_tokens": 20},
            "sql": {"share": 2, "prompt_tokens": 700, "output_tokens": 180},
        },
        "deployments": {
            "openai/gpt-4o": {"input": 2.5, "output": 10, "quality": QUALITY[0]},
            "openai/gpt-4o-mini": {"input": 0.15, "output": 0.6, "quality": QUALITY[1]},
            "deepseek/deepseek-chat": {"input": 0.28, "output": 0.42, "quality": QUALITY[2]},
        },
    }
    return Scenario.model_validate({**body, **facts})


def policy_toml(
    scenario: Scenario, *, floor: float, explore: float = 0.05, names: tuple[str, ...] = ()
) -> str:
    """A configuration with one route over these deployments, or all of the scenario."""
    quoted = ", ".join(f'"{name}"' for name in names or scenario.deployments)
    return f"[routes.auto]\ncandidates = [{quoted}]\nquality_floor = {floor}\nexplore = {explore}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Means per request of what the reconsidered decisions would truly have come to."""

    success: float
    usd: float


def truth_of(found: Reconsidered, world: World) -> Truth:
    """From the true qualities, and the true cost of each very request, under the new weights."""
    asks = world.asks
    success = usd = 0.0
    for row in found.rows:
        ask = asks[row.decision.number]
        used = usage_of(world.scenario.tasks[ask.task], ask.prompt_tokens, ask.output_tokens)
        for name, weight in zip(row.arms, row.weights, strict=True):
            success += weight * world.quality(name, ask.task, ask.at)
            usd += weight * float(cost_usd(used.counts(), world.prices(name, ask.at)))
    return Truth(success=success / len(found.rows), usd=usd / len(found.rows))


def logged(world: World, folder: Path, contender: Contender | None = None) -> Engine:
    """A store with the log of a whole run under windsock, or another policy."""
    driver = LoggingDriver(world, contender or chosen(world, ["windsock"])["windsock"], world.seed)
    driver.run()
    return written(driver, f"sqlite:///{folder}/log-{world.seed}.db")


def reconsider(
    world: World,
    engine: Engine,
    *,
    floor: float,
    explore: float = 0.05,
    prices: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
    from_s: float = 0.0,
) -> Reconsidered:
    """The log under another floor, other prices or other candidates, `from_s` into it."""
    text = policy_toml(world.scenario, floor=floor, explore=explore, names=names)
    return reconsidered(
        parse(text, {}, source="new"),
        engine,
        since=world.starts_at + from_s,
        prices=repriced(prices),
        fresh_s=900,
    )


def truly_run(scenario: Scenario, seed: int) -> Truth:
    """The same means of windsock itself, really run, from `WARM_S` on."""
    world = World(scenario, seed)
    run = ExactEngine(world, "windsock", chosen(world, ["windsock"])["windsock"], seed).run()
    success = usd = 0.0
    late = [pair for pair in zip(world.asks, run.steps, strict=True)
            if pair[0].at >= world.starts_at + WARM_S]  # fmt: skip
    for ask, step in late:
        used = usage_of(scenario.tasks[ask.task], ask.prompt_tokens, ask.output_tokens)
        for name, weight in step.weights.items():
            success += weight * world.quality(name, ask.task, ask.at)
            usd += weight * float(cost_usd(used.counts(), world.prices(name, ask.at)))
    return Truth(success=success / len(late), usd=usd / len(late))


def dearer(scenario: Scenario, name: str, factor: float) -> Scenario:
    """The scenario with one deployment's prices multiplied from the start."""
    place = scenario.deployments[name]
    raised = place.model_copy(
        update={"input": place.input * factor, "output": place.output * factor}
    )
    return scenario.model_copy(update={"deployments": {**scenario.deployments, name: raised}})
