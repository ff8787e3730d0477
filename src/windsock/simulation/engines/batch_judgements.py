"""Judgements of answers by the thousand: drawn when they are given, learnt when they are due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.simulation.world.scenario import Scenario

JUDGED_ONE_BY_ONE = 8
"""Judgements of one window that a policy is told which looks at single requests."""

FEW = 10
"""Judgements that are learnt at once of a deployment that nobody knows."""


@dataclass(frozen=True, slots=True, order=True)
class _Verdict:
    """Judged answers of one deployment, known from `due` on.

    claim   how sure they were, if answers tell
    pair    the cascade that earned them, if one did
    """

    due: float
    number: int
    cell: Cell
    deployment: str
    judged: int
    right: int
    claim: float | None
    pair: tuple[str, str] | None


class BatchJudgements:
    """Clients' judgements that are still to come.

    luck    numpy generator
    """

    def __init__(self, scenario: Scenario, router: Router, luck: Any) -> None:
        self._scenario = scenario
        self._router = router
        self._luck = luck
        self._verdicts: list[_Verdict] = []
        self._number = 0

    def append(
        self,
        cell: Cell,
        name: str,
        count: int,
        right: int,
        end: float,
        *,
        claim: float | None = None,
        pair: tuple[str, str] | None = None,
    ) -> None:
        """Draw how many of `count` answers, of which so many are right, will be judged, and how.

        end     unix s of the answers; they are judged `feedback_delay_s` later
        """
        judged = int(self._luck.binomial(count, self._scenario.feedback_share))
        if judged:
            praised = int(self._luck.hypergeometric(right, count - right, judged))
            self._number += 1
            due = end + self._scenario.feedback_delay_s
            verdict = _Verdict(due, self._number, cell, name, judged, praised, claim, pair)
            heapq.heappush(self._verdicts, verdict)

    def judge(self, until: float) -> None:
        """Learn the judgements that are known by then, unix s."""
        while self._verdicts and self._verdicts[0].due <= until:
            verdict = heapq.heappop(self._verdicts)
            self._learn(verdict)
            policy = self._router.routes[verdict.cell.route].policy
            if policy.is_contextual:
                told = min(verdict.judged, JUDGED_ONE_BY_ONE)
                for i in range(told):
                    value = float(i < round(told * verdict.right / verdict.judged))
                    policy.learn(_decision(verdict), verdict.deployment, Reward(value=value), until)

    def _learn(self, verdict: _Verdict) -> None:
        """Judgements teach a deployment or the cascade that earned them, and what claims meant."""
        cell, judged, right, at = verdict.cell, verdict.judged, verdict.right, verdict.due
        known = self._router.confidences
        if verdict.claim is not None:
            known.calibrate(cell, verdict.deployment, verdict.claim, right / judged, judged)
        if verdict.pair is not None:
            known.credit_sums(cell, verdict.pair, judged, right, right, at)
            return
        for n, good in self._portions(verdict):
            self._router.learn_sums(cell, verdict.deployment, n, good, good, at)

    def _portions(self, verdict: _Verdict) -> Iterator[tuple[int, int]]:
        """(judged, right) of no more at once than is known already.

        The watch for silent changes compares with what is known: thousands of judgements at once
        on a deployment that nobody knows would look like a change.
        """
        judged, right = verdict.judged, verdict.right
        known = self._known(verdict)
        while judged:
            n = min(judged, max(FEW, int(known)))
            good = int(self._luck.hypergeometric(right, judged - right, n))
            yield n, good
            judged, right, known = judged - n, right - good, known + n

    def _known(self, verdict: _Verdict) -> float:
        """Rewards that a belief is worth. Its evidence alone is less, and needs no fit."""
        beliefs, cell, name = self._router.beliefs, verdict.cell, verdict.deployment
        evidence = beliefs.evidence(cell, name)
        return evidence if evidence >= verdict.judged else sum(beliefs.posterior(cell, name))


def _decision(verdict: _Verdict) -> Decision:
    """Stands for the many decisions that were judged together."""
    return Decision(
        number=verdict.number,
        id=str(verdict.number),
        at=verdict.due,
        cell=verdict.cell,
        table_version=0,
        deployment=verdict.deployment,
        propensity=1.0,
        draw=0.0,
        requested_model=verdict.cell.route,
    )
