"""One run as it is made: steps, splits and progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.core.model.decisions import Decision
from windsock.simulation.world.traffic import SimulatedRequest

Progress = Callable[[int], None]


@dataclass(slots=True)
class Step:
    """What became of one request, or of `count` requests of one window that went the same way.

    deployment  that served, None if none did
    weights     of the table the first draw came from
    usd, right, attempts    of all of them together
    latency_s   of one
    late        of them whose first token came after the ceiling, for real-time traffic
    span_s      seconds over which they came, 0 if it is one request
    """

    at: float
    task: str
    deployment: str | None
    weights: dict[str, float]
    usd: float
    right: float
    latency_s: float
    attempts: int
    count: int = 1
    is_realtime: bool = False
    late: int = 0
    span_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Split:
    """What a shock asks for: a deployment's weight when its feed shows the price, and under it."""

    shock: int
    task: str
    share_before: float
    share_then: float


@dataclass(slots=True)
class Run:
    """One policy under one seed."""

    policy: str
    seed: int
    steps: list[Step] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    is_whole: bool = True


def refused(ask: SimulatedRequest) -> Step:
    """A request that got no answer and cost nothing."""
    return Step(
        at=ask.at,
        task=ask.task,
        deployment=None,
        weights={},
        usd=0.0,
        right=0.0,
        latency_s=0.0,
        attempts=0,
        is_realtime=ask.is_realtime,
        late=int(ask.is_realtime),
    )
