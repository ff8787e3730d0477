"""Who answers the requests of a window that are alike, and after how many calls.

It is the exchange's rule in counts: what failed goes to a deployment that this request has not
tried, by the same weights; only where there is none left, to the same one again; and no request
makes more calls than its route allows. A doubted answer is asked again of strong ones only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.routing.routes import Route
from windsock.simulation.world.conditions import Task
from windsock.simulation.world.traffic import SPREAD
from windsock.simulation.world.world import World, usage_of

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RequestGroup:
    """Requests of one window that are alike: task, size of prompt, route."""

    route: Route
    task: str
    prompt_tokens: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDecision:
    """What the window from `begin` to `end` (unix s) decides for a group.

    weights     (deployments,) of the table, sums to 1; the mean of several tables where a policy
                looks at single requests
    fails       (deployments,) share of calls that fail, 0..1
    usage       of one call
    """

    group: RequestGroup
    table: WeightTable
    weights: Shares
    weight_by_name: dict[str, float]
    fails: Shares
    usage: Usage
    begin: float
    end: float

    @property
    def cell(self) -> Cell:
        """Namespace, route and task that the table is of."""
        return self.table.cell

    @property
    def names(self) -> tuple[str, ...]:
        """Deployments, in the order of all arrays."""
        return self.table.deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of some requests.

    served          (deployments, calls): answers of a deployment, by calls made until then less 1
    lost            requests without an answer, by calls made less 1; (calls,)
    lost_calls      (deployments,) failed calls of the requests without an answer
    good, bad       (deployments,) calls that brought an answer, and that failed
    rounds          most calls made now for one request
    """

    served: Counts
    lost: Counts
    lost_calls: Counts
    bad: Counts
    rounds: int

    @property
    def good(self) -> Counts:
        """Calls that brought an answer, (deployments,)."""
        return np.asarray(self.served.sum(axis=1))

    @property
    def attempts(self) -> Counts:
        """Calls made for the answers of each deployment, (deployments,)."""
        return self.served @ _calls(len(self.lost))

    @property
    def lost_attempts(self) -> int:
        """Calls made for the requests without an answer."""
        return int(self.lost @ _calls(len(self.lost)))


def answers(luck: Any, decision: GroupDecision, asked: Counts, *, attempts_allowed: int) -> Answers:
    """Draw what comes back from the deployments asked, and from those asked after a failure.

    luck                numpy generator
    asked               (deployments,) requests, by the deployment of their first call
    attempts_allowed    calls of one request, all reasons together
    """
    size = len(asked)
    served, lost = _nothing(size, attempts_allowed)
    bad, lost_calls = np.zeros(size, np.int64), np.zeros(size, np.int64)
    paths, known = asked[None, :], np.zeros((1, size), bool)
    for call in range(attempts_allowed):
        # What failed once for a request fails for it again there: its fate is drawn once.
        failed = luck.binomial(paths, np.where(known, 1.0, decision.fails))
        served[:, call] = (paths - failed).sum(axis=0)
        bad += failed.sum(axis=0)
        before, last = np.nonzero(failed)
        if not len(before):
            break
        counts, known = failed[before, last], known[before]
        known[np.arange(len(last)), last] = True
        if call + 1 == attempts_allowed:
            lost[call] = counts.sum()
            lost_calls = counts @ known
            np.add.at(lost_calls, last, counts * (attempts_allowed - known.sum(axis=1)))
            break
        paths = luck.multinomial(counts, _another(decision.weights, known, last))
    return Answers(served=served, lost=lost, lost_calls=lost_calls, bad=bad, rounds=call + 1)


def stronger_answers(
    luck: Any,
    decision: GroupDecision,
    targets: Sequence[int],
    count: int,
    *,
    made: int,
    attempts_allowed: int,
) -> Answers:
    """Draw what comes back from strong deployments, each asked where those before it failed.

    targets     indices of them, at least one; nobody else stands in for them
    count       requests that have an answer already, which stands where none of them answers
    made        calls that each request has made before, less than attempts_allowed
    """
    size = len(decision.fails)
    served, lost = _nothing(size, attempts_allowed)
    bad, call = np.zeros(size, np.int64), made
    for call, target in enumerate(targets[: attempts_allowed - made], start=made):
        bad[target] = luck.binomial(count, decision.fails[target])
        served[target, call] = count - bad[target]
        count = int(bad[target])
        if not count:
            break
    lost[call] = count
    nobody = np.zeros(size, np.int64)
    return Answers(served=served, lost=lost, lost_calls=nobody, bad=bad, rounds=call + 1 - made)


def _nothing(size: int, attempts_allowed: int) -> tuple[Counts, Counts]:
    """(served, lost) of nobody."""
    return np.zeros((size, attempts_allowed), np.int64), np.zeros(attempts_allowed, np.int64)


def failure_shares(world: World, names: tuple[str, ...], at: float) -> Shares:
    """Share of calls that fail at each deployment, (deployments,)."""
    return np.array([world.failure_share(name, at) for name in names])


def group_usage(world: World, group: RequestGroup) -> Usage:
    """Of one call of a group."""
    kind: Task = world.scenario.tasks[group.task]
    return usage_of(kind, group.prompt_tokens, mean_tokens(kind.output_tokens))


def mean_tokens(median: float) -> int:
    """Mean tokens of a log-normal size; at least 1."""
    return max(1, round(median * float(np.exp(SPREAD**2 / 2))))


def _another(weights: Shares, known: NDArray[np.bool_], last: Counts) -> Shares:
    """Chances of the next call, (paths, deployments): `Availability.redraw` for all at once.

    known   (paths, deployments) that were tried
    last    (paths,) where the last call failed

    By weight among those not tried; the last of them where none has weight; and where all were
    tried, the same once more.
    """
    chances = np.where(known, 0.0, weights)
    totals = chances.sum(axis=1)
    for i in np.nonzero(totals == 0.0)[0]:
        left = np.nonzero(~known[i])[0]
        chances[i, left[-1] if len(left) else last[i]] = totals[i] = 1.0
    chances /= totals[:, None]
    return chances


def _calls(size: int) -> Counts:
    return np.arange(1, size + 1)
