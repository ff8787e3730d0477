"""Who answers the requests of a window that are alike, and after how many calls.

It is the exchange's rule in counts: what failed goes to a deployment that this request has not
tried, by the same weights; once to the same one again where the other is dearer, or there is none;
and no request makes more calls than its route allows. A doubted answer is asked again of strong
ones only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.routing.routes import Route
from windsock.simulation.world.conditions import Task
from windsock.simulation.world.prompt_caches import usage_of
from windsock.simulation.world.traffic import SPREAD
from windsock.simulation.world.world import World

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
    drawing = _Drawing(luck, decision, attempts_allowed)
    drawing.add(0, asked[None, :], np.zeros((1, len(asked)), np.int64))
    for call in range(attempts_allowed):
        drawing.step(call)
    return drawing.answers()


class _Drawing:
    """Requests by how many calls they have made: `paths` whom they ask next, `tries` whom they
    have asked how often, both (rows, deployments)."""

    def __init__(self, luck: Any, decision: GroupDecision, attempts_allowed: int) -> None:
        size = len(decision.fails)
        self._luck = luck
        self._decision = decision
        self._allowed = attempts_allowed
        self._waves: list[list[tuple[Counts, Counts]]] = [[] for _ in range(attempts_allowed)]
        self._served, self._lost = _nothing(size, attempts_allowed)
        self._bad, self._lost_calls = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._rounds = 0

    def add(self, made: int, paths: Counts, tries: Counts) -> None:
        """Requests that have made so many calls in vain."""
        if made < self._allowed:
            self._waves[made].append((paths, tries))
        else:
            self._lost[made - 1] += paths.sum()
            self._lost_calls += paths.sum(axis=1) @ tries

    def step(self, call: int) -> None:
        """The next call of all that have made `call` of them.

        What failed again for a request fails for it ever again there.
        """
        for paths, tries in self._waves[call]:
            self._rounds = max(self._rounds, call + 1)
            failed = self._luck.binomial(paths, np.where(tries, 1.0, self._decision.fails))
            self._served[:, call] += (paths - failed).sum(axis=0)
            self._bad += failed.sum(axis=0)
            rows, last = np.nonzero(failed)
            if len(rows):
                self._go_on(call + 1, failed[rows, last], tries[rows], last)

    def _go_on(self, made: int, counts: Counts, tries: Counts, last: Counts) -> None:
        """To another; before that once more to the same, where that is the better."""
        fresh = tries[np.arange(len(last)), last] == 0
        tries[np.arange(len(last)), last] += 1
        others = _another(self._decision.weights, tries > 0, last)
        again = self._luck.binomial(counts, fresh * self._better_again(made, others, last))
        still = self._luck.binomial(again, self._decision.fails[last])
        if again.any():
            self._rounds = max(self._rounds, made + 1)
            np.add.at(self._served[:, made], last, again - still)
            np.add.at(self._bad, last, still)
            twice = tries.copy()
            twice[np.arange(len(last)), last] += 1
            self.add(made + 1, self._luck.multinomial(still, others), twice)
        self.add(made, self._luck.multinomial(counts - again, others), tries)

    def _better_again(self, made: int, others: Shares, last: Counts) -> Shares:
        """Chance of each row that the same is asked again: all where there is no other."""
        alone = others[np.arange(len(last)), last] == 1.0
        dearer = (others * _dearer(self._decision)[last]).sum(axis=1)
        shares = np.where(alone, 1.0, dearer if made + 1 < self._allowed else 0.0)
        return shares.clip(0.0, 1.0) if made < self._allowed else np.zeros(len(last))

    def answers(self) -> Answers:
        """What came of them, once every call was made."""
        return Answers(
            served=self._served,
            lost=self._lost,
            lost_calls=self._lost_calls,
            bad=self._bad,
            rounds=self._rounds,
        )


def _dearer(decision: GroupDecision) -> Shares:
    """(deployments, deployments): 1 where a success costs more at the second than at the first."""
    usd_by_name = {arm.deployment: arm.usd_per_success for arm in decision.table.arms}
    usd = np.full(len(decision.fails), np.nan)
    for i, name in enumerate(decision.names):
        usd[i] = usd_by_name.get(name, np.nan)
    return (usd[None, :] > usd[:, None]).astype(np.float64)


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


def mean_tokens(median: float, spread: float = SPREAD) -> int:
    """Mean tokens of a log-normal size; at least 1."""
    return max(1, round(median * float(np.exp(spread**2 / 2))))


def part_means(spread: float, parts: int) -> Shares:
    """(parts,) mean size of each equal part of log-normal sizes, from small to large; median 1."""
    bounds = special.ndtri(np.arange(parts + 1) / parts)
    made: Shares = parts * np.exp(spread**2 / 2) * np.diff(special.ndtr(bounds - spread))
    return made


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
