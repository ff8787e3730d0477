"""Bodies of /v1/labels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from windsock.service.control.schemas.asked import Name
from windsock.service.control.schemas.base import Answer


class SaidView(Answer):
    """One message of a prompt."""

    role: str
    text: str


class WantedView(Answer):
    """An answer that nobody has labelled. Its texts are null where they are not held."""

    decision_id: str
    at: float = Field(description="unix s")
    route: str
    task: str
    deployment: str
    prompt_tokens: int = Field(description="estimate")
    cost_usd: float | None
    label_worth: float = Field(description="variance of the next success that a label takes away")
    prompt: list[SaidView] | None
    answer: str | None


class ChoiceView(Answer):
    """Which candidate of a task is the best buy, and what is open of that."""

    route: str
    task: str
    leader: str
    certainty: float = Field(description="0..1, chance that it is the best buy")
    loss: float = Field(description="success that a request loses for want of knowing, 0..1")
    loss_usd: float | None = Field(
        description="the same in dollars a request; null where a success has no bounded worth"
    )
    loss_usd_per_day: float | None = Field(description="at the requests of the last day")
    requests_per_day: int = Field(description="of the last day")
    labels: float = Field(description="recent ones")
    answers: float = Field(description="recent ones")


class LabelsAnswer(Answer):
    """Those whose label tells most first; `note` says why there are no texts, if there are none."""

    data: list[WantedView]
    choices: list[ChoiceView] = Field(description="of their tasks, the dearest first")
    texts_held: int = Field(description="answers of those asked for whose texts may be read")
    note: str | None


class Label(Answer):
    """What a person says of an answer."""

    decision_id: Name
    value: Annotated[float, Field(ge=0, le=1, description="or true, false")]


class BoughtView(Answer):
    """What is known of one deployment, and of the choice, at one moment."""

    success_mean: float
    success_interval: tuple[float, float] = Field(description="90 % credible interval")
    effective_samples: float
    choice: ChoiceView | None


class LabelAnswer(Answer):
    """What a label has changed. A surprise widens an interval and opens a choice."""

    decision_id: str
    route: str
    task: str
    deployment: str
    is_duplicate: bool
    before: BoughtView
    after: BoughtView
    narrowed: float = Field(description="width of the interval that it took away")
    bought_usd_per_day: float | None = Field(
        description="loss for want of knowing that it took away, at the requests of the last day"
    )
