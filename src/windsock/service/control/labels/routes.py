"""GET and POST /v1/labels: what people label, and what that bought."""

import asyncio
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from windsock.core.evidence.sources import EXPLICIT
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Reward
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.labels.choices import (
    Traffic,
    bought_by_now,
    choices_of,
    narrowed,
    of_busiest,
    usd_per_day,
)
from windsock.service.control.labels.queue import Queue, Wish
from windsock.service.control.labels.schemas import Label, LabelAnswer, LabelsAnswer
from windsock.service.control.schemas.asked import (
    DAY_S,
    MINUTE_S,
    DeploymentName,
    Name,
    When,
    when,
)
from windsock.service.control.schemas.wanted_labels import answered, ranked

MOST_SHOWN_OF = 500
"""Requests, the newest, among which a page looks for what to label: a tenth of a second."""


def label_routes(insight: Insight, past: History, queue: Queue) -> APIRouter:
    """GET and POST /v1/labels."""
    router, clock = insight.router, insight.clock
    routes = insight.commands("inspect")
    Looker = Annotated[Principal, Depends(insight.allowed("read", "label"))]  # noqa: N806
    Labeller = Annotated[Principal, Depends(insight.allowed("label"))]  # noqa: N806

    @routes.get("/v1/labels", summary="Answers whose label tells most")
    async def wanted_labels(
        caller: Looker,
        route: DeploymentName | None = None,
        task: Name | None = None,
        since: When = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 20,
    ) -> LabelsAnswer:
        if route is not None:
            route = router.resolve(RouteRequest(model=route)).name
        now, may_read = clock.now(), not caller.scopes.isdisjoint(("label", "admin"))
        begin = when(since, now, param="since", otherwise=now - DAY_S)
        wish = Wish(route=route, task=task, since=0.0 if since is None else begin)
        held = queue.held(caller.namespace, wish) if may_read else []
        asked = held or [*filter(wish.holds, await _sought(past, caller.namespace, begin, now))]
        asked = of_busiest(asked)
        worthiest = await ranked(router, asked, queue.is_open, now)
        first = await asyncio.to_thread(lambda: [*islice(worthiest, limit)])
        counts = await _traffic(past, caller.namespace, now)
        return LabelsAnswer(
            data=await queue.views(first, may_read=may_read),
            choices=await choices_of(router, asked, counts, now),
            texts_held=len(held),
            note=queue.note(may_read=may_read, held=len(held)),
        )

    @routes.post("/v1/labels", summary="A person's word on an answer")
    async def label(caller: Labeller, asked: Label) -> LabelAnswer:
        known = await queue.feedbacks.known(asked.decision_id, caller.namespace)
        cell, deployment = known.decision.cell, known.deployment
        now = clock.now()
        counts = await _traffic(past, caller.namespace, now)
        before = bought_by_now(router, cell, deployment, counts, now)
        reward = Reward(value=asked.value, source=EXPLICIT, key_id=caller.key_id)
        _, is_duplicate = await queue.feedbacks.observe(
            known.decision.id, reward, caller.namespace, None
        )
        after = bought_by_now(router, cell, deployment, counts, now)
        return LabelAnswer(
            decision_id=known.decision.id,
            route=cell.route,
            task=cell.name,
            deployment=deployment,
            is_duplicate=is_duplicate,
            before=before,
            after=after,
            narrowed=narrowed(before, after),
            bought_usd_per_day=usd_per_day(before, after),
        )

    return routes


async def _traffic(past: History, namespace: str, now: float) -> Traffic:
    """Requests of each cell within the last day, to the minute: a read of the store's sums."""
    since = (now - DAY_S) // MINUTE_S * MINUTE_S
    counts = await asyncio.to_thread(past.requests_by_task, since=since, namespace=namespace)
    return lambda cell: counts.get((cell.route, cell.name), 0)


async def _sought(past: History, namespace: str, since: float, now: float) -> list[Outcome]:
    return await asyncio.to_thread(
        answered, past.sought, since=since, until=now, namespace=namespace, most=MOST_SHOWN_OF
    )
