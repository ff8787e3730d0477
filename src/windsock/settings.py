"""windsock.toml as frozen models: read once, unknown keys are errors, secrets come from outside."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    model_validator,
)

from windsock.core.guard import GuardRules
from windsock.errors import ConfigError

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SECRET = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}|\bos\.environ/(\w+)")


def seconds(value: object) -> float:
    """Seconds from a number or from text such as 500ms, 30s, 5m, 1h, 7d; raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write one such as 500ms, 30s, 5m, 1h or 7d")
    return float(match[1]) * SECONDS_PER_UNIT[match[2]]


def moment(value: object) -> float:
    """Unix seconds from a TOML date or time, or from ISO text; no zone means UTC."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    read = datetime.fromisoformat(str(value))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


Seconds = Annotated[float, BeforeValidator(seconds), Field(ge=0)]
Moment = Annotated[float, BeforeValidator(moment)]
Share = Annotated[float, Field(ge=0, le=1)]
UsdPerMtok = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Part(BaseModel):
    """A table of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Part):
    """Where the service listens, and how much it takes on.

    keys            open: no key needed; required: always; auto: needed once a key was created
    drain           after SIGTERM, seconds that requests under way have to end
    drain_delay     before that, seconds in which /readyz says no and requests are still taken, so
                    that a load balancer can look elsewhere
    max_concurrent  requests worked on at a time; less while the event loop runs late
    max_waiting, queue_timeout      requests in excess that wait, and for how long
    max_inflight_mb     request bodies held at a time
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=0, le=65535)
    keys: Literal["auto", "open", "required"] = "auto"
    admin_token: str | None = None
    max_body_mb: float = Field(default=20.0, gt=0)
    max_inflight_mb: float = Field(default=512.0, gt=0)
    max_concurrent: int = Field(default=1024, gt=0)
    max_waiting: int = Field(default=256, ge=0)
    queue_timeout: Seconds = 1.0
    drain: Seconds = 30.0
    drain_delay: Seconds = 0.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"


class StoreSettings(Part):
    url: str = "sqlite:///windsock.db"
    flush: Seconds = 0.25
    snapshot_every: Seconds = 5.0


class PriceSettings(Part):
    """An owner's own price, USD per million units; a price of 0 needs a reason."""

    input: UsdPerMtok
    output: UsdPerMtok
    cache_read: UsdPerMtok | None = None
    cache_write: UsdPerMtok | None = None
    cache_write_1h: UsdPerMtok | None = None
    reasoning: UsdPerMtok | None = None
    audio_input: UsdPerMtok | None = None
    audio_output: UsdPerMtok | None = None
    request: UsdPerMtok | None = None
    image: UsdPerMtok | None = None
    web_search: UsdPerMtok | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _zero_needs_a_reason(self) -> PriceSettings:
        if self.input == 0 and self.output == 0 and not self.reason:
            raise ValueError('a price of 0 needs a reason; add reason = "local" or the like')
        return self


class ProviderSettings(Part):
    """A provider.

    max_concurrent  calls at a time; while it is full, others are asked
    adaptive        find that number, below max_concurrent, from how latency grows under load:
                    for servers that queue instead of refusing, such as your own
    """

    base_url: str | None = None
    api_key: str | None = None
    price: PriceSettings | None = None
    headers: dict[str, str] = {}
    preset: str | None = None
    max_concurrent: int | None = Field(default=None, gt=0)
    adaptive: bool = False


class CapabilitySettings(Part):
    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    context_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)


class DeploymentSettings(Part):
    provider: str | None = None
    model: str | None = None
    price: PriceSettings | None = None
    price_names: tuple[str, ...] = ()
    capabilities: CapabilitySettings = CapabilitySettings()


class AliasSettings(Part):
    """From `since` until `until` a provider's name `alias` meant its model `target`."""

    provider: str
    alias: str
    target: str
    since: Moment = float("-inf")
    until: Moment = float("inf")


class RuleCondition(Part):
    task: str | None = None
    max_prompt_tokens: int | None = Field(default=None, ge=0)
    min_prompt_tokens: int = Field(default=0, ge=0)


class RuleSettings(Part):
    when: RuleCondition
    candidates: tuple[str, ...] = Field(min_length=1)


class CheckSettings(Part):
    """What an answer must be like to count as good; see `core.checks.Checks`."""

    non_empty: bool = True
    json_text: bool = Field(default=False, alias="json")
    required_keys: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    tool_calls: bool = False
    no_refusal: bool = False


class CascadeSettings(Part):
    """Cheap first, then maybe strong.

    escalate_below  least measured success of answers as sure as this one
    ask_logprobs    ask providers for token probabilities and take them out of the answer again;
                    leave it off where a candidate refuses the parameter
    """

    escalate_below: Share = 0.85
    to: tuple[str, ...] = Field(min_length=1)
    ask_logprobs: bool = False


