"""From settings to the parts of the core: catalog, routes, and the owner's own prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from windsock.config.route_settings import CascadeSettings, CheckSettings, RouteSettings
from windsock.config.settings import (
    DeploymentSettings,
    FeedOverride,
    PriceSettings,
    ProviderSettings,
    Settings,
)
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.segments import SegmentSettings
from windsock.core.evidence.answer_checks import Checks
from windsock.core.model.catalog import Capabilities, Catalog, Deployment
from windsock.core.model.model_names import Alias
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.core.policies.budgets.pacing import DayPacer
from windsock.core.policies.budgets.pool import Purse
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.resilience.concurrency import LoadRules
from windsock.core.routing.routes import SOURCE_WEIGHTS, Cascade, Route, Rule
from windsock.errors import ConfigError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.providers.presets import Preset
from windsock.providers.transport import Endpoint
from windsock.resources import folder

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
    """Routes with the policy that their objective asks for; a budget is one for all its routes."""
    purses = {name: Purse(DayPacer(each.usd_per_day)) for name, each in settings.budgets.items()}
    return {
        name: Route(
            name=name,
            candidates=route.candidates,
            policy=PriceAware(
                beliefs,
                objective_of(route, settings),
                segments=SegmentSettings() if route.segments else None,
                classifies=route.classify,
                purse=purses[route.budget] if route.budget else None,
            ),
            rules=tuple(
                Rule(
                    candidates=frozenset(rule.candidates),
                    task=rule.when.task,
                    max_prompt_tokens=rule.when.max_prompt_tokens,
                    min_prompt_tokens=rule.when.min_prompt_tokens,
                )
                for rule in route.rules
            ),
            cascade=_cascade(route.cascade),
            checks=_checks(route.check),
            max_latency_s=route.max_latency_ms / 1000 if route.max_latency_ms else None,
            first_byte_s=route.first_byte_timeout,
            answer_s=route.answer_timeout,
            stall_s=route.stall_timeout,
            max_attempts=route.max_attempts,
            hedge_share=route.hedge,
            source_weights={**SOURCE_WEIGHTS, **route.source_weights},
        )
        for name, route in settings.routes.items()
    }


def _cascade(stated: CascadeSettings | None) -> Cascade | None:
    if stated is None:
        return None
    return Cascade(
        escalate_below=stated.escalate_below, to=stated.to, ask_logprobs=stated.ask_logprobs
    )


def _checks(stated: CheckSettings | None) -> Checks | None:
    if stated is None:
        return None
    return Checks(
        non_empty=stated.non_empty,
        json=stated.json_text,
        required_keys=stated.required_keys,
        pattern=stated.pattern,
        tool_calls=stated.tool_calls,
        no_refusal=stated.no_refusal,
    )


def load_rules_of(settings: Settings) -> dict[str, LoadRules]:
    """The limits of the providers that have one."""
    return {
        name: LoadRules(max_concurrent=each.max_concurrent, is_adaptive=each.adaptive)
        for name, each in settings.providers.items()
        if each.max_concurrent is not None or each.adaptive
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


def aliases_of(settings: Settings) -> list[Alias]:
    """What moving names of providers mean, and when."""
    return [Alias(**dict(stated)) for stated in settings.aliases]


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
        Meter.CACHE_WRITE_1H: price.cache_write_1h,
        Meter.REASONING: price.reasoning,
        Meter.AUDIO_INPUT: price.audio_input,
        Meter.AUDIO_OUTPUT: price.audio_output,
        Meter.REQUEST: price.request,
        Meter.IMAGE: price.image,
        Meter.WEB_SEARCH: price.web_search,
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
        price_names=(*own.price_names, *_feed_names(provider, model, presets)),
    )


def _feed_names(provider: str, model: str, presets: Mapping[str, Preset]) -> list[str]:
    """The names under which feeds quote this model, from the provider's preset."""
    preset = presets.get(provider)
    return [f"{name}/{model}" for name in preset.price] if preset else []


