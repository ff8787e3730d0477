"""From reconsidered decisions to a verdict: what they would have cost and delivered, how surely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.evaluation.counterfactual import Considered, Reconsidered
from windsock.evaluation.estimators import (
    Estimate,
    Floats,
    Sample,
    difference,
    effective_samples,
    estimates,
    ratio,
)
from windsock.evaluation.samples import (
    feedback_rates,
    plain_sample,
    seen_of,
    success_sample,
    task_of,
    usd_sample,
    weights_of,
)

HEADLINE = "dr"
"""Unbiased as IPS is, and as sure as the model allows."""

LEAST_SAMPLES = 100.0
MOST_UNSEEN = 0.05
"""Below and above which nothing is said but that nothing can be said."""

LEAST_SHOWN = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A mean per request, or dollars per success."""

    success: Estimate
    usd: Estimate
    usd_per_success: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFacts:
    """One task at one deployment, or at a cascade "cheap > strong".

    logged_share, new_share     of the task's requests
    feedback_rate               of the logged answers that were judged
    logged_success              of the judged ones; None if none was
    """

    route: str
    task: str
    deployment: str
    requests: int
    logged_share: float
    new_share: float
    feedback_rate: float
    logged_success: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """refusal           why nothing can be said, or None
    samples             requests that the log is worth under the new policy; judged: with rewards
    unseen              part of the new split that was never tried at the time
    largest_weight      of one request
    logged              at the prices that were; repriced: the same calls at the new prices
    by_estimator        the new policy
    gain, saved_usd     of the headline over the log at the same prices, per request
    left_out            logged decisions that no policy took, by reason
    """

    refusal: str | None
    requests: int
    since: float
    until: float
    samples: float
    judged: float
    unseen: float
    largest_weight: float
    logged: Value | None
    repriced: Value | None
    by_estimator: dict[str, Value]
    gain: Estimate | None
    saved_usd: Estimate | None
    cells: tuple[CellFacts, ...]
    left_out: dict[str, int]

    @property
    def new(self) -> Value | None:
        """What the new policy would have earned, by HEADLINE; None if refused."""
        return self.by_estimator.get(HEADLINE)


def evaluation(found: Reconsidered) -> Evaluation:
    """What the log says of the new policy."""
    rows = found.rows
    if not rows:
        return _nothing(found, "no decision of these routes was logged in this time")
    w, rates = weights_of(rows), feedback_rates(rows)
    seen = seen_of(rows, rates)
    samples, judged = effective_samples(w), effective_samples(w * seen)
    unseen = sum(row.unseen for row in rows) / len(rows)
    refusal = _refusal(len(rows), min(samples, judged), unseen, seen)
    logged = _logged(rows, seen, [row.cost_usd for row in rows])
    repriced = _logged(rows, seen, [row.repriced_usd for row in rows])
    new = {} if refusal else _value_of(success_sample(rows, w, seen, rates), usd_sample(rows, w))
    headline = new.get(HEADLINE)
    return Evaluation(
        refusal=refusal,
        requests=len(rows),
        since=rows[0].decision.at,
        until=rows[-1].decision.at,
        samples=samples,
        judged=judged,
        unseen=unseen,
        largest_weight=float(w.max()),
        logged=logged,
        repriced=repriced,
        by_estimator=new,
        gain=difference(headline.success, logged.success, judged) if headline else None,
        saved_usd=difference(repriced.usd, headline.usd, samples) if headline else None,
        cells=tuple(_cells(rows)),
        left_out=dict(found.left_out),
    )


def _refusal(requests: int, judged: float, unseen: float, seen: Floats) -> str | None:
    if not seen.any():
        return "no answer in this time was judged; report feedback, or declare a check"
    if unseen > MOST_UNSEEN:
        return (
            f"{unseen:.0%} of the new split goes where the log never went; let the routes "
            "explore there first"
        )
    if judged < LEAST_SAMPLES:
        return (
            f"the {requests:,} logged requests are worth {judged:.0f} of this policy, and "
            f"{LEAST_SAMPLES:.0f} are needed; log longer, or keep explore higher"
        )
    return None


def _value_of(success: Sample, usd: Sample) -> dict[str, Value]:
    rewards, money = estimates(success), estimates(usd)
    support = effective_samples(success.w * success.seen)
    return {
        name: Value(
            success=rewards[name],
            usd=money[name],
            usd_per_success=ratio(money[name], rewards[name], support),
        )
        for name in rewards
    }


def _logged(rows: Sequence[Considered], seen: Floats, usd: Sequence[float]) -> Value:
    """What the log itself came to, at these dollars."""
    rewards = plain_sample([row.reward for row in rows], seen)
    return _value_of(rewards, plain_sample(usd, np.ones(len(rows))))["snips"]


def _cells(rows: Sequence[Considered]) -> list[CellFacts]:
    """Every task at every deployment that took some of it, or would take a thousandth."""
    by_task: dict[Any, list[Considered]] = defaultdict(list)
    for row in rows:
        by_task[task_of(row)].append(row)
    found = []
    for (_, route, task), same in sorted(by_task.items()):
        new: dict[str, float] = defaultdict(float)
        for row in same:
            for name, weight in zip(row.arms, row.weights, strict=True):
                new[name] += weight / len(same)
        taken = {row.taken for row in same}
        names = {name for name in new if new[name] >= LEAST_SHOWN} | taken
        found += [_cell(route, task, name, same, new[name]) for name in sorted(names)]
    return found


def _cell(
    route: str, task: str, name: str, same: Sequence[Considered], new_share: float
) -> CellFacts:
    mine = [row for row in same if row.taken == name]
    rewards = [row.reward for row in mine if row.reward is not None]
    return CellFacts(
        route=route,
        task=task,
        deployment=name,
        requests=len(mine),
        logged_share=len(mine) / len(same),
        new_share=new_share,
        feedback_rate=len(rewards) / len(mine) if mine else 0.0,
        logged_success=sum(rewards) / len(rewards) if rewards else None,
    )


def _nothing(found: Reconsidered, refusal: str) -> Evaluation:
    return Evaluation(
        refusal=refusal,
        requests=0,
        since=0.0,
        until=0.0,
        samples=0.0,
        judged=0.0,
        unseen=0.0,
        largest_weight=0.0,
        logged=None,
        repriced=None,
        by_estimator={},
        gain=None,
        saved_usd=None,
        cells=(),
        left_out=dict(found.left_out),
    )
