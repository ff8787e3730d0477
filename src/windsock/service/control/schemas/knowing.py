"""What knowing success costs, and what it bought."""

from pydantic import Field

from windsock.service.control.schemas.base import Answer


class CostView(Answer):
    """What one way to know has cost in the span, and what all it said so far is worth."""

    by: str = Field(
        description="judge, shadow, or exploring: what its requests cost beyond the best buy, as "
        "believed now, which is among what the route has spent"
    )
    requests: int
    cost_usd: float | None = Field(description="null where no request's cost is known")
    unknown_cost: int = Field(description="requests whose cost is not known, and in no sum")
    says: float | None = Field(
        description="rewards that it counts for: of exploring, labels of its answers; null: unknown"
    )
    usd_per_reward: float | None = Field(description="dollars for each of them; null without any")
    usd_per_halving: float | None = Field(
        None, description="dollars for each time that the 90 % interval is half as wide by it"
    )
    lost_successes: float | None = Field(
        None, description="of exploring: successes that its requests lack beside the best buy"
    )


class PlacedCostView(CostView):
    """The same of one deployment at one task; null: of before that was kept, or
    of those that are not told one by one."""

    task: str | None
    deployment: str | None


class KnowingView(CostView):
    """All of one route: what its `cells` add up to."""

    route: str
    cells: list[PlacedCostView] = Field(description="the dearest first")
