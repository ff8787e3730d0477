"""Bodies of the calls on deployments, alarms and lessons."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer
from windsock.service.control.schemas.weights import StretchView


class DeploymentView(Answer):
    """Health of one deployment from live traffic and from status feeds."""

    deployment: str
    provider: str
    model: str
    state: str = Field(description="closed (in use), open (cooling down) or half_open (probing)")
    why_out: str | None = Field(description="its health, or that it has no price; null: in use")
    cooldown_until: float | None
    errors: str | None = Field(description="how most of its last calls failed, if most did")
    reported: str
    p50_first_byte_ms: float | None
    p95_first_byte_ms: float | None
    latency_samples: int
    successes: int
    failures: int
    uptime: float | None
    usage_doubted: int = Field(description="calls whose counts were not believed, since the start")
    usage_doubt: str | None = Field(description="why those of the last such call were not")
    bills_doubted: int = Field(description="bills that were not believed, since the start")
    bill_factor: float | None = Field(description="the last such bill over what was reckoned")
    capabilities: dict[str, Any]
    unsupported: dict[str, float] = Field(
        description="fields of requests that it refused of late, by the seconds since"
    )


class DeploymentsAnswer(Answer):
    """Of the whole catalog."""

    data: list[DeploymentView]


class PastRate(Answer):
    """How often a deployment was right at a task, over how many prompts."""

    task: Name
    deployment: DeploymentName
    success: float = Field(ge=0, le=1, allow_inf_nan=False)
    count: float = Field(gt=0, le=1e12, allow_inf_nan=False)


MOST_RATES = 50_000
"""In one lesson."""


class Lesson(Answer):
    """Beliefs to start from. strength: most rewards that one rate may count for."""

    route: Name
    results: list[PastRate] = Field(min_length=1, max_length=MOST_RATES)
    strength: float = Field(default=50.0, gt=0, le=1e6, allow_inf_nan=False)


class LessonAnswer(Answer):
    """The number that takes a lesson back, and how many rates it holds."""

    lesson: int
    taught: int


class AlarmView(Answer):
    """A belief that an alarm has changed, and that can be put back."""

    route: str
    deployment: str
    mode: str = Field(description="doubt, lost, or steady after a change of the served model")
    statistic: float = Field(description="CUSUM of losses since the alarm")
    tasks: list[str]


class DoubtedView(Answer):
    """A deployment that said of its calls what cannot be, since the start."""

    deployment: str
    bills: int = Field(description="bills that are in no sum")
    bill_factor: float | None = Field(description="the last such bill over what was counted")
    usages: int = Field(description="calls whose counts were replaced by the router's own")
    usage_doubt: str | None = Field(description="why those of the last such call were")


class DissentView(Answer):
    """A key whose rewards lie off from those of others."""

    key: str
    route: str
    task: str
    deployment: str
    rewards: float = Field(description="that it has given, those of long ago counting less")
    mean: float = Field(description="of them, 0..1")
    believed: float = Field(description="0..1, the share of them that counts")


class FloorView(Answer):
    """A quality floor that nobody reaches, and how far one can go."""

    route: str
    task: str = Field(description="empty for a floor over all traffic of the route")
    floor: float
    reachable: float = Field(description="expected success of the best candidate")
    best: str
    success: float = Field(description="expected of the weights of now")
    rewards: float = Field(description="discounted, behind the belief in the best")
    further: list[StretchView] = Field(description="what more success would cost")


class AlarmsAnswer(Answer):
    """Alarms of the caller's namespace, and deployments whose bills or counts are doubted."""

    data: list[AlarmView]
    doubted: list[DoubtedView] = Field(default_factory=list)
    keys: list[DissentView] = Field(default_factory=list, description="that disagree")
    silenced: list[str] = Field(default_factory=list, description="keys that a person took out")
    floors: list[FloorView] = Field(default_factory=list, description="out of reach")


class Silence(Answer):
    """Whose rewards to take out of what is believed, or to count again."""

    key: str
    is_silent: bool = True


class Undo(Answer):
    """Which alarm to take back."""

    route: Name
    deployment: DeploymentName
