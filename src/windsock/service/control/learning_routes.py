"""Alarms of silent change, and lessons from past evaluations, over HTTP."""

from __future__ import annotations

from windsock.core.beliefs.summaries import Alarm
from windsock.service.control.schemas.admin import AlarmView


def alarm_view(alarm: Alarm) -> AlarmView:
    return AlarmView(
        route=alarm.route,
        deployment=alarm.deployment,
        mode=alarm.mode.value,
        statistic=alarm.statistic,
        tasks=list(alarm.tasks),
    )