class RouteSettings(Part):
    """A route.

    quality_floor   least P(success), held per task. `cost_per_success` never goes without one
                    (it would send everything to the cheapest), hence the default of 0.90
    budget          a [budgets] name, shared by all routes that give it: the objective 'budget'
                    splits it by equal value of the last dollar; others only stop at its cap
    segments        learn segments within tasks from cheap numbers about the prompt
    classify        propose a task for requests that name none, learnt from those that do
    first_byte_timeout      until the first content of a stream, the head of a plain answer
    stall_timeout   between contents of a stream
    answer_timeout  a whole plain answer, head and body
    max_attempts    calls for one request, retries, fallbacks and escalations together
    hedge           share of calls, and of dollars, that may be spent on asking a second deployment
                    beside one that is later than its own 95th percentile; 0 is off
    """

    candidates: tuple[str, ...] = Field(min_length=1)
    objective: Literal["cost_per_success", "value", "quality_floor", "budget"] = "cost_per_success"
    quality_floor: Share | None = None
    usd_per_success: float | None = Field(default=None, gt=0)
    usd_per_request: float | None = Field(default=None, gt=0)
    explore: Share = 0.02
    segments: bool = False
    classify: bool = False
    max_share_change_per_min: float = Field(default=1.0, gt=0, le=1)
    max_latency_ms: float | None = Field(default=None, gt=0)
    first_byte_timeout: Seconds = 60.0
    answer_timeout: Seconds = 300.0
    stall_timeout: Seconds = 60.0
    max_attempts: int = Field(default=3, ge=1, le=20)
    hedge: float = Field(default=0.0, ge=0, le=0.2)
    budget: str | None = None
    source_weights: dict[str, float] = {}
    rules: tuple[RuleSettings, ...] = ()
    cascade: CascadeSettings | None = None
    check: CheckSettings | None = None

    @model_validator(mode="after")
    def _objective_is_whole(self) -> RouteSettings:
        needed = {
            "quality_floor": ("quality_floor", self.quality_floor),
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


class BudgetSettings(Part):
    usd_per_day: float = Field(gt=0)


class CacheSettings(Part):
    """Answers to identical requests.

    max_mb  bound of the memory they take
    url     redis:// or valkey:// (rediss:// for TLS): kept there instead, shared by processes;
            needs the extra `redis`
    """

    enabled: bool = False
    ttl: Seconds = 3600.0
    max_mb: float = Field(default=64.0, gt=0)
    url: str | None = Field(default=None, pattern=r"^(redis|rediss|valkey|valkeys|unix)://")


GuardSettings = create_model(  # the fields and defaults of GuardRules, with their documentation
    "GuardSettings",
    __base__=Part,
    **{  # type: ignore[call-overload]
        each.name: (get_type_hints(GuardRules)[each.name], each.default)
        for each in fields(GuardRules)
    },
)


class HealthSettings(Part):
    """How deployments that were ejected for failures are asked whether they are back.

    free_probes     GET /models of the provider, every 5 s while one of its deployments is out
    paid_probes     a request for one token to the deployment that is out, each `paid_probe_every`
    """

    free_probes: bool = True
    paid_probes: bool = False
    paid_probe_every: Annotated[float, BeforeValidator(seconds), Field(ge=1)] = 30.0


class EmbeddingSettings(Part):
    """An OpenAI-compatible endpoint that sees the text of prompts of routes with features.

    timeout     after which a request goes on without
    """

    base_url: str = Field(pattern=r"^https?://")
    model: str
    api_key: str | None = None
    timeout: Seconds = 0.3


class FeedOverride(Part):
    """What an operator may change of a shipped feed."""

    url: str | None = None
    every: Seconds | None = None
    trust: Share | None = None
    api_key: str | None = None
    allow_private: bool = False


class FeedsSettings(Part):
    """Which feeds are read.

    enabled     folder names; if left out, these and the status pages of the providers in use
    dirs        folders with feeds of your own
    offline     read packaged feeds only
    """

    enabled: tuple[str, ...] = ("genai-prices", "openrouter", "litellm", "models-dev")
    dirs: tuple[Path, ...] = ()
    override: dict[str, FeedOverride] = {}
    offline: bool = False


class WebhookSettings(Part):
    """events: names or prefixes such as "price."; an empty list is all of them."""

    url: str = Field(pattern=r"^https?://")
    secret: str = Field(min_length=8)
    events: tuple[str, ...] = ()


class LearningSettings(Part):
    """How belief starts and forgets.

    priors  lean on published benchmark figures of model families until evidence comes
    seed    makes every draw; chosen at the first start and kept in the store if not given
    """

    half_life: Seconds = 14 * 86400.0
    evidence_cap: float = Field(default=600.0, gt=0)
    priors: bool = True
    seed: int | None = Field(default=None, ge=0)


class Settings(Part):
    """The whole of windsock.toml."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    providers: dict[str, ProviderSettings] = {}
    deployments: dict[str, DeploymentSettings] = {}
    aliases: tuple[AliasSettings, ...] = ()
    routes: dict[str, RouteSettings] = {}
    budgets: dict[str, BudgetSettings] = {}
    cache: CacheSettings = CacheSettings()
    feeds: FeedsSettings = FeedsSettings()
    guard: GuardSettings = GuardSettings()
    learning: LearningSettings = LearningSettings()
    health: HealthSettings = HealthSettings()
    embeddings: EmbeddingSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    @model_validator(mode="after")
    def _names_are_known(self) -> Settings:
        for name, route in self.routes.items():
            for rule in route.rules:
                for candidate in rule.candidates:
                    if candidate not in route.candidates:
                        raise ValueError(
                            f"routes.{name}.rules names {candidate!r}, which is not among the "
                            f"candidates of the route"
                        )
            if route.budget is not None and route.budget not in self.budgets:
                raise ValueError(
                    f"routes.{name}.budget names {route.budget!r}; add it to [budgets]"
                )
        return self


def guard_rules(settings: Settings) -> GuardRules:
    """The thresholds of the price guard as configured."""
    return GuardRules(**dict(settings.guard))


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Settings from a file, or the defaults if `path` is None; raises ConfigError."""
    if path is None:
        return Settings()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check --config") from error
    return parse(text, environ, source=str(path))


def parse(text: str, environ: Mapping[str, str], *, source: str) -> Settings:
    """Settings from TOML text; `source` names it in errors; raises ConfigError."""
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from error
    filled = _with_secrets(body, environ, source, ())
    try:
        return Settings.model_validate(filled)
    except ValidationError as error:
        raise ConfigError(_sentence(error, text, source)) from error


def _with_secrets(
    value: Any, environ: Mapping[str, str], source: str, place: tuple[str, ...]
) -> Any:
    if isinstance(value, dict):
        return {k: _with_secrets(v, environ, source, (*place, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_secrets(v, environ, source, place) for v in value]
    if not isinstance(value, str):
        return value

    def secret(match: re.Match[str]) -> str:
        name, default = match[1] or match[3], match[2]
        found = environ.get(name, default)
        if found is None:
            raise ConfigError(
                f"{source}: {'.'.join(place)} names the environment variable {name}, which is "
                f"not set; set it, or give a default with ${{{name}:-...}}"
            )
        return found

    return SECRET.sub(secret, value)


def _sentence(error: ValidationError, text: str, source: str) -> str:
    """The first fault as one sentence: where, what, and the mend."""
    fault = error.errors(include_url=False)[0]
    place = [str(part) for part in fault["loc"]]
    where = f"{source}{_line_of(place, text)}: "
    key = ".".join(place)
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(place[-1], _known_keys(place[:-1]), n=1)
        mend = f"did you mean {near[0]!r}?" if near else "remove it"
        return f"{where}unknown key {key!r}; {mend}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "missing":
        return f"{where}{key} is missing; add it"
    if not place:
        return f"{where}{message}"
    given = "" if isinstance(fault["input"], dict) else f", not {fault['input']!r}"
    if "key" in place[-1] or "token" in place[-1]:
        given = ""
    return f"{where}{key}: {message[0].lower()}{message[1:]}{given}"


def _known_keys(place: list[str]) -> list[str]:
    model: Any = Settings
    for part in place:
        fields = getattr(model, "model_fields", None)
        if fields is not None and part in fields:
            model = fields[part].annotation
        elif not part.isdigit():
            pass
        while getattr(model, "__args__", None):
            parts = [a for a in model.__args__ if a is not type(None) and a is not Ellipsis]
            model = parts[-1]
    return list(getattr(model, "model_fields", {}))


def _line_of(place: list[str], text: str) -> str:
    """`:LINE` of the key's first mention after its table's header, or nothing if not found."""
    names = [part for part in place if not part.isdigit()]
    lines = text.splitlines()
    start = 0
    for name in names[:-1]:
        pattern = re.compile(rf"^\s*\[.*{re.escape(name)}|^\s*\"?{re.escape(name)}\"?\s*=")
        start = next((i for i in range(start, len(lines)) if pattern.search(lines[i])), start)
    if not names:
        return ""
    pattern = re.compile(rf"(^|[\s{{,.\[\"]){re.escape(names[-1])}[\"\]]*\s*(=|\]|$)")
    for i in range(start, len(lines)):
        if pattern.search(lines[i]):
            return f":{i + 1}"
    return ""
