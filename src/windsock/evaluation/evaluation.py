"""From reconsidered decisions to a verdict: what they would have cost and delivered, how surely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from windsock.evaluation.considered import Considered
from windsock.evaluation.counterfactual import Reconsidered
from windsock.evaluation.estimators import (
    Estimate,
    Floats,
    Sample,
    bounded,
    difference,
    effective_samples,
    estimates,
    ratio,
)
from windsock.evaluation.labels import Labels, labels_of
from windsock.evaluation.samples import (
    FeedbackRates,
    judged_sample,
    plain_sample,
    seen_of,
    success_sample,
    task_of,
    usd_sample,
    weights_of,
)

HEADLINE = "switch_dr"
"""The shortest of the intervals that hold: corrected where the log went, by the model elsewhere."""

PLAIN = "dr"
"""Of the log itself, where nothing is weighed."""

LEAST_JUDGED = 2.0
"""Judged requests that the log must be worth before anything is said of success."""

MOST_UNSEEN = 0.05
"""Part of the new split that was never tried above which nothing is said at all."""

LEAST_SHOWN = 0.001

NOTHING_LOGGED = "no decision of these routes was logged in this time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A mean per request, or dollars per success; None where nobody judged."""

    success: Estimate | None
    usd: Estimate
    usd_per_success: Estimate | None


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
    """refusal           why nothing can be said of success, or None
    samples             requests that the log is worth under the new policy; judged: with rewards
    unseen              part of the new split that was never tried at the time
    largest_weight      of one request
    logged              at the prices that were; repriced: the same calls at the new prices
    by_estimator        the new policy
    new_usd             dollars of the new policy, which need no judgements; None if untried
    gain, saved_usd     of the headline over the log at the same prices, per request
    labels              judged answers that would decide what is open
    left_out            logged decisions that no policy took, by reason
    unpriced            decisions at which a candidate had no price, by its name
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
    new_usd: Estimate | None
    gain: Estimate | None
    saved_usd: Estimate | None
    labels: Labels | None
    cells: tuple[CellFacts, ...]
    left_out: dict[str, int]
    unpriced: dict[str, int]

    @property
    def new(self) -> Value | None:
        """What the new policy would have earned, by HEADLINE; None if refused."""
        return self.by_estimator.get(HEADLINE)


def evaluation(found: Reconsidered) -> Evaluation:
    """What the log says of the new policy."""
    rows = found.rows
    if not rows:
        is_any = any(found.left_out.values())
        return _nothing(found, "all that was logged is left out" if is_any else NOTHING_LOGGED)
    w, rates = weights_of(rows), FeedbackRates.of(rows)
    seen = seen_of(rows, rates)
    samples, judged = effective_samples(w), effective_samples(w * seen)
    unseen = sum(row.unseen for row in rows) / len(rows)
    refusal = _refusal(judged, unseen, seen)
    success = judged_sample(rows, seen, rates) if seen.any() else None
    logged, repriced = (
        _logged(success, usd)
        for usd in ([row.cost_usd for row in rows], [row.repriced_usd for row in rows])
    )
    usd = estimates(usd_sample(rows, w)) if unseen <= MOST_UNSEEN else {}
    new = {} if refusal else _values(success_sample(rows, w, seen, rates), usd)
    dollars = usd.get(HEADLINE)
    gain = _gain(new.get(HEADLINE), logged, judged)
    count = sum(row.reward is not None for row in rows)
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
        new_usd=_paid(dollars) if dollars else None,
        gain=gain,
        saved_usd=difference(repriced.usd, dollars, samples) if dollars else None,
        labels=labels_of(gain, count, requests=len(rows), samples=samples) if usd else None,
        cells=tuple(_cells(rows)),
        left_out=dict(found.left_out),
        unpriced=dict(found.unpriced),
    )


def _gain(new: Value | None, logged: Value, judged: float) -> Estimate | None:
    """Of success; None where it is not known."""
    if new is None or new.success is None or logged.success is None:
        return None
    return bounded(difference(new.success, logged.success, judged), -1.0, 1.0)


def _refusal(judged: float, unseen: float, seen: Floats) -> str | None:
    if unseen > MOST_UNSEEN:
        return (
            f"{unseen:.0%} of the new split goes where the log never went; let the routes "
            "explore there first"
        )
    if not seen.any():
        return "no answer in this time was judged; report feedback, or declare a check"
    if judged < LEAST_JUDGED:
        return "hardly an answer that this policy would give was judged; report more feedback"
    return None


def _values(success: Sample, usd: Mapping[str, Estimate]) -> dict[str, Value]:
    support = effective_samples(success.w * success.seen)
    return {
        name: Value(
            success=bounded(found, 0.0, 1.0),
            usd=_paid(usd[name]),
            usd_per_success=_paid(ratio(usd[name], found, support)),
        )
        for name, found in estimates(success).items()
    }


def _paid(usd: Estimate) -> Estimate:
    """Nobody is paid for answering."""
    return bounded(usd, 0.0, inf)


def _logged(success: Sample | None, usd: Sequence[float]) -> Value:
    """What the log itself came to, at these dollars; its success None where nobody judged."""
    money = estimates(plain_sample(usd))["snips"]
    if success is None:
        return Value(success=None, usd=_paid(money), usd_per_success=None)
    right = estimates(success)[PLAIN]
    support = effective_samples(success.seen)
    return Value(
        success=bounded(right, 0.0, 1.0),
        usd=_paid(money),
        usd_per_success=_paid(ratio(money, right, support)),
    )


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
        new_usd=None,
        gain=None,
        saved_usd=None,
        labels=None,
        cells=(),
        left_out=dict(found.left_out),
        unpriced=dict(found.unpriced),
    )
