"""What a run amounts to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from windsock.simulation.results.run import Run, Split, Step
from windsock.simulation.world.conditions import Shock
from windsock.simulation.world.world import World

MOVED = 0.9
"""Traffic counts as shifted when this share of the move is done."""

LEAST_MOVE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ShockMeasure:
    """What one price shock did to the traffic of its deployment, at the task it moves most.

    share_before        its weight when the feed shows the price
    share_then          its weight in the new split: same beliefs, the new price
    share_end           its mean weight in the last quarter of the time until the next shock
    switch_requests     requests of the task from then until 90 % of the new split was reached; 0 is
                        the first request; None if the new split hardly differs, or was not reached
    switch_s            seconds from then to the last request before 90 % was reached, 0 if there
                        was none; None likewise
    """

    deployment: str
    task: str
    at_hour: float
    share_before: float
    share_then: float
    share_end: float
    switch_requests: int | None
    switch_s: float | None

    @property
    def is_asked(self) -> bool:
        """True if the new split differs enough to be reached or missed."""
        return abs(self.share_then - self.share_before) >= LEAST_MOVE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in numbers.

    success         share of all requests that were answered rightly
    usd_by_day      spend of each day of the run, UTC
    realtime_kept   share of real-time requests whose first token kept below the ceiling
    """

    policy: str
    seed: int
    requests: int
    spend_usd: float
    success: float
    cost_per_success_usd: float
    attempts_per_request: float
    p95_latency_s: float
    share_by_deployment: dict[str, float]
    usd_by_day: tuple[float, ...]
    realtime_kept: float | None
    shocks: tuple[ShockMeasure, ...]
    is_whole: bool


def summarize(run: Run, world: World) -> RunSummary:
    """Raises ValueError if nothing was run."""
    steps = run.steps
    if not steps:
        raise ValueError("nothing was run")
    spend = sum(step.usd for step in steps)
    right = sum(step.right for step in steps)
    requests = sum(step.count for step in steps)
    return RunSummary(
        policy=run.policy,
        seed=run.seed,
        requests=requests,
        spend_usd=spend,
        success=right / requests,
        cost_per_success_usd=spend / right if right else float("inf"),
        attempts_per_request=sum(step.attempts for step in steps) / requests,
        p95_latency_s=_p95_latency_s(steps),
        share_by_deployment={
            name: sum(step.count for step in steps if step.deployment == name) / requests
            for name in world.names
        },
        usd_by_day=_usd_by_day(steps),
        realtime_kept=_realtime_kept(steps),
        shocks=tuple(_shocks(run, world)),
        is_whole=run.is_whole,
    )


def _p95_latency_s(steps: Sequence[Step]) -> float:
    """The latency that 95 % of the requests keep below."""
    left = 0.95 * (sum(step.count for step in steps) - 1)
    for step in sorted(steps, key=lambda step: step.latency_s):
        left -= step.count
        if left < 0:
            return step.latency_s
    return float("inf")


def _usd_by_day(steps: Sequence[Step]) -> tuple[float, ...]:
    days: dict[int, float] = {}
    for step in steps:
        day = int(step.at // 86_400)
        days[day] = days.get(day, 0.0) + step.usd
    return tuple(days[day] for day in sorted(days))


def _realtime_kept(steps: Sequence[Step]) -> float | None:
    asked = sum(step.count for step in steps if step.is_realtime)
    late = sum(step.late for step in steps if step.is_realtime)
    return 1.0 - late / asked if asked else None


def _shocks(run: Run, world: World) -> list[ShockMeasure]:
    shocks = world.shocks
    shown = [world.shown_at(shock) for shock in shocks]
    measures = []
    for i, shock in enumerate(shocks):
        splits = [split for split in run.splits if split.shock == i]
        if not splits:
            continue
        split = max(splits, key=lambda each: abs(each.share_then - each.share_before))
        end = min((other for other in shown if other > shown[i]), default=float("inf"))
        after = [
            (step.at - shown[i], step.weights.get(shock.deployment, 0.0), step.count)
            for step in run.steps
            if step.task == split.task and shown[i] <= step.at < end and not step.is_realtime
        ]
        if after:
            measures.append(_measure(shock, split, after))
    return measures


def _measure(shock: Shock, split: Split, after: Sequence[tuple[float, float, int]]) -> ShockMeasure:
    """after: (seconds since shown, weight of the shocked deployment, requests), step by step."""
    requests, seconds = _until_moved(split, after)
    return ShockMeasure(
        deployment=shock.deployment,
        task=split.task,
        at_hour=shock.at_hour,
        share_before=split.share_before,
        share_then=split.share_then,
        share_end=_tail_mean([(share, count) for _, share, count in after]),
        switch_requests=requests,
        switch_s=seconds,
    )


def _until_moved(
    split: Split, after: Sequence[tuple[float, float, int]]
) -> tuple[int | None, float | None]:
    """Requests before 90 % of the move is done, and when the last of them came."""
    move = split.share_then - split.share_before
    if abs(move) < LEAST_MOVE:
        return None, None
    passed, last_s = 0, 0.0
    for since_s, share, count in after:
        if (share - split.share_before) / move >= MOVED:
            return passed, last_s
        passed, last_s = passed + count, since_s
    return None, None


def _tail_mean(after: Sequence[tuple[float, int]]) -> float:
    """Mean weight over the last quarter of the requests."""
    left = max(1.0, sum(count for _, count in after) / 4)
    total = weighed = 0.0
    for share, count in reversed(after):
        taken = min(count, left - total)
        weighed += taken * share
        total += taken
        if total >= left:
            break
    return weighed / total
