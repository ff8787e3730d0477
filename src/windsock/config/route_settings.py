"""Routes and budgets in windsock.toml."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import Field, model_validator

from windsock.config.comparing.cascade_settings import CascadeSettings
from windsock.config.comparing.shadow_settings import ShadowSettings
from windsock.config.evidence.checks import CheckSettings
from windsock.config.evidence.judge import JudgeSettings
from windsock.config.value_types import Lasting, Seconds
from windsock.resources.declared import Part, Share


class RuleCondition(Part):
    """Which requests a rule is for; all that is given must hold. Sizes in tokens, ends included."""

    task: str | None = None
    max_prompt_tokens: int | None = Field(default=None, ge=0)
    min_prompt_tokens: int = Field(default=0, ge=0)


class RuleSettings(Part):
    """Narrows the candidates of matching requests; the first match wins."""

    when: RuleCondition
    candidates: tuple[str, ...] = Field(min_length=1)


class RouteSettings(Part):
    """A route.

    aliases         further names that clients may ask for it by, such as "gpt-4o", or globs, such
                    as "claude-*"; "*" is what nothing else is known by
    fallbacks       routes or deployments asked in this order when nobody of the candidates answers,
                    unless the caller names `models` of his own
    policy          who gets the next request: a name of `core.policies.registry.POLICIES`. All but
                    `price_aware` are baselines, which know no objective and keep no budget
    quality_floor   least P(success), held per task. `cost_per_success` never goes without one
                    (it would send everything to the cheapest), hence the default of 0.90
    route_quality_floor     least P(success) over all traffic of the route: one value of a success
                    for all its tasks, so each point is bought where it is cheapest. Alone it stands
                    for objective = "quality_floor"; with `quality_floor`, both are held
    quality         economy, balanced, high or max: a success is worth 10, 100 or 1,000 times what
                    one costs at the incumbent, else at the cheapest that is nearly the best;
                    max: the best, whatever it costs. Stands for objective = "quality"
    incumbent       the candidate that is used today: traffic leaves it only for what is credibly a
                    better buy, and the loss against having kept it is bounded
    budget          a [budgets] name, shared by all routes that give it: the objective 'budget'
                    splits it by equal value of the last dollar; others only stop at its cap
    segments        of requests that name no task, learnt from cheap numbers about the prompt, where
                    routing by them measurably pays
    classify        propose a task for requests that name none, learnt from those that do
    first_byte_timeout      until the first content of a stream, the head of a plain answer
    stall_timeout   between contents of a stream
    answer_timeout  a whole plain answer, head and body
    max_attempts    calls for one request, retries, fallbacks and escalations together
    hedge           share of calls, and of dollars, that may be spent on asking a second deployment
                    beside one that is later than its own 95th percentile; 0 is off
    patience        longest pause before a deployment that failed once is asked again where another
                    is dearer, and for the first that is back where all are left alone; 0s: no wait
    allow_empty     an answer without text, tool call, image or sound is an answer, no failure
    rescue_streams  have another deployment go on with a stream that broke off in its text; both
                    are paid for, and the join is told in the stream
    content_filter  what a provider's content filter says of a request: 'refuse' tells the caller in
                    the provider's words, 'elsewhere' asks another deployment first
    learn_from_use  what users do with answers is a score of them: ask again, put right, go on,
                    leave, edit; texts of answers are held in memory for that
    judge           a model that scores answers beside the requests
    """

    candidates: tuple[str, ...] = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    policy: str = "price_aware"
    objective: Literal["cost_per_success", "value", "quality", "quality_floor", "budget"] = (
        "cost_per_success"
    )
    quality: Literal["economy", "balanced", "high", "max"] | None = None
    incumbent: str | None = None
    quality_floor: Share | None = None
    route_quality_floor: Share | None = None
    usd_per_success: float | None = Field(default=None, gt=0)
    usd_per_request: float | None = Field(default=None, gt=0)
    explore: Share = Field(default=0.02, lt=1)
    segments: bool = False
    classify: bool = False
    max_share_change_per_min: float = Field(default=1.0, gt=0, le=1)
    max_latency_ms: float | None = Field(default=None, gt=0)
    first_byte_timeout: Lasting = 60.0
    answer_timeout: Lasting = 300.0
    stall_timeout: Lasting = 60.0
    max_attempts: int = Field(default=3, ge=1, le=20)
    hedge: float = Field(default=0.0, ge=0, le=0.2)
    patience: Seconds = 1.0
    allow_empty: bool = False
    rescue_streams: bool = False
    content_filter: Literal["refuse", "elsewhere"] = "refuse"
    budget: str | None = None
    source_weights: dict[str, float] = Field(default_factory=dict)
    rules: tuple[RuleSettings, ...] = ()
    cascade: CascadeSettings | None = None
    shadow: ShadowSettings | None = None
    check: CheckSettings | None = None
    judge: JudgeSettings | None = None
    learn_from_use: bool = False

    @model_validator(mode="before")
    @classmethod
    def _a_wish_is_an_objective(cls, stated: Any) -> Any:
        """`quality` or `route_quality_floor` alone says what the route is after."""
        return with_objective(stated)

    @model_validator(mode="after")
    def _names_are_candidates(self) -> RouteSettings:
        if self.incumbent is not None and self.incumbent not in self.candidates:
            near = get_close_matches(self.incumbent, self.candidates, n=1) or self.candidates[:1]
            raise ValueError(
                f"incumbent {self.incumbent!r} is not among the candidates; add it, or take "
                f"{near[0]!r}"
            )
        if self.quality is not None and self.objective != "quality":
            raise ValueError(
                f"quality = {self.quality!r} is an objective of its own; leave out "
                f"objective = {self.objective!r}, or quality"
            )
        return self

    @model_validator(mode="after")
    def _second_opinions_can_be_had(self) -> RouteSettings:
        cascade = self.cascade
        if cascade is None or cascade.second is None:
            return self
        if cascade.second not in self.candidates:
            near = get_close_matches(cascade.second, self.candidates, n=1) or self.candidates[:1]
            raise ValueError(
                f"cascade.second {cascade.second!r} is not among the candidates; add it, or take "
                f"{near[0]!r}"
            )
        if self.policy != "price_aware":
            raise ValueError(
                f"policy {self.policy!r} cannot tell whether agreement pays; leave out the policy, "
                f"or cascade.confidence"
            )
        if self.max_attempts < 3:
            raise ValueError("agreement takes up to three calls; let max_attempts be 3 or more")
        return self

    @model_validator(mode="after")
    def _shadows_can_be_compared(self) -> RouteSettings:
        if self.shadow is not None and self.shadow.compare == "checks" and self.check is None:
            raise ValueError('shadow.compare = "checks" needs a [check] of the route; add one')
        if self.shadow is not None and self.shadow.compare == "judge" and self.judge is None:
            raise ValueError('shadow.compare = "judge" needs a [judge] of the route; add one')
        return self

    @model_validator(mode="after")
    def _objective_is_whole(self) -> RouteSettings:
        needed = {
            "quality": ("quality", self.quality),
            "quality_floor": (
                "quality_floor or route_quality_floor",
                self.route_quality_floor if self.quality_floor is None else self.quality_floor,
            ),
            "value": ("usd_per_success", self.usd_per_success),
        }
        name, value = needed.get(self.objective, ("", 0))
        if value is None:
            raise ValueError(f"objective {self.objective!r} needs {name}")
        if self.objective == "budget" and (self.usd_per_request is None) == (self.budget is None):
            raise ValueError(
                "objective 'budget' needs usd_per_request or budget = a [budgets] name, one of them"
            )
        return self


def with_objective(stated: Any) -> Any:
    """Facts of a route with the objective that a wish stands for where none is stated."""
    if not isinstance(stated, dict) or "objective" in stated:
        return stated
    if stated.get("quality"):
        return {**stated, "objective": "quality"}
    if stated.get("route_quality_floor") is not None:
        return {**stated, "objective": "quality_floor"}
    return stated


def check_names(routes: Mapping[str, RouteSettings], default_route: str | None) -> None:
    """Raises ValueError where a name stands for two routes, or the default for none."""
    owners: dict[str, str] = {name: name for name in routes}
    for name, route in routes.items():
        for alias in route.aliases:
            if not alias or owners.setdefault(alias, name) != name:
                owner = owners.get(alias, name)
                raise ValueError(
                    f"routes.{name}.aliases: {alias!r} is empty or a name of routes.{owner} already"
                )
    if default_route is None:
        return
    if default_route not in routes:
        near = get_close_matches(default_route, routes, n=1) or sorted(routes)[:1]
        hint = f"did you mean {near[0]!r}?" if near else "add it to [routes]"
        raise ValueError(f"default_route: no route is named {default_route!r}; {hint}")
    if owners.get("*", default_route) != default_route:
        raise ValueError(f"default_route: '*' is a name of routes.{owners['*']} already")


class BudgetSettings(Part):
    """Dollars that the routes of a [budgets] name spend in a day, together."""

    usd_per_day: float = Field(gt=0)
