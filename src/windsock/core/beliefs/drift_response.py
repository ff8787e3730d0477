"""What an alarm, a recovery or a change of model does to the beliefs of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.beliefs.drift.change_detection import (
    KEEP_DOWN,
    KEEP_RESTORED,
    KEEP_UP,
    SHIFT_SHRINK,
    ChangeDetector,
    Finding,
    Mode,
)
from windsock.core.beliefs.drift.common_drift import RecentRewards
from windsock.core.beliefs.route_beliefs import RouteBeliefs
from windsock.core.beliefs.statistics import RewardStatistics


def act_on(group: RouteBeliefs, finding: Finding, deployment: str) -> dict[str, object]:
    """Change the belief of every task of a deployment; the facts of the finding."""
    watch = group.watches[deployment]
    side = watch.down if finding is Finding.WORSE else watch.up
    shift = side.mean_excess(SHIFT_SHRINK)
    facts: dict[str, object] = {
        "finding": finding.value,
        "statistic": side.statistic,
        "shift": shift,
        "rewards": side.count,
    }
    if finding is Finding.WORSE:
        _doubt(group, deployment, watch, shift)
    elif finding is Finding.BETTER:
        for row in group.of_deployment(deployment).values():
            row.move(shift, KEEP_UP)
        watch.settle(Mode.STEADY)
    elif finding is Finding.CONFIRMED:
        watch.settle(Mode.LOST)
    else:
        is_recovery = finding is Finding.RECOVERED
        restore(group, deployment, KEEP_RESTORED if is_recovery else group.settings.evidence_cap)
    group.unsettle(deployment)
    return facts


def age(group: RouteBeliefs, deployment: str, most: float) -> None:
    """The served model has changed: `most` rewards per task stay; `restore` takes it back."""
    rows = group.of_deployment(deployment)
    if not rows:
        return
    watch = group.watches.setdefault(deployment, ChangeDetector())
    saved = watch.saved or {task: row.to_state() for task, row in rows.items()}
    watch.settle(Mode.STEADY)
    watch.saved = saved
    for row in rows.values():
        row.shrink_to(most)
    group.recents.pop(deployment, None)
    group.changes += 1


def restore(group: RouteBeliefs, deployment: str, most: float) -> None:
    """Put the evidence from before an alarm back, `most` rewards at most per task."""
    watch = group.watches[deployment]
    for task, state in watch.saved.items():
        row = group.open(task, deployment)
        row.copy_rewards(RewardStatistics.from_state(state))
        row.shrink_to(most)
    watch.settle(Mode.STEADY)
    group.unsettle(deployment)


def _doubt(group: RouteBeliefs, deployment: str, watch: ChangeDetector, shift: float) -> None:
    """Move a belief down at once; as it was before the losses it is kept, for undoing."""
    rows = group.of_deployment(deployment)
    if watch.mode is Mode.STEADY:
        total = sum(row.count for row in rows.values())
        for task, row in rows.items():
            watch.saved[task] = row.without(watch.down.excess * row.count / total).to_state()
    for row in rows.values():
        row.move(shift, KEEP_DOWN)
    watch.begin_doubt()


def expect(
    group: RouteBeliefs, task: str, deployment: str, weight: float, most: float, now: float
) -> None:
    """Move a row towards its prior mean by `weight` rewards, to `most` in all.

    most    below 0: only what room is left below -most is taken
    """
    row = group.rows.get((task, deployment)) or group.open(task, deployment)
    weight = weight if most > 0 else min(weight, max(0.0, -most - row.count))
    total = weight * group.fitting.mean(task, deployment, group.expected)
    row.observe_sums(weight, total, total, now, group.settings)
    if 0 < most < row.count:
        row.shrink_to(most)
    group.touch(now)


def shrink_task(group: RouteBeliefs, task: str, most: float) -> None:
    """Shrink the evidence of every deployment at a task to `most` rewards; the means stay."""
    for (name, _), row in group.rows.items():
        if name == task:
            row.shrink_to(most)
    group.changes += 1


def quality_of(group: RouteBeliefs, deployment: str) -> dict[str, Any]:
    """The rewards of a deployment by task, its last ones, and its watch; JSON-able and exact."""
    watch, last = group.watches.get(deployment), group.recents.get(deployment)
    return {
        "rows": {task: row.to_state() for task, row in group.of_deployment(deployment).items()},
        "watch": watch.to_state() if watch else None,
        "last": last.to_state() if last else None,
    }


def take_over(group: RouteBeliefs, deployment: str, state: Mapping[str, Any]) -> None:
    """Believe a `quality_of`; token use stays."""
    for task, row in state["rows"].items():
        group.open(task, deployment).copy_rewards(RewardStatistics.from_state(row))
    if state["watch"]:
        group.watches[deployment] = ChangeDetector.from_state(state["watch"])
    group.unsettle(deployment)
    if state["last"]:
        half_life_s = group.settings.half_life_s
        group.recents[deployment] = RecentRewards.from_state(state["last"], half_life_s)
