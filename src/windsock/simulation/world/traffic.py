"""Who asks what and when: all chance of the world, drawn before any policy runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windsock.simulation.world.scenario import Scenario

ROUTE = "auto"
REALTIME = "realtime"

SPREAD = 0.25
"""Standard deviation of the log of a request's size."""

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRequest:
    """One request of the world. luck, pace, doubt, fate: one number in [0, 1) per deployment.

    luck    below the true quality the answer is right
    pace    how long it takes
    doubt   how sure the answer is of itself, among answers that are as right
    fate    below the failure share the call fails
    session of the conversation that it is a turn of; None: it stands alone
    """

    number: int
    at: float
    task: str
    prompt_tokens: int
    output_tokens: int
    luck: NDArray[np.float64]
    pace: NDArray[np.float64]
    doubt: NDArray[np.float64]
    fate: NDArray[np.float64]
    is_judged: bool
    judged_after_s: float
    is_realtime: bool = False
    session: str | None = None


def simulated_requests(scenario: Scenario, seed: int) -> list[SimulatedRequest]:
    """The whole traffic, arrival by arrival."""
    rng: Any = np.random.default_rng([scenario.seed, seed])
    return in_conversations(scenario, requests_at(scenario, rng, _arrivals(scenario, rng)))


def in_conversations(scenario: Scenario, asks: list[SimulatedRequest]) -> list[SimulatedRequest]:
    """The same requests at the same times, as turns of conversations where their task has any.

    So many conversations go on beside each other that a turn comes after the task's pause on
    average.
    """
    made = list(asks)
    for task, kind in scenario.tasks.items():
        mine = [i for i, ask in enumerate(asks) if ask.task == task] if kind.turns > 1 else []
        per_s = len(mine) / (scenario.hours * HOUR_S)
        beside = max(1, round(per_s * kind.pause_s))
        for count, i in enumerate(mine):
            block, place = divmod(count, kind.turns * beside)
            turn, number = divmod(place, beside)
            first = asks[mine[block * kind.turns * beside + number]]
            made[i] = replace(
                asks[i],
                session=f"{task} {block}.{number}",
                prompt_tokens=first.prompt_tokens + turn * 2 * int(kind.output_tokens),
            )
    return made


def requests_at(
    scenario: Scenario, rng: Any, at: NDArray[np.float64], first_number: int = 0
) -> list[SimulatedRequest]:
    """Requests that arrive at these unix times, with all their luck drawn from `rng`.

    at              (requests,), ascending
    first_number    the others count on from it
    """
    count = len(at)
    tasks = list(scenario.tasks)
    shares = np.array([scenario.tasks[task].share for task in tasks])
    which = rng.choice(len(tasks), size=count, p=shares / shares.sum())
    size = np.exp(rng.normal(0.0, SPREAD, size=(count, 2)))
    luck, pace, doubt, fate = rng.random((4, count, len(scenario.deployments)))
    judged = rng.random(count) < scenario.feedback_share
    after = rng.exponential(scenario.feedback_delay_s or 1e-9, size=count)
    realtime = (
        rng.random(count) < np.array([scenario.realtime_share(task) for task in tasks])[which]
    )
    spread = [scenario.tasks[task].prompt_spread / SPREAD for task in tasks]
    means = [
        (scenario.tasks[task].prompt_tokens, scenario.tasks[task].output_tokens) for task in tasks
    ]
    return [
        SimulatedRequest(
            number=first_number + i,
            at=float(at[i]),
            task=tasks[which[i]],
            prompt_tokens=max(1, int(means[which[i]][0] * size[i, 0] ** spread[which[i]])),
            output_tokens=max(1, int(means[which[i]][1] * size[i, 1])),
            luck=luck[i],
            pace=pace[i],
            doubt=doubt[i],
            fate=fate[i],
            is_judged=bool(judged[i]),
            judged_after_s=float(after[i]),
            is_realtime=bool(realtime[i]),
        )
        for i in range(count)
    ]


def rate(scenario: Scenario, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Traffic at these unix times, relative to the mean of a week without surges."""
    by_hour = np.array(scenario.rhythm.by_hour) / np.mean(scenario.rhythm.by_hour)
    by_weekday = np.array(scenario.rhythm.by_weekday) / np.mean(scenario.rhythm.by_weekday)
    found: NDArray[np.float64] = by_hour[(at % 86_400 // HOUR_S).astype(int)]
    found = found * by_weekday[((at // 86_400 + 3) % 7).astype(int)]
    for surge in scenario.surges:
        hour = (at - scenario.begins) / HOUR_S
        found = np.where(
            (surge.from_hour <= hour) & (hour < surge.to_hour), found * surge.factor, found
        )
    return found


def _arrivals(scenario: Scenario, rng: Any) -> NDArray[np.float64]:
    """A Poisson process, thinned from the highest rate."""
    span_s = scenario.hours * HOUR_S
    steps = scenario.begins + np.arange(0.0, span_s, HOUR_S / 4)
    most = float(rate(scenario, steps).max())
    count = int(rng.poisson(scenario.hours * scenario.requests_per_hour * most))
    at = scenario.begins + np.sort(rng.random(count)) * span_s
    if most == 1.0:
        return at
    kept: NDArray[np.float64] = at[rng.random(count) * most < rate(scenario, at)]
    return kept
