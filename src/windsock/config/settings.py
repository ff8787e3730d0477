"""windsock.toml as frozen models: unknown keys are errors."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Annotated, Any, get_type_hints

from pydantic import (
    BeforeValidator,
    Field,
    create_model,
    field_validator,
    model_validator,
)

from windsock.config.ability_settings import CapabilitySettings, Mode, TermsSettings
from windsock.config.cap_settings import CapSettings
from windsock.config.evidence.labels import LabelSettings
from windsock.config.evidence.scores import ScoreSettings
from windsock.config.feed_settings import FeedsSettings
from windsock.config.parameter_settings import ParameterSettings
from windsock.config.price_settings import ContractSettings, CurrencySettings, PriceSettings
from windsock.config.route_settings import BudgetSettings, RouteSettings, check_names
from windsock.config.serving.server_settings import ServerSettings
from windsock.config.serving.webhook_settings import WebhookSettings
from windsock.config.store.replica_settings import ReplicaSettings
from windsock.config.store.settings import StoreSettings
from windsock.config.store.sink_settings import SinkSettings
from windsock.config.value_types import Lasting, Megabytes, Moment, Seconds, TimeZone
from windsock.core.pricing.rules import GuardRules
from windsock.resources.declared import Part, seconds


class ProviderSettings(ContractSettings, TermsSettings):
    """A provider.

    preset          the known provider whose address, format, sign-in and price names it shares
    auth            bearer, query:NAME, the name of a header, or entra, google, sigv4
    region, resource, project, account      parts of the address, where the preset's has such
    api_version     dated version of the API, where the provider has several (Azure)
    price           of all its deployments, in place of what feeds say
    discount        (and `adjustments`) on what feeds say
    max_concurrent  calls at a time; while it is full, others are asked
    adaptive        find that number, below max_concurrent, from how latency grows under load:
                    for servers that queue instead of refusing, such as your own
    speaks          formats of clients that it takes as they come beside its own (messages,
                    responses), in place of what is known
    parameters      what it takes of a request, in place of what is known
    """

    base_url: str | None = Field(default=None, repr=False)
    api_key: str | None = Field(default=None, repr=False)
    price: PriceSettings | None = None
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    preset: str | None = None
    auth: str | None = Field(default=None, pattern=r"^(query:[\w-]+|[A-Za-z0-9-]+)$")
    region: str | None = None
    resource: str | None = None
    project: str | None = None
    account: str | None = None
    api_version: str | None = None
    max_concurrent: int | None = Field(default=None, gt=0)
    adaptive: bool = False
    speaks: tuple[str, ...] | None = None
    parameters: ParameterSettings = ParameterSettings()


class DeploymentSettings(ContractSettings, TermsSettings):
    """A deployment, by its id.

    price           its own, in place of what feeds say
    prices          several, dated by `valid_from`
    discount        in place of its provider's; `adjustments` come on top of those
    provider, model read from the id if left out
    modes           kinds of model that it is, in place of what its name and feeds say
    price_names     further names under which feeds may quote it
    parameters      what it takes of a request, in place of what is known of its provider
    """

    provider: str | None = None
    model: str | None = None
    price: PriceSettings | None = None
    prices: tuple[PriceSettings, ...] = ()
    price_names: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    capabilities: CapabilitySettings = CapabilitySettings()
    parameters: ParameterSettings = ParameterSettings()


class AliasSettings(Part):
    """From `since` until `until` a provider's name `alias` meant its model `target`."""

    provider: str
    alias: str
    target: str
    since: Moment = float("-inf")
    until: Moment = float("inf")


class CacheSettings(Part):
    """Answers to identical requests.

    max_mb  bound of the memory they take
    url     redis:// or valkey:// (rediss:// for TLS): kept there instead, shared by processes;
            needs the extra `redis`
    """

    enabled: bool = False
    ttl: Seconds = 3600.0
    max_mb: Megabytes = 64.0
    url: str | None = Field(
        default=None, pattern=r"^(redis|rediss|valkey|valkeys|unix)://", repr=False
    )


class Thresholds(Part):
    """None lies below 0, and of two the lesser comes first."""

    @field_validator("*")
    @classmethod
    def _are_ordered(cls, stated: Any) -> Any:
        numbers = stated if isinstance(stated, tuple) else (stated,)
        if not all(isinstance(each, int | float | Decimal) for each in numbers):
            return stated
        if min(numbers) < 0:
            raise ValueError("is no threshold; write 0 or more")
        if list(numbers) != sorted(numbers):
            raise ValueError("goes from the lesser to the greater; turn it round")
        return stated


GuardSettings = create_model(  # the fields and defaults of GuardRules, with their documentation
    "GuardSettings",
    __base__=Thresholds,
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

    base_url: str = Field(pattern=r"^https?://", repr=False)
    model: str
    api_key: str | None = Field(default=None, repr=False)
    timeout: Lasting = 0.3


class LearningSettings(Part):
    """How belief starts and forgets.

    priors  lean on published benchmark figures of model families until evidence comes
    seed    makes every draw; chosen at the first start and kept in the store if not given
    """

    half_life: Lasting = 14 * 86400.0
    evidence_cap: float = Field(default=600.0, gt=0)
    priors: bool = True
    seed: int | None = Field(default=None, ge=0)


class Settings(Part):
    """The whole of windsock.toml.

    scores          what metrics of others mean, by their names
    default_route   asked where nothing is known by the name in a request, as the route "*"
    timezone        of the caps that name none, and of the budgets of keys
    """

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    replicas: ReplicaSettings = ReplicaSettings()
    sinks: dict[str, SinkSettings] = Field(default_factory=dict)
    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    deployments: dict[str, DeploymentSettings] = Field(default_factory=dict)
    aliases: tuple[AliasSettings, ...] = ()
    currencies: dict[str, CurrencySettings] = Field(default_factory=dict)
    routes: dict[str, RouteSettings] = Field(default_factory=dict)
    default_route: str | None = None
    budgets: dict[str, BudgetSettings] = Field(default_factory=dict)
    caps: dict[str, CapSettings] = Field(default_factory=dict)
    timezone: TimeZone = "UTC"
    cache: CacheSettings = CacheSettings()
    labels: LabelSettings = LabelSettings()
    feeds: FeedsSettings = FeedsSettings()
    guard: GuardSettings = GuardSettings()
    learning: LearningSettings = LearningSettings()
    health: HealthSettings = HealthSettings()
    scores: dict[str, ScoreSettings] = Field(default_factory=dict)
    embeddings: EmbeddingSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    @model_validator(mode="after")
    def _replicas_share_a_server(self) -> Settings:
        if self.replicas.enabled and not self.store.url.startswith("postgres"):
            raise ValueError(
                "replicas.enabled needs a store.url that names a PostgreSQL, which they share"
            )
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> Settings:
        check_names(self.routes, self.default_route)
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
