"""Alarms of silent change, and lessons from past evaluations, over HTTP."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends

from windsock.core.beliefs.summaries import Alarm
from windsock.core.evidence.doubts import Doubts
from windsock.core.evidence.warm_start import PastResult
from windsock.core.routing.router import Router
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.admin import (
    AlarmsAnswer,
    AlarmView,
    DoubtedView,
    Lesson,
    LessonAnswer,
    Undo,
)
from windsock.service.control.schemas.asked import Number
from windsock.service.control.schemas.prices import RulingAnswer


def learning_routes(insight: Insight) -> APIRouter:
    """GET /v1/alarms; POST /v1/alarms/undo, /v1/learn; DELETE /v1/learn/{lesson}."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    @routes.get("/v1/alarms")
    async def alarms(caller: Caller) -> AlarmsAnswer:
        mine = [a for a in router.beliefs.alarms() if a.namespace == caller.namespace]
        return AlarmsAnswer(
            data=[alarm_view(each) for each in mine],
            doubted=[doubted_view(name, each) for name, each in _doubted(router)],
        )

    @routes.post("/v1/alarms/undo")
    async def undo(caller: Admin, asked: Undo) -> RulingAnswer:
        shifts = router.operator.undo_alarm(
            caller.namespace, asked.route, asked.deployment, clock.now()
        )
        for shift in shifts:
            insight.publish(shift)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.post("/v1/learn")
    async def learn(caller: Admin, lesson: Lesson) -> LessonAnswer:
        results = [PastResult(**result.model_dump()) for result in lesson.results]
        number = router.operator.teach(
            caller.namespace, lesson.route, results, strength=lesson.strength, now=clock.now()
        )
        return LessonAnswer(lesson=number, taught=len(results))

    @routes.delete("/v1/learn/{lesson}")
    async def unlearn(caller: Admin, lesson: Number) -> LessonAnswer:
        return LessonAnswer(lesson=lesson, taught=router.operator.unteach(caller.namespace, lesson))

    return routes


def _doubted(router: Router) -> Iterator[tuple[str, Doubts]]:
    for name in router.catalog.deployments:
        doubts = router.doubts_of(name)
        if doubts.bills or doubts.usages:
            yield name, doubts


def doubted_view(name: str, doubts: Doubts) -> DoubtedView:
    """What a deployment said and was not believed."""
    return DoubtedView(
        deployment=name,
        bills=doubts.bills,
        bill_factor=doubts.bill_factor,
        usages=doubts.usages,
        usage_doubt=doubts.usage_doubt or None,
    )


def alarm_view(alarm: Alarm) -> AlarmView:
    """An alarm that a person may take back."""
    return AlarmView(
        route=alarm.route,
        deployment=alarm.deployment,
        mode=alarm.mode.value,
        statistic=alarm.statistic,
        tasks=list(alarm.tasks),
    )