def with_defaults(
    settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Settings:
    """What the owner has left out: the route `auto`, and the status feeds of the providers."""
    return _with_status_feeds(_with_a_route(settings, known, environ), known)


def _with_a_route(
    settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Settings:
    """With no route configured: a route `auto` over every provider whose key is set."""
    if settings.routes:
        return settings
    names = [
        f"{preset.id}/{model}"
        for preset in known.values()
        if preset.key and environ.get(preset.key) and not preset.is_explicit
        for model in preset.models
    ]
    names += [name for name in settings.deployments if name not in names]
    if not names:
        keys = ", ".join(p.key for p in known.values() if p.key and p.models)
        raise ConfigError(
            f"nothing to route to: set a provider's key ({keys}), write a windsock.toml with "
            "[routes.auto], or try 'windsock demo'"
        )
    return settings.model_copy(update={"routes": {"auto": RouteSettings(candidates=tuple(names))}})


def _with_status_feeds(settings: Settings, known: Mapping[str, Preset]) -> Settings:
    """With no feeds named: the status page of every provider in use, where it is reached itself."""
    if "enabled" in settings.feeds.model_fields_set:
        return settings
    providers = dict.fromkeys(name.partition("/")[0] for name in deployment_names(settings))
    found = [
        preset.status
        for name in providers
        if (preset := known.get(name)) is not None
        and preset.status is not None
        and settings.providers.get(name, ProviderSettings()).base_url is None
    ]
    feeds = settings.feeds.model_copy(update={"enabled": (*settings.feeds.enabled, *found)})
    return settings.model_copy(update={"feeds": feeds})


def endpoints_of(
    settings: Settings,
    known: Mapping[str, Preset],
    environ: Mapping[str, str],
    catalog: Catalog,
) -> dict[str, Endpoint]:
    """Where each provider of the catalog is reached; raises ConfigError on a missing key or URL."""
    providers = dict.fromkeys(each.provider for each in catalog.deployments.values())
    return {name: _endpoint(name, settings, known, environ) for name in providers}


def feeds_of(settings: Settings, extra: tuple[Path, ...] = ()) -> list[FeedDefinition]:
    """The enabled feeds with the operator's changes; raises ConfigError on unknown names."""
    dirs = (*settings.feeds.dirs, *extra)
    found = []
    for name in settings.feeds.enabled:
        definition = load_feed(folder("pricefeeds", "feed.toml", name, dirs))
        change = settings.feeds.override.get(name, FeedOverride())
        update: dict[str, Any] = {
            key: value
            for key, value in (
                ("url", change.url),
                ("every", change.every),
                ("trust", change.trust),
                ("allow_private", change.allow_private or None),
            )
            if value is not None
        }
        if change.api_key:
            update["headers"] = {"authorization": f"Bearer {change.api_key}"}
        found.append(definition.model_copy(update=update))
    for name in settings.feeds.override:
        if name not in settings.feeds.enabled:
            raise ConfigError(
                f"feeds.override.{name}: no such feed is enabled; add it to feeds.enabled"
            )
    if settings.feeds.offline:
        return [each for each in found if not each.url.startswith(("http:", "https:"))]
    return found


def _endpoint(
    name: str, settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Endpoint:
    own = settings.providers.get(name, ProviderSettings())
    preset = known.get(own.preset or name)
    base_url = own.base_url or (preset.base_url if preset else None)
    if base_url is None:
        raise ConfigError(f"providers.{name} has no base_url; add one")
    if not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"providers.{name}.base_url {base_url!r} must start with https://")
    key = own.api_key or (environ.get(preset.key) if preset and preset.key else None)
    if key is None and preset and preset.key and own.base_url is None:
        raise ConfigError(
            f"provider {name!r} is used but has no key; set {preset.key}, or add "
            f"[providers.{name}] api_key"
        )
    auth = preset.auth if preset else "bearer"
    headers = dict(own.headers)
    if key is not None:
        headers |= {"authorization": f"Bearer {key}"} if auth == "bearer" else {auth: key}
    return Endpoint(base_url=base_url.rstrip("/"), headers=headers)
