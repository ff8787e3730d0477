"""scenario.toml: the weather of a simulation, declared once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from windsock.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Model = TypeVar("Model", bound=BaseModel)
UsdPerMtok = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(Part):
    """share of traffic; tokens of a mean request."""

    share: Positive
    prompt_tokens: Positive = 500
    output_tokens: Positive = 150


class Place(Part):
    """A deployment as it truly is.

    quality     true probability of success by task
    from_hour   it does not exist before
    """

    input: UsdPerMtok
    output: UsdPerMtok
    quality: dict[str, Share]
    latency_s: Positive = 0.4
    from_hour: float = Field(default=0.0, ge=0)


class Shock(Part):
    """A price change: when it holds. The feed shows it `feed_delay_s` later."""

    at_hour: float = Field(ge=0)
    deployment: str
    input: UsdPerMtok
    output: UsdPerMtok


class Outage(Part):
    """A deployment answers 503 between these hours."""

    from_hour: float = Field(ge=0)
    to_hour: float = Field(gt=0)
    deployment: str


class Drift(Part):
    """A silent change of true quality at one task, or at all of them."""

    at_hour: float = Field(ge=0)
    deployment: str
    quality: Share
    task: str | None = None


class Aim(Part):
    """The route under test."""

    objective: Literal["cost_per_success", "value", "quality_floor"] = "cost_per_success"
    quality_floor: Share = 0.85
    usd_per_success: Positive | None = None
    explore: Share = 0.02


class Rivals(Part):
    """What the rivals cannot know by themselves.

    flagship    where everything went before
    rules       deployment by task, as somebody once wrote down; `otherwise` for the rest
    """

    flagship: str
    rules: dict[str, str] = {}
    otherwise: str


class Scenario(Part):
    """A world and the question asked of it.

    requests_per_hour   mean of a Poisson process
    feedback_share      of answers are judged, `feedback_delay_s` after they were given (mean)
    feed_delay_s        from a price change to the feed showing it
    poll_s              between two polls of the feed
    """

    title: str
    about: str = ""
    seed: int = Field(default=1, ge=0)
    hours: Positive
    requests_per_hour: Positive
    feedback_share: Share = 0.8
    feedback_delay_s: float = Field(default=30.0, ge=0)
    feed_delay_s: float = Field(default=60.0, ge=0)
    poll_s: Positive = 60
    starts_at: str = "2026-01-05T00:00:00Z"
    route: Aim = Aim()
    rivals: Rivals
    tasks: dict[str, Task] = Field(min_length=1)
    deployments: dict[str, Place] = Field(min_length=1)
    shocks: tuple[Shock, ...] = ()
    outages: tuple[Outage, ...] = ()
    drifts: tuple[Drift, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Scenario:
        for kind in ("shocks", "outages", "drifts"):
            for each in getattr(self, kind):
                self._check(each.deployment, kind)
        self._check(self.rivals.flagship, "rivals.flagship")
        self._check(self.rivals.otherwise, "rivals.otherwise")
        for task, name in self.rivals.rules.items():
            self._check(name, f"rivals.rules.{task}")
        for name, place in self.deployments.items():
            for task in self.tasks:
                if task not in place.quality:
                    raise ValueError(f"deployments.{name}.quality lacks the task {task!r}; add it")
        return self

    def _check(self, name: str, where: str) -> None:
        if name not in self.deployments:
            raise ValueError(f"{where} names the unknown deployment {name!r}; add it or mend it")


class Bounds(Part):
    """expected.toml: what must hold for windsock on this scenario.

    least_success           of judged answers, over the whole run
    most_spend_vs_flagship  spend over that of sending everything to the flagship
    most_cost_vs_oracle     cost per success over the clairvoyant's
    share_before, share_after   (least, most) weight of the first shocked deployment when its price
                                is shown, and in the new split
    most_switch_requests    requests until 90 % of its traffic had moved
    """

    least_success: Share | None = None
    most_spend_vs_flagship: Positive | None = None
    most_cost_vs_oracle: Positive | None = None
    share_before: tuple[Share, Share] | None = None
    share_after: tuple[Share, Share] | None = None
    most_switch_requests: int | None = Field(default=None, ge=0)


def load_scenario(folder: Path) -> Scenario:
    """Raises ConfigError with one sentence naming file, key and mend."""
    return _read(folder / "scenario.toml", Scenario)


def load_bounds(folder: Path) -> Bounds:
    """Raises ConfigError with one sentence naming file, key and mend."""
    return _read(folder / "expected.toml", Bounds)


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
