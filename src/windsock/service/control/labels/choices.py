"""The open choices of tasks, and what a label changed of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.routing.outlook.open_choice import open_choice
from windsock.core.routing.router import Router
from windsock.errors import UnknownRoute
from windsock.service.control.access_check import shown_table
from windsock.service.control.labels.schemas import BoughtView, ChoiceView

MOST_CHOICES = 50
"""Tasks whose choice is told, and whose answers are shown, those of the most answers: of each a
table is looked up, and callers may name tasks as they like."""

Traffic = Callable[[Cell], int]
"""Requests of a task in the last day."""


def of_busiest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Answers of MOST_CHOICES tasks at most."""
    answers = Counter(each.decision.cell for each in outcomes)
    busiest = {cell for cell, _ in answers.most_common(MOST_CHOICES)}
    return [each for each in outcomes if each.decision.cell in busiest]


async def choices_of(
    router: Router, outcomes: Iterable[Outcome], counts: Traffic, now: float
) -> list[ChoiceView]:
    """Those of the tasks of these answers, the dearest first."""
    told: list[ChoiceView] = []
    for cell in dict.fromkeys(each.decision.cell for each in outcomes):
        if (found := choice_of(router, cell, counts, now)) is not None:
            told.append(found)
        await asyncio.sleep(0)  # tasks by the dozen: requests go between
    return sorted(told, key=lambda each: (-(each.loss_usd_per_day or 0.0), -each.loss))


def choice_of(router: Router, cell: Cell, counts: Traffic, now: float) -> ChoiceView | None:
    """None where its route is gone, or nobody can serve."""
    try:
        table = shown_table(router, cell, now)
    except UnknownRoute:
        return None
    found = open_choice(router, table)
    if found is None:
        return None
    known = [router.operator.how_known(cell, arm.deployment) for arm in table.arms]
    requests = counts(cell)
    return ChoiceView(
        route=cell.route,
        task=cell.name,
        leader=found.leader,
        certainty=found.certainty,
        loss=found.loss,
        loss_usd=found.loss_usd,
        loss_usd_per_day=None if found.loss_usd is None else found.loss_usd * requests,
        requests_per_day=requests,
        labels=sum(one.sources[name][0].count for one in known for name in one.labels),
        answers=sum(one.answers for one in known),
    )


def bought_by_now(
    router: Router, cell: Cell, deployment: str, counts: Traffic, now: float
) -> BoughtView:
    """What is known of one deployment, and of the choice at its task."""
    belief = router.beliefs.summary(cell, deployment)
    return BoughtView(
        success_mean=belief.mean,
        success_interval=(belief.low, belief.high),
        effective_samples=belief.effective_samples,
        choice=choice_of(router, cell, counts, now),
    )


def narrowed(before: BoughtView, after: BoughtView) -> float:
    """Width of the interval that was taken away; below 0 after a surprise."""
    widths = [high - low for low, high in (before.success_interval, after.success_interval)]
    return widths[0] - widths[1]


def usd_per_day(before: BoughtView, after: BoughtView) -> float | None:
    """Loss a day that was taken away; None where it is not known in dollars."""
    was, remains = (
        each.choice.loss_usd_per_day if each.choice else None for each in (before, after)
    )
    return None if was is None or remains is None else was - remains
