"""Bodies of the call on spend and savings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from windsock.service.control.schemas.base import Answer

By = Literal["task", "key", "deployment", "route"]


class SpendView(Answer):
    """Requests of one group, or of all. Null dollars are unknown."""

    group: str | None = Field(description="null: without a key, or nobody answered")
    requests: int
    answered: int
    cost_usd: float | None = Field(description="of all calls, of requests of known cost")
    unknown_cost: int = Field(description="requests whose cost is not known, and in no sum")
    judged: int
    success_rate: float | None
    cost_per_success_usd: float | None
    billed_usd: float | None = Field(description="what providers said they charged")
    counted_usd: float | None = Field(description="what the same calls come to at our prices")
    doubted_usd: float | None = Field(description="bills that cannot be, and are in no sum")
    refused: int = Field(description="requests that asked nobody, for money")
    cache_hits: int
    cache_saved_usd: float
    compared_requests: int = Field(description="of known cost, and of a kind the baseline serves")
    compared_usd: float | None = Field(description="what those cost")
    baseline_usd: float | None = Field(description="what those would have cost at the baseline")
    saved_usd: float | None = Field(description="below 0: the baseline would have been cheaper")
    seen_share: float | None = Field(
        description="share of those whose baseline is a mean of requests it answered in this time; "
        "of the others it is what one would be expected to cost there"
    )
    baseline_success_rate: float | None = Field(
        description="of the baseline at as many judged requests of the same tasks"
    )
    baseline_judged: int = Field(description="judged requests of the baseline that this rests on")


class SpendAnswer(Answer):
    """Lines by spend, the dearest first. Times are unix s; `at` begins each step."""

    since: float
    until: float
    step_s: float
    by: By
    baseline: str | None
    total: SpendView
    data: list[SpendView]
    groups: int = Field(description="how many there are; what is not in `data` is in `total`")
    at: list[float]
    series: dict[str, list[float | None]] = Field(description="dollars in each step, by group")
