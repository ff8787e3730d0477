"""Alarms of silent change, and lessons from past evaluations, over HTTP."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends

from windsock.core.beliefs.quality_watch import Alarm
from windsock.core.evidence.doubts import Doubts
from windsock.core.evidence.keys.key_watch import Dissent
from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.events import Event
from windsock.core.routing.outlook.floor_reach import Reach
from windsock.core.routing.outlook.route_reach import reaches
from windsock.core.routing.router import Router
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.admin import (
    AlarmsAnswer,
    AlarmView,
    DissentView,
    DoubtedView,
    FloorView,
    Lesson,
    LessonAnswer,
    Silence,
    Undo,
)
from windsock.service.control.schemas.asked import Number
from windsock.service.control.schemas.prices import RulingAnswer
from windsock.service.control.schemas.weights import StretchView


def learning_routes(insight: Insight) -> APIRouter:
    """GET /v1/alarms; POST /v1/alarms/{undo,silence}, /v1/learn; DELETE /v1/learn/{lesson}."""
    router, clock = insight.router, insight.clock
    routes = insight.commands("inspect")
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    def ruled(events: list[Event]) -> RulingAnswer:
        for event in events:
            insight.publish(event)
        insight.keep()
        return RulingAnswer(events=[event_view(event) for event in events])

    @routes.get("/v1/alarms", summary="Silent changes, floors out of reach, keys that disagree")
    async def alarms(caller: Caller) -> AlarmsAnswer:
        mine = [a for a in router.beliefs.quality.alarms() if a.namespace == caller.namespace]
        return AlarmsAnswer(
            data=[alarm_view(each) for each in mine],
            doubted=[doubted_view(name, each) for name, each in _doubted(router)],
            keys=[dissent_view(each) for each in router.operator.dissents(caller.namespace)],
            silenced=router.operator.silenced(caller.namespace),
            floors=[
                floor_view(each) for each in _out_of_reach(router, caller.namespace, clock.now())
            ],
        )

    @routes.post("/v1/alarms/undo", summary="Put the belief from before an alarm back")
    async def undo(caller: Admin, asked: Undo) -> RulingAnswer:
        shifts = router.operator.undo_alarm(
            caller.namespace, asked.route, asked.deployment, clock.now()
        )
        return ruled(shifts)

    @routes.post("/v1/alarms/silence", summary="Take a key's rewards out of what is believed")
    async def silence(caller: Admin, asked: Silence) -> RulingAnswer:
        return ruled(
            router.operator.silence_key(
                caller.namespace, asked.key, is_silent=asked.is_silent, now=clock.now()
            )
        )

    @routes.post("/v1/learn", summary="Start beliefs from past results")
    async def learn(caller: Admin, lesson: Lesson) -> LessonAnswer:
        results = [PastResult(**result.model_dump()) for result in lesson.results]
        number = router.operator.teach(
            caller.namespace, lesson.route, results, strength=lesson.strength, now=clock.now()
        )
        insight.keep()
        return LessonAnswer(lesson=number, taught=len(results))

    @routes.delete("/v1/learn/{lesson}", summary="Take a lesson back")
    async def unlearn(caller: Admin, lesson: Number) -> LessonAnswer:
        taught = router.operator.unteach(caller.namespace, lesson)
        insight.keep()
        return LessonAnswer(lesson=lesson, taught=taught)

    return routes


def _doubted(router: Router) -> Iterator[tuple[str, Doubts]]:
    for name in router.catalog.deployments:
        doubts = router.doubts_of(name)
        if doubts.bills or doubts.usages:
            yield name, doubts


def _out_of_reach(router: Router, namespace: str, now: float) -> Iterator[Reach]:
    cells = [cell for cell in router.tables.cells() if cell.namespace == namespace]
    found = (reach for _, reach in reaches(router, cells, now))
    return (reach for reach in found if reach is not None and reach.is_out_of_reach)


def floor_view(reach: Reach) -> FloorView:
    """A floor that nobody reaches."""
    return FloorView(
        route=reach.cell.route,
        task=reach.cell.name,
        floor=reach.floor,
        reachable=reach.reachable,
        best=reach.best,
        success=reach.success,
        rewards=reach.rewards,
        further=[StretchView.of(each) for each in reach.further],
    )


def doubted_view(name: str, doubts: Doubts) -> DoubtedView:
    """What a deployment said and was not believed."""
    return DoubtedView(
        deployment=name,
        bills=doubts.bills,
        bill_factor=doubts.bill_factor,
        usages=doubts.usages,
        usage_doubt=doubts.usage_doubt or None,
    )


def dissent_view(found: Dissent) -> DissentView:
    """A key that disagrees with the others."""
    cell, deployment = found.place
    return DissentView(
        key=found.key,
        route=cell.route,
        task=cell.name,
        deployment=deployment,
        rewards=found.rewards,
        mean=found.mean,
        believed=found.believed,
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
