"""A world that past outcomes remember: its prompts, and what each deployment answered to them."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from windsock.core.model.calls import Attempt, CallResult
from windsock.core.model.units import Usage, cost_usd, to_float
from windsock.errors import ConfigError
from windsock.simulation.world import traffic
from windsock.simulation.world.conditions import DeploymentTruth, Task
from windsock.simulation.world.outcome_table import OutcomeTable
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import SimulatedRequest
from windsock.simulation.world.world import World

MOST_REQUESTS = 5_000_000
"""Outcomes are replayed request by request."""


def with_outcomes(scenario: Scenario, table: OutcomeTable) -> Scenario:
    """The scenario with the table's tasks, qualities and tokens; prices and events are its own.

    raises  ConfigError if the two do not name the same deployments, or if it asks too often
    """
    for name in table.names:
        if name not in scenario.deployments:
            known = ", ".join(scenario.deployments)
            raise ConfigError(
                f"{table.source}: the scenario has no deployment {name!r}; there are {known}"
            )
    for name in scenario.deployments:
        if name not in table.names:
            raise ConfigError(f"{table.source}: no row is of {name!r}, which the scenario has")
    requests = scenario.hours * scenario.requests_per_hour
    if requests > MOST_REQUESTS:
        raise ConfigError(
            f"{table.source}: outcomes are replayed request by request, and {requests:,.0f} are "
            f"too many; lower hours or requests_per_hour (--set requests_per_hour=...)"
        )
    update = {
        "engine": "exact",
        "tasks": {task: _task(scenario, table, task) for task in table.tasks},
        "deployments": {
            name: _place(place, table, name) for name, place in scenario.deployments.items()
        },
    }
    return scenario.model_copy(update=update)


def world_of(scenario: Scenario, seed: int, table: OutcomeTable | None) -> World:
    """The made-up world of a scenario, or the one that a table of outcomes remembers."""
    return World(scenario, seed) if table is None else OutcomeWorld(scenario, seed, table)


class OutcomeWorld(World):
    """Every request is one of the table's prompts, and every answer what the table says.

    scenario    as `with_outcomes` gives it
    """

    def __init__(self, scenario: Scenario, seed: int, table: OutcomeTable) -> None:
        super().__init__(scenario, seed)
        self._table = table
        self._column = {name: table.names.index(name) for name in self.names}
        self._mean_tokens = {
            task: table.tokens[table.prompts_of(task)].mean(axis=0) for task in table.tasks
        }

    @cached_property
    def asks(self) -> list[SimulatedRequest]:
        """The scenario's traffic, each request with the size of its prompt."""
        sizes = self._table.tokens[:, :, 0].mean(axis=1)
        drawn = zip(
            traffic.simulated_requests(self.scenario, self.seed), self._prompts, strict=True
        )
        return [replace(ask, prompt_tokens=int(sizes[row])) for ask, row in drawn]

    @cached_property
    def _prompts(self) -> Any:
        """The table's row of each request, drawn before any policy runs."""
        rng: Any = np.random.default_rng([self.scenario.seed, self.seed, 3])
        rows = {task: self._table.prompts_of(task) for task in self._table.tasks}
        asks = traffic.simulated_requests(self.scenario, self.seed)
        marks = rng.random(len(asks))
        drawn = zip(asks, marks, strict=True)
        return np.array([rows[ask.task][int(mark * len(rows[ask.task]))] for ask, mark in drawn])

    def usd(self, name: str, task: str, at: float) -> float:
        """True dollars of one mean request of a task."""
        sent, received = self._mean_tokens[task][self._column[name]].tolist()
        counts = Usage(input_tokens=round(sent), output_tokens=round(received)).counts()
        return to_float(cost_usd(counts, self.prices(name, at)))

    def call(
        self, attempt: Attempt, ask: SimulatedRequest, at: float, held_tokens: int | None = None
    ) -> CallResult:
        """What the deployment does with the request, its answer's confidence as recorded."""
        row, column = self._prompts[ask.number], self._column[attempt.deployment]
        sent, received = self._table.tokens[row, column].tolist()
        sized = replace(ask, prompt_tokens=int(sent), output_tokens=int(received))
        return super().call(attempt, sized, at, held_tokens)

    def worth(self, name: str, ask: SimulatedRequest, at: float) -> float:
        """As judged in the table, less where the scenario lets the deployment grow worse."""
        told = float(self._table.reward[self._prompts[ask.number], self._column[name]])
        usual = self.scenario.deployments[name].quality[ask.task]
        now = self.quality(name, ask.task, at)
        return told if now == usual else min(1.0, told * now / max(usual, 1e-9))

    def is_right(self, name: str, ask: SimulatedRequest, at: float) -> bool:
        """True with a probability of the recorded worth."""
        return bool(ask.luck[self.names.index(name)] < self.worth(name, ask, at))


def _task(scenario: Scenario, table: OutcomeTable, task: str) -> Task:
    tokens = table.tokens[table.prompts_of(task)].mean(axis=(0, 1))
    found: Task = scenario.tasks.get(task, Task(share=1)).model_copy(
        update={
            "share": float(len(table.prompts_of(task))),
            "prompt_tokens": max(1.0, float(tokens[0])),
            "output_tokens": max(1.0, float(tokens[1])),
            "cached_share": 0.0,
        }
    )
    return found


def _place(place: DeploymentTruth, table: OutcomeTable, name: str) -> DeploymentTruth:
    column = table.names.index(name)
    quality = {
        task: float(table.reward[table.prompts_of(task), column].mean()) for task in table.tasks
    }
    return place.model_copy(update={"quality": quality})
