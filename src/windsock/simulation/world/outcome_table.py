"""Past outcomes as a world: what each deployment truly answered to each prompt, and its tokens."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from windsock.core.model.calls import Attempt, CallResult
from windsock.core.model.units import Usage, cost_usd, to_float
from windsock.errors import ConfigError
from windsock.simulation.world import traffic
from windsock.simulation.world.conditions import DeploymentTruth, Task
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import SimulatedRequest
from windsock.simulation.world.world import World

NEEDED = ("prompt", "deployment", "reward", "input_tokens", "output_tokens")
TOKENS = ("input_tokens", "output_tokens")
DEFAULT_TASK = "default"

MOST_REQUESTS = 5_000_000
"""Outcomes are replayed request by request."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeTable:
    """Per prompt and deployment. source: the file, for errors.

    names       deployments, in the order of the columns below
    tasks       known tasks; task_of: index of each prompt's task, (prompts,)
    reward      (prompts, names), 0..1
    tokens      (prompts, names, 2): input and output
    """

    source: str
    names: tuple[str, ...]
    tasks: tuple[str, ...]
    task_of: Any
    reward: Any
    tokens: Any

    def prompts_of(self, task: str) -> Any:
        """Row numbers of a task's prompts."""
        return np.flatnonzero(self.task_of == self.tasks.index(task))


@dataclass(slots=True)
class _OutcomeRow:
    place: str
    prompt: str
    task: str
    deployment: str
    numbers: tuple[float, float, float]


def read_table(path: Path) -> OutcomeTable:
    """A CSV or Parquet file, one row a prompt and deployment.

    Columns: prompt, deployment, reward (0..1), input_tokens, output_tokens, and task if there are
    several.

    raises  ConfigError naming the file, the line or row, and the fault
    """
    lines = [_line(place, row) for place, row in _rows(path)]
    if not lines:
        raise ConfigError(f"{path}: holds no outcomes; add rows below the header")
    names = tuple(dict.fromkeys(line.deployment for line in lines))
    tasks = tuple(dict.fromkeys(line.task for line in lines))
    prompts = {name: i for i, name in enumerate(dict.fromkeys(line.prompt for line in lines))}
    numbers = np.full((len(prompts), len(names), 3), math.nan)
    task_of = np.full(len(prompts), -1)
    for line in lines:
        i, k, g = prompts[line.prompt], names.index(line.deployment), tasks.index(line.task)
        if not math.isnan(numbers[i, k, 0]):
            raise ConfigError(
                f"{line.place}: {line.deployment!r} has two rows of prompt {line.prompt!r}; "
                "keep one"
            )
        if task_of[i] not in (-1, g):
            raise ConfigError(f"{line.place}: prompt {line.prompt!r} has two tasks; keep one")
        numbers[i, k], task_of[i] = line.numbers, g
    _check_whole(path, numbers, names, list(prompts))
    return OutcomeTable(
        source=str(path),
        names=names,
        tasks=tasks,
        task_of=task_of,
        reward=numbers[:, :, 0],
        tokens=numbers[:, :, 1:],
    )


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


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place for errors, row) in order; raises ConfigError if the file cannot be read."""
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path)
            return
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            _check_header(path, reader.fieldnames)
            for row in reader:
                yield f"{path}:{reader.line_num}", row
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{path}: cannot be read ({reason}); check the name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: is no CSV in UTF-8 ({error})") from error


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise ConfigError(
            f"{path}: Parquet needs the package pyarrow; install windsock[parquet]"
        ) from error
    try:
        table = parquet.read_table(path)
    except ArrowInvalid as error:
        raise ConfigError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from error
    _check_header(path, table.column_names)
    for number, row in enumerate(table.to_pylist(), start=1):
        yield f"{path} row {number}", row


def _check_header(path: Path, columns: Sequence[str] | None) -> None:
    if not columns:
        raise ConfigError(f"{path}: is empty; the header must name {', '.join(NEEDED)}")
    for name in NEEDED:
        if name not in columns:
            raise ConfigError(
                f"{path}: the column {name!r} is missing; the header names {', '.join(columns)}"
            )


def _line(place: str, row: Mapping[str, Any]) -> _OutcomeRow:
    for name in ("prompt", "deployment"):
        if row[name] in (None, ""):
            raise ConfigError(f"{place}: {name} is empty; fill it in")
    reward = _number(row["reward"])
    if not 0.0 <= reward <= 1.0:
        raise ConfigError(f"{place}: reward {row['reward']!r} is no number from 0 to 1")
    tokens = [_number(row[name]) for name in TOKENS]
    for name, count in zip(TOKENS, tokens, strict=True):
        if not 0.0 <= count < math.inf:
            raise ConfigError(f"{place}: {name} {row[name]!r} is no count from 0 on")
    return _OutcomeRow(
        place=place,
        prompt=str(row["prompt"]),
        task=str(row.get("task") or DEFAULT_TASK),
        deployment=str(row["deployment"]),
        numbers=(reward, tokens[0], tokens[1]),
    )


def _number(value: Any) -> float:
    """NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _check_whole(path: Path, numbers: Any, names: Sequence[str], prompts: Sequence[str]) -> None:
    gaps = np.argwhere(np.isnan(numbers[:, :, 0]))
    if len(gaps):
        i, k = gaps[0]
        raise ConfigError(
            f"{path}: prompt {prompts[i]!r} has no row of {names[k]!r}; every prompt needs one of "
            "every deployment"
        )


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
