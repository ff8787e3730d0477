"""Silent changes of quality: what is found, what that does to beliefs, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is held against a deployment: doubt or lost; steady after a change of model.

    statistic   of the CUSUM of losses since the alarm
    tasks       whose belief from before the alarm is kept
    """

    namespace: str
    route: str
    deployment: str
    mode: Mode
    statistic: float
    tasks: tuple[str, ...]


class QualityWatch:
    """Whose quality is in doubt, on every route.

    groups      beliefs by (namespace, route), those of `Beliefs`
    opened      the beliefs of a route, made if there are none
    is_judge    it looks for changes of quality itself, and is not told of them by another replica
    """

    def __init__(
        self,
        groups: Mapping[tuple[str, str], RouteBeliefs],
        opened: Callable[[Cell], RouteBeliefs],
    ) -> None:
        self._groups = groups
        self._opened = opened
        self._shifts: list[Event] = []
        self.is_judge = True

    def mode(self, cell: Cell, deployment: str) -> Mode:
        """Whether the quality of a deployment is steady, in doubt or lost."""
        group = self._groups.get(cell[:2])
        return group.mode(deployment) if group else Mode.STEADY

    def probe(self, cell: Cell, deployment: str) -> float:
        """Least share for a look at a deployment whose quality is in doubt or lost."""
        group = self._groups.get(cell[:2])
        watch = group.watches.get(deployment) if group else None
        return watch.probe if watch else 0.0

    def act_on(
        self, finding: Finding, group: RouteBeliefs, cell: Cell, deployment: str, now: float
    ) -> None:
        """Change what is believed of a deployment on the route of a cell, and keep that to tell."""
        facts = dict(_acted_on(group, finding, deployment), namespace=cell[0], route=cell[1])
        self._shifts.append(
            Event(kind=EventKind.QUALITY_DRIFTED, deployment=deployment, at=now, facts=facts)
        )

    def drain(self) -> list[Event]:
        """Changes of quality found since the last call, oldest first."""
        shifts, self._shifts = self._shifts, []
        return shifts

    def alarms(self) -> list[Alarm]:
        """Every deployment whose belief an alarm has changed, and that a person may undo."""
        return [
            Alarm(
                namespace=namespace,
                route=route,
                deployment=name,
                mode=watch.mode,
                statistic=watch.down.statistic,
                tasks=tuple(sorted(watch.saved)),
            )
            for (namespace, route), group in sorted(self._groups.items())
            for name, watch in sorted(group.watches.items())
            if watch.saved
        ]

    def undo(self, namespace: str, route: str, deployment: str) -> bool:
        """Take back an alarm: the belief from before it holds again. False if there was none."""
        group = self._groups.get((namespace, route))
        watch = group.watches.get(deployment) if group else None
        if group is None or watch is None or not watch.saved:
            return False
        _restore(group, deployment, group.settings.evidence_cap)
        return True

    def age(self, deployment: str, *, keep: float) -> None:
        """The served model has changed: keep `keep` rewards of evidence per task at most."""
        for group in self._groups.values():
            _age(group, deployment, keep)

    def to_state(self, namespace: str, route: str, deployment: str) -> dict[str, Any] | None:
        """What is believed of a deployment's success at all tasks, its last rewards and its watch.

        JSON-able and exact; None where nothing is believed of the route.
        """
        group = self._groups.get((namespace, route))
        if group is None:
            return None
        rows = group.of_deployment(deployment)
        watch, last = group.watches.get(deployment), group.recents.get(deployment)
        return {
            "rows": {task: row.to_state() for task, row in rows.items()},
            "watch": watch.to_state() if watch else None,
            "last": last.to_state() if last else None,
        }

    def take_over(
        self, namespace: str, route: str, deployment: str, state: Mapping[str, Any]
    ) -> None:
        """Believe `to_state` of another replica in place of what is believed; token use stays."""
        group = self._opened(Cell(namespace, route, ""))
        for task, row in state["rows"].items():
            group.open(task, deployment).copy_rewards(RewardStatistics.from_state(row))
        if state["watch"]:
            group.watches[deployment] = ChangeDetector.from_state(state["watch"])
        group.unsettle(deployment)
        if state["last"]:
            half_life_s = group.settings.half_life_s
            group.recents[deployment] = RecentRewards.from_state(state["last"], half_life_s)


def _acted_on(group: RouteBeliefs, finding: Finding, deployment: str) -> dict[str, object]:
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
        _restore(group, deployment, KEEP_RESTORED if is_recovery else group.settings.evidence_cap)
    group.unsettle(deployment)
    return facts


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


def _restore(group: RouteBeliefs, deployment: str, most: float) -> None:
    """Put the evidence from before an alarm back, `most` rewards at most per task."""
    watch = group.watches[deployment]
    for task, state in watch.saved.items():
        row = group.open(task, deployment)
        row.copy_rewards(RewardStatistics.from_state(state))
        row.shrink_to(most)
    watch.settle(Mode.STEADY)
    group.unsettle(deployment)


def _age(group: RouteBeliefs, deployment: str, most: float) -> None:
    """`most` rewards per task stay; `_restore` takes it back."""
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
