"""scenario.toml: the weather of a simulation, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from windsock.errors import ConfigError
from windsock.resources import folder
from windsock.resources.declared import Part, Share, first_fault, moment, read_toml
from windsock.simulation.world.conditions import (
    Announcement,
    Archive,
    Confidence,
    DeploymentTruth,
    Drift,
    Hour,
    Lie,
    Outage,
    Positive,
    Realtime,
    Redirect,
    Rhythm,
    Rivals,
    RouteGoal,
    Shock,
    Silence,
    Slowdown,
    Surge,
    Task,
)

Model = TypeVar("Model", bound=BaseModel)
EVENTS = ("shocks", "announcements", "lies", "outages", "slowdowns", "drifts", "redirects")


class Scenario(Part):
    """A world and the question asked of it.

    engine              exact steps every request, batch advances window by window
    window_s            of the batch engine
    requests_per_hour   mean of a Poisson process
    feedback_share      of answers are judged, `feedback_delay_s` after they were given (mean)
    feedback_order      any of them, or those of each few whose label is worth most to the router
    feeds               seconds from a price change to a feed showing it, by feed
    poll_s              between two polls of a feed
    bills               providers say what they charged
    refresh_s, refresh_outcomes     weights are solved anew this long after evidence came, or after
                        so many rewards and outcomes of a task; the service's 1 and 20 suit full
                        traffic
    evaluated           prompts per task on which every deployment was tried before the run
    """

    title: str
    about: str = ""
    seed: Annotated[int, Field(ge=0)] = 1
    engine: Literal["exact", "batch"] = "exact"
    window_s: Positive = 900
    hours: Positive
    requests_per_hour: Positive
    feedback_share: Share = 0.8
    feedback_order: Literal["any", "wanted"] = "any"
    feedback_delay_s: Hour = 30.0
    feeds: dict[str, Hour] = Field(default={"openrouter": 60.0, "litellm": 60.0}, min_length=1)
    poll_s: Positive = 60
    bills: bool = False
    refresh_s: Positive = 300.0
    refresh_outcomes: Annotated[int, Field(ge=1)] = 100
    evaluated: Annotated[int, Field(ge=0)] = 0
    starts_at: str = "2026-01-05T00:00:00Z"
    route: RouteGoal = RouteGoal()
    realtime: Realtime | None = None
    rhythm: Rhythm = Rhythm()
    confidence: Confidence | None = None
    archive: Archive | None = None
    rivals: Rivals
    tasks: dict[str, Task]
    deployments: dict[str, DeploymentTruth]
    shocks: tuple[Shock, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    lies: tuple[Lie, ...] = ()
    silences: tuple[Silence, ...] = ()
    outages: tuple[Outage, ...] = ()
    slowdowns: tuple[Slowdown, ...] = ()
    drifts: tuple[Drift, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    surges: tuple[Surge, ...] = ()

    @property
    def begins(self) -> float:
        """Unix seconds."""
        return moment(self.starts_at)

    def realtime_share(self, task: str) -> float:
        """Share of a task's requests that go to the real-time route."""
        live = self.realtime
        if live is None or (live.tasks and task not in live.tasks):
            return 0.0
        total = sum(kind.share for kind in self.tasks.values())
        asked = sum(kind.share for name, kind in self.tasks.items() if name in live.tasks)
        return min(1.0, live.share * total / (asked or total))

    @model_validator(mode="after")
    def _names_are_known(self) -> Scenario:
        for kind in EVENTS:
            for each in getattr(self, kind):
                self._check(each.deployment, kind)
        self._check(self.rivals.flagship, "rivals.flagship")
        self._check(self.rivals.otherwise, "rivals.otherwise")
        for task, name in self.rivals.rules.items():
            self._check(name, f"rivals.rules.{task}")
        if self.route.incumbent is not None:
            self._check(self.route.incumbent, "route.incumbent")
        for name in self.route.cascade.to if self.route.cascade else ():
            self._check(name, "route.cascade.to")
        for name in self.archive.aliases.values() if self.archive else ():
            self._check(name, "archive.aliases")
        for name, place in self.deployments.items():
            for task in self.tasks:
                if task not in place.quality:
                    raise ValueError(f"deployments.{name}.quality lacks the task {task!r}; add it")
        return self

    @model_validator(mode="after")
    def _makes_sense(self) -> Scenario:
        named = {lie.feed for lie in self.lies} | {silence.feed for silence in self.silences}
        for feed in named - {None} - set(self.feeds):
            raise ValueError(f"the feed {feed!r} is not in feeds; add it or mend it")
        needs_floor = self.route.objective in ("cost_per_success", "quality_floor")
        over_route = self.route.objective == "quality_floor" and self.route.route_quality_floor
        if needs_floor and self.route.quality_floor is None and over_route is None:
            raise ValueError(f"route.objective {self.route.objective!r} needs a quality_floor")
        if self.route.objective == "quality" and self.route.quality is None:
            raise ValueError("route.objective 'quality' needs a quality, as economy or balanced")
        talks = next((name for name, task in self.tasks.items() if task.turns > 1), None)
        if talks is not None and self.engine == "batch":
            raise ValueError(
                f"tasks.{talks}.turns needs engine 'exact', for windows hold no conversations"
            )
        if self.feedback_order == "wanted" and self.engine == "batch":
            raise ValueError(
                "feedback_order 'wanted' needs the exact engine, for windows have no answers"
            )
        asks_again = self.route.cascade or self.rivals.escalate_below is not None
        if asks_again and self.confidence is None:
            raise ValueError("asking again below a confidence needs [confidence]; add it")
        try:
            moment(self.starts_at)
        except ValueError:
            raise ValueError(f"starts_at {self.starts_at!r} is not an ISO time") from None
        return self

    def _check(self, name: str, where: str) -> None:
        if name not in self.deployments:
            raise ValueError(f"{where} names the unknown deployment {name!r}; add it or mend it")


def load_scenario(place: Path) -> Scenario:
    """The scenario of a folder; raises ConfigError with one sentence naming file, key and mend."""
    path = place / "scenario.toml"
    return checked(path, _whole(path), Scenario)


def checked(path: Path, body: dict[str, Any], model: type[Model]) -> Model:
    """Raises ConfigError with one sentence naming file, key and mend."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_fault(error)[1]}") from error


def _whole(path: Path) -> dict[str, Any]:
    """A scenario's own keys over those of the scenario it is `like`."""
    body = read_toml(path)
    model = body.pop("like", None)
    if model is None:
        return body
    if not isinstance(model, str):
        raise ConfigError(f"{path}: like: takes the name of a scenario, not {model!r}")
    origin = folder("simulations", "scenario.toml", model) / "scenario.toml"
    origin_body = read_toml(origin)
    if "like" in origin_body:
        raise ConfigError(f"{path}: like: {model!r} is like another one itself; name that one")
    return _over(origin_body, body)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` where it says something, table by table; a list replaces a list."""
    both = dict(below)
    for key, value in above.items():
        lower = both.get(key)
        if isinstance(value, dict) and isinstance(lower, dict):
            value = _over(lower, value)
        both[key] = value
    return both
