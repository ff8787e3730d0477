"""The parts of a scenario: tasks, deployments, what happens to them, and what feeds say of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from windsock.resources.declared import Part, Share

Positive = Annotated[float, Field(gt=0)]
Hour = Annotated[float, Field(ge=0)]
UsdPerMtok = Annotated[float, Field(ge=0)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Priced(Part):
    """USD per million tokens; cached input costs `cache_read`, or `input` where it is left out."""

    input: UsdPerMtok
    output: UsdPerMtok
    cache_read: UsdPerMtok | None = None


class Task(Part):
    """share of traffic; tokens of a mean request, and which share of its prompt is cached.

    prompt_spread   standard deviation of the logarithm of prompt sizes; from 0.5 on, prompts of
                other sizes have weights of their own
    turns       requests are turns of conversations of so many, each with all before it in its
                prompt; then what is cached depends on who was asked when, and `cached_share` is
                what means of a request are reckoned with. 1: they stand alone
    pause_s     between two turns, about
    """

    share: Positive
    prompt_tokens: Positive = 500
    prompt_spread: Annotated[float, Field(ge=0, le=3)] = 0.25
    output_tokens: Positive = 150
    cached_share: Share = 0.0
    turns: Annotated[int, Field(ge=1)] = 1
    pause_s: Positive = 60.0


class Peak(Priced):
    """Prices of recurring hours. days: ISO weekdays on which it opens."""

    days: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)
    start: Clock
    end: Clock
    timezone: str = "UTC"


class DeploymentTruth(Priced):
    """A deployment as it truly is.

    quality         true probability of success by task
    latency_s       of a whole answer; first_token_s of its first token, half of it if left out
    failure_share   of its calls answer 503
    from_hour       it does not exist before
    cache_ttl_s     how long it holds a prompt of a conversation after each use
    """

    quality: dict[str, Share]
    latency_s: Positive = 0.4
    first_token_s: Positive | None = None
    failure_share: Share = 0.0
    from_hour: Hour = 0.0
    cache_ttl_s: Positive = 300.0
    peaks: tuple[Peak, ...] = ()


class Shock(Priced):
    """A price change: when it holds. Feeds show it later. peaks replace those before."""

    at_hour: Hour
    deployment: str
    peaks: tuple[Peak, ...] = ()


class Announcement(Priced):
    """A price announced for later, and perhaps taken back before it holds."""

    at_hour: Hour
    valid_from_hour: Hour
    cancelled_at_hour: Hour | None = None
    deployment: str


class Lie(Priced):
    """What one feed says for some polls, though nothing has changed."""

    at_hour: Hour
    deployment: str
    feed: str
    polls: Annotated[int, Field(ge=1)] = 1


class Silence(Part):
    """Between these hours a feed (all, if none is named) shows nothing new."""

    from_hour: Hour
    to_hour: Hour
    feed: str | None = None


class Outage(Part):
    """A deployment answers 503 between these hours."""

    from_hour: Hour
    to_hour: Hour
    deployment: str


class Slowdown(Part):
    """A deployment takes `factor` times as long between these hours."""

    from_hour: Hour
    to_hour: Hour
    deployment: str
    factor: Positive


class Drift(Part):
    """A silent change of true quality at one task, or at all of them."""

    at_hour: Hour
    deployment: str
    quality: Share
    task: str | None = None


class Redirect(Part):
    """From now on the answers come from another model, which they name.

    Where the scenario has that model at the same provider, its quality and its price hold too;
    feeds go on showing the old price.
    """

    at_hour: Hour
    deployment: str
    served_model: str


class Surge(Part):
    """Traffic is `factor` times the usual between these hours."""

    from_hour: Hour
    to_hour: Hour
    factor: Positive


class Rhythm(Part):
    """Traffic by UTC hour and by ISO weekday, relative to the mean."""

    by_hour: tuple[UsdPerMtok, ...] = (1.0,) * 24
    by_weekday: tuple[UsdPerMtok, ...] = (1.0,) * 7

    @model_validator(mode="after")
    def _is_whole(self) -> Rhythm:
        if len(self.by_hour) != 24 or len(self.by_weekday) != 7:
            raise ValueError("by_hour takes 24 numbers and by_weekday 7")
        if not sum(self.by_hour) or not sum(self.by_weekday):
            raise ValueError("by_hour and by_weekday need a number above 0")
        return self


class Confidence(Part):
    """How surely an answer judges itself: Beta(a, b) of right answers and of wrong ones."""

    right: tuple[Positive, Positive]
    wrong: tuple[Positive, Positive]


class CascadeAim(Part):
    """Answers below this confidence are asked again of `to`."""

    escalate_below: Share = 0.85
    to: tuple[str, ...]


class RouteGoal(Part):
    """The route under test, as in `windsock.toml`.

    A floor over the route that is stated alone takes the place of the one per task; a wish for
    quality has a floor only where one is stated.
    """

    objective: Literal["cost_per_success", "value", "quality", "quality_floor", "budget"] = (
        "cost_per_success"
    )
    quality: Literal["economy", "balanced", "high", "max"] | None = None
    incumbent: str | None = None
    quality_floor: Share | None = 0.85
    route_quality_floor: Share | None = None
    usd_per_success: Positive | None = None
    usd_per_request: Positive | None = None
    usd_per_day: Positive | None = None
    explore: Share = 0.02
    evidence_cap: Positive | None = None
    cascade: CascadeAim | None = None

    @model_validator(mode="before")
    @classmethod
    def _what_is_stated_stands_alone(cls, stated: Any) -> Any:
        if not isinstance(stated, dict) or "quality_floor" in stated:
            return stated
        if stated.get("objective") == "quality":
            return {"quality_floor": None} | stated
        if stated.get("route_quality_floor") is None or "objective" in stated:
            return stated
        return {"quality_floor": None, "objective": "quality_floor"} | stated


class Realtime(Part):
    """A slice of the traffic that goes to a route of its own, with a ceiling on the first token.

    share   of all traffic; taken from `tasks`, or from all of them
    """

    share: Share
    tasks: tuple[str, ...] = ()
    max_latency_ms: Positive = 200
    quality_floor: Share = 0.85


class Rivals(Part):
    """What the rivals cannot know by themselves.

    flagship    where everything went before
    rules       deployment by task, as somebody once wrote down; `otherwise` for the rest
    short_tokens    prompts up to this size follow the rules, longer ones go to `otherwise`
    escalate_below  the rules ask the flagship again below this confidence
    """

    flagship: str
    rules: dict[str, str] = Field(default_factory=dict)
    otherwise: str
    short_tokens: Annotated[int, Field(ge=1)] | None = None
    escalate_below: Share | None = None


class Archive(Part):
    """Price changes of the shipped archive between two dates, for the scenario's deployments.

    aliases     deployment in the scenario by `provider/model` in the archive
    """

    since: str
    until: str
    aliases: dict[str, str] = Field(default_factory=dict)
