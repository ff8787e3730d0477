"""From settings to the parts of the core: catalog, routes, and the owner's own prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches

from windsock.core.catalog import Capabilities, Catalog, Deployment
from windsock.core.objective import Objective
from windsock.core.policy import PriceAware
from windsock.core.posterior import Beliefs
from windsock.core.quotes import Quote
from windsock.core.routes import SOURCE_WEIGHTS, Cascade, Route, Rule
from windsock.core.units import Meter
from windsock.errors import ConfigError
from windsock.providers.presets import Preset
from windsock.settings import DeploymentSettings, PriceSettings, RouteSettings, Settings

OWN_FEED = "config"
DEFAULT_FLOOR = 0.90
"""Quality floor of a route that names none, and of models asked for by their own name."""


def deployment_names(settings: Settings) -> list[str]:
    """Every deployment that the configuration names, in order of first mention."""
    names = list(settings.deployments)
    for route in settings.routes.values():
        names += route.candidates
        names += route.cascade.to if route.cascade else ()
    return list(dict.fromkeys(names))


def catalog_of(settings: Settings, presets: Mapping[str, Preset]) -> Catalog:
    """Deployments as configured, completed from presets; raises ConfigError on unknown names."""
    return Catalog(_deployment(name, settings, presets) for name in deployment_names(settings))


def routes_of(settings: Settings, beliefs: Beliefs) -> dict[str, Route]:
    """Routes with the policy that their objective asks for."""
    return {
        name: Route(
            name=name,
            candidates=route.candidates,
            policy=PriceAware(beliefs, objective_of(route, settings)),
            rules=tuple(
                Rule(
                    candidates=frozenset(rule.candidates),
                    task=rule.when.task,
                    max_prompt_tokens=rule.when.max_prompt_tokens,
                    min_prompt_tokens=rule.when.min_prompt_tokens,
                )
                for rule in route.rules
            ),
            cascade=Cascade(escalate_below=route.cascade.escalate_below, to=route.cascade.to)
            if route.cascade
            else None,
            max_latency_s=route.max_latency_ms / 1000 if route.max_latency_ms else None,
            first_byte_s=route.first_byte_timeout,
            max_attempts=route.max_attempts,
            source_weights={**SOURCE_WEIGHTS, **route.source_weights},
        )
        for name, route in settings.routes.items()
    }


def objective_of(route: RouteSettings, settings: Settings) -> Objective:
    needs_floor = route.objective == "cost_per_success"
    budget = settings.budgets[route.budget] if route.budget else None
    return Objective(
        kind=route.objective,
        usd_per_success=route.usd_per_success,
        quality_floor=DEFAULT_FLOOR
        if route.quality_floor is None and needs_floor
        else route.quality_floor,
        usd_per_request=route.usd_per_request,
        usd_per_day=budget.usd_per_day if budget else None,
        explore=route.explore,
        max_share_change_per_min=route.max_share_change_per_min,
    )


def own_quotes(settings: Settings, catalog: Catalog, now: float) -> list[Quote]:
    """The prices that the owner states, which no feed may change."""
    quotes = []
    for deployment in catalog.deployments.values():
        own = settings.deployments.get(deployment.id, DeploymentSettings()).price
        provider = settings.providers.get(deployment.provider)
        price = own or (provider.price if provider else None)
        if price is not None:
            quotes.append(_own_quote(deployment, price, now))
    return quotes


def _own_quote(deployment: Deployment, price: PriceSettings, now: float) -> Quote:
    stated: dict[Meter, Decimal | None] = {
        Meter.INPUT: price.input,
        Meter.OUTPUT: price.output,
        Meter.CACHE_READ: price.cache_read,
        Meter.CACHE_WRITE: price.cache_write,
        Meter.REASONING: price.reasoning,
        Meter.REQUEST: price.request,
        Meter.IMAGE: price.image,
    }
    return Quote(
        deployment=deployment.id,
        feed=OWN_FEED,
        feed_model=deployment.model,
        usd_per_mtok={meter: usd for meter, usd in stated.items() if usd is not None},
        seen_at=now,
        zero_reason=price.reason,
        trust=1.0,
    )


def _deployment(name: str, settings: Settings, presets: Mapping[str, Preset]) -> Deployment:
    own = settings.deployments.get(name, DeploymentSettings())
    provider, _, model = name.partition("/")
    provider = own.provider or provider
    model = own.model or model.partition("@")[0]
    if not model:
        raise ConfigError(f"deployment {name!r} names no model; write it as provider/model")
    if provider not in settings.providers and provider not in presets:
        known: Iterable[str] = {*settings.providers, *presets}
        near = get_close_matches(provider, known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"add [providers.{provider}] base_url"
        raise ConfigError(f"deployment {name!r}: no provider is named {provider!r}; {mend}")
    stated = own.capabilities.model_dump(exclude_none=True)
    return Deployment(
        id=name,
        provider=provider,
        model=model,
        capabilities=Capabilities(**stated),
        price_names=own.price_names,
    )
