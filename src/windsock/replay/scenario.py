"""scenario.toml: the weather of a simulation, declared once."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from windsock.errors import ConfigError
from windsock.replay.weather import (
    Aim,
    Announcement,
    Archive,
    Confidence,
    Drift,
    Hour,
    Lie,
    Outage,
    Part,
    Place,
    Positive,
    Realtime,
    Redirect,
    Rhythm,
    Rivals,
    Share,
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
    feeds               seconds from a price change to a feed showing it, by feed
    poll_s              between two polls of a feed
    bills               providers say what they charged
    refresh_s           weights are solved anew this long after evidence came, or after 20 outcomes;
                        the service's second is for full traffic
    """

    title: str
    about: str = ""
    seed: Annotated[int, Field(ge=0)] = 1
    engine: Literal["exact", "batch"] = "exact"
    window_s: Positive = 900
    hours: Positive
    requests_per_hour: Positive
    feedback_share: Share = 0.8
    feedback_delay_s: Hour = 30.0
    feeds: dict[str, Hour] = Field(default={"openrouter": 60.0, "litellm": 60.0}, min_length=1)
    poll_s: Positive = 60
    bills: bool = False
    refresh_s: Positive = 1.0
    starts_at: str = "2026-01-05T00:00:00Z"
    route: Aim = Aim()
    realtime: Realtime | None = None
    rhythm: Rhythm = Rhythm()
    confidence: Confidence | None = None
    archive: Archive | None = None
    rivals: Rivals
    tasks: dict[str, Task]
    deployments: dict[str, Place]
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
        return unix(self.starts_at)

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
        if needs_floor and self.route.quality_floor is None:
            raise ValueError(f"route.objective {self.route.objective!r} needs a quality_floor")
        asks_again = self.route.cascade or self.rivals.escalate_below is not None
        if asks_again and self.confidence is None:
            raise ValueError("asking again below a confidence needs [confidence]; add it")
        try:
            unix(self.starts_at)
        except ValueError:
            raise ValueError(f"starts_at {self.starts_at!r} is not an ISO time") from None
        return self

    def _check(self, name: str, where: str) -> None:
        if name not in self.deployments:
            raise ValueError(f"{where} names the unknown deployment {name!r}; add it or mend it")


class Bounds(Part):
    """expected.toml: what must hold for windsock on this scenario.

    least_success, most_success     of all requests, over the whole run
    most_spend_vs_flagship  spend over that of sending everything to the flagship
    most_cost_vs_oracle     cost per success over the clairvoyant's
    most_cost_vs_rules      cost per success over that of the hand-written rules
    least_gain_vs_flagship  success over that of the flagship
    share_before, share_after   (least, most) weight of the first shocked deployment when its price
                                is shown, and in the new split
    most_switch_requests    requests until 90 % of its traffic had moved
    share_at    rows of (hour, deployment, least, most): mean weight in that hour over all tasks
    most_usd_per_day        spend of any day
    most_p95_latency_s      of all answers
    """

    least_success: Share | None = None
    most_success: Share | None = None
    most_spend_vs_flagship: Positive | None = None
    most_cost_vs_oracle: Positive | None = None
    most_cost_vs_rules: Positive | None = None
    least_gain_vs_flagship: float | None = None
    share_before: tuple[Share, Share] | None = None
    share_after: tuple[Share, Share] | None = None
    most_switch_requests: Annotated[int, Field(ge=0)] | None = None
    share_at: tuple[tuple[Hour, str, Share, Share], ...] = ()
    most_usd_per_day: Positive | None = None
    most_p95_latency_s: Positive | None = None


def load_scenario(folder: Path) -> Scenario:
    """Raises ConfigError with one sentence naming file, key and mend."""
    return _read(folder / "scenario.toml", Scenario)


def load_bounds(folder: Path) -> Bounds:
    """Raises ConfigError with one sentence naming file, key and mend."""
    return _read(folder / "expected.toml", Bounds)


def unix(moment: str) -> float:
    """Seconds from an ISO time; no zone means UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _read(path: Path, model: type[Model]) -> Model:
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
        return model.model_validate(body)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); add the file") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(_sentence(path, error)) from error


def _sentence(path: Path, error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{path}: {key} is missing; add it"
    if fault["type"] == "extra_forbidden":
        return f"{path}: unknown key {key!r}; remove it"
    message = fault["msg"].removeprefix("Value error, ")
    given = "" if isinstance(fault["input"], dict) else f", not {fault['input']!r}"
    return f"{path}: {key}: {message}{given}" if key else f"{path}: {message}"
