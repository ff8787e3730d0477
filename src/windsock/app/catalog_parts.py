"""From settings to the parts of the core: catalog, routes, and the owner's own prices."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches

from windsock.clock import Clock
from windsock.config.ability_settings import terms_of
from windsock.config.parameter_settings import stated_parameters
from windsock.config.settings import (
    DeploymentSettings,
    ProviderSettings,
    Settings,
)
from windsock.core.model.catalog import (
    USUAL_CACHE,
    CacheTraits,
    Capabilities,
    Catalog,
    Deployment,
)
from windsock.core.model.model_names import split_site
from windsock.core.model.requests import CALLS, CHAT_ALONE
from windsock.core.model.ticks import CHAT
from windsock.errors import ConfigError
from windsock.providers.addressing import Account, endpoint_of
from windsock.providers.modes import modes_of
from windsock.providers.parameters import parameters_of
from windsock.providers.presets import Preset, traits_of
from windsock.providers.upstream import Upstream, upstream_of
from windsock.wire.adaptation.parameters import Parameters
from windsock.wire.format import Format
from windsock.wire.registry import KEPT_IN, LANGUAGES, calls_of, formats_of, languages_of
from windsock.wire.request import Operation

PLAIN_PROVIDER, PLAIN_DEPLOYMENT = ProviderSettings(), DeploymentSettings()
"""Of which nothing is stated."""


def deployment_names(settings: Settings) -> list[str]:
    """Every deployment that the configuration names, in order of first mention."""
    names = list(settings.deployments)
    routes = {*settings.routes, *(each for r in settings.routes.values() for each in r.aliases)}
    for route in settings.routes.values():
        names += route.candidates
        names += route.cascade.to if route.cascade else ()
        names += route.shadow.candidates if route.shadow else ()
        names += [each for each in route.fallbacks if each not in routes]
    models = {name.partition("/")[2] for name in names}
    names += [each for each in _judges(settings) if each not in routes | models]
    return list(dict.fromkeys(names))


def _judges(settings: Settings) -> Iterator[str]:
    """Who judges, and whom others are compared with."""
    for route in settings.routes.values():
        if route.judge is not None:
            yield from filter(None, (route.judge.model, route.judge.reference))


def catalog_of(settings: Settings, presets: Mapping[str, Preset]) -> Catalog:
    """Deployments as configured, completed from presets; raises ConfigError on unknown names."""
    return Catalog(_deployment(name, settings, presets) for name in deployment_names(settings))


def _deployment(name: str, settings: Settings, presets: Mapping[str, Preset]) -> Deployment:
    own = settings.deployments.get(name, PLAIN_DEPLOYMENT)
    provider, _, model = name.partition("/")
    provider = own.provider or provider
    model = own.model or split_site(model)[0]
    if not model:
        raise ConfigError(
            f"{name!r} is no route, and no deployment either: write one as provider/model"
        )
    if provider not in settings.providers and provider not in presets:
        known: Iterable[str] = {*settings.providers, *presets}
        near = get_close_matches(provider, known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"add [providers.{provider}] base_url"
        raise ConfigError(f"deployment {name!r}: no provider is named {provider!r}; {mend}")
    of_provider = settings.providers.get(provider, PLAIN_PROVIDER)
    preset = preset_of(provider, settings, presets)
    stated = own.capabilities.model_dump(exclude_none=True)
    if preset is not None and preset.searches_as(model):
        stated.setdefault("web_search", True)
    takes = _parameters(name, provider, model, settings)
    spoken = _languages(provider, settings, presets)
    return Deployment(
        id=name,
        provider=provider,
        model=model,
        capabilities=Capabilities(**stated),
        price_names=(*own.price_names, *_preset_names(provider, model, settings, presets)),
        cache=_cache_of(provider, settings, presets),
        site=_site(provider, settings, presets),
        tries_unknown=_is_own(provider, settings, presets),
        lacks=(*takes.lacks, *_unspoken(provider, settings, presets, spoken)),
        leaves_out=takes.left_out,
        keeps_marks=takes.keeps_marks | spoken.keys(),
        keeps_answers=not KEPT_IN.isdisjoint(spoken),
        terms=terms_of(own, of_provider),
        runs_plugins=preset is not None and preset.keeps_router_fields,
        modes=frozenset(own.modes) or _priced_mode(own) or modes_of(model),
    )


def _unspoken(
    provider: str,
    settings: Settings,
    presets: Mapping[str, Preset],
    spoken: Collection[str],
) -> list[str]:
    """Needs of requests that it serves in no format: clients' languages, and kinds of calls."""
    preset = preset_of(provider, settings, presets)
    preset = preset or Preset(id=provider)
    offered = calls_of(preset.format)
    calls = [each for each in CALLS if each not in offered]
    chat = formats_of(preset.format, traits_of(preset)).get(Operation.CHAT)
    is_told = chat is not None and chat.carries is not None
    languages = [each for each in LANGUAGES if each not in spoken]
    return [*languages, *calls, *(CHAT_ALONE if is_told else ())]


def _priced_mode(own: DeploymentSettings) -> frozenset[str]:
    """The kind of model that its owner's price is of."""
    prices = [own.price, *own.prices] if own.price else own.prices
    return frozenset(each.mode for each in prices if each.mode != CHAT)


def _parameters(name: str, provider: str, model: str, settings: Settings) -> Parameters:
    """What a deployment takes: its owner's word, else what is known of its provider."""
    preset = settings.providers.get(provider, PLAIN_PROVIDER).preset
    return _stated(name, provider, settings).over(parameters_of(preset or provider, model))


def _stated(name: str, provider: str, settings: Settings) -> Parameters:
    """The owner's word: of a deployment before that of its provider."""
    of_provider = settings.providers.get(provider, PLAIN_PROVIDER).parameters
    of_deployment = settings.deployments.get(name, PLAIN_DEPLOYMENT).parameters
    return stated_parameters(of_deployment).over(stated_parameters(of_provider))


def _languages(
    provider: str, settings: Settings, presets: Mapping[str, Preset]
) -> Mapping[str, Format]:
    """The formats of clients that a provider takes as they come: as stated, else as known."""
    own = settings.providers.get(provider, PLAIN_PROVIDER)
    preset = preset_of(provider, settings, presets) or Preset(id=provider)
    is_dated = own.api_version is not None and preset.dated_url
    known = () if is_dated else preset.speaks
    speaks = known if own.speaks is None else own.speaks
    spoken = languages_of(preset.format, speaks, traits_of(preset))
    elsewhere = _elsewhere(provider, settings, presets)
    if elsewhere is None:
        return spoken
    return {**languages_of(elsewhere.format, elsewhere.speaks, traits_of(elsewhere)), **spoken}


def _elsewhere(provider: str, settings: Settings, presets: Mapping[str, Preset]) -> Preset | None:
    """Where a provider is called in formats of clients, if not at its own address."""
    own = settings.providers.get(provider, PLAIN_PROVIDER)
    preset = preset_of(provider, settings, presets)
    is_own = own.base_url is not None or own.auth is not None or own.speaks is not None
    return None if preset is None or is_own else presets.get(preset.speaks_at)


def _is_own(provider: str, settings: Settings, presets: Mapping[str, Preset]) -> bool:
    """A server at the owner's own address, of whose models no list need know."""
    stated = settings.providers.get(provider, PLAIN_PROVIDER).base_url
    preset = preset_of(provider, settings, presets)
    return stated is not None or preset is None or preset.is_own


def _cache_of(provider: str, settings: Settings, presets: Mapping[str, Preset]) -> CacheTraits:
    """As the provider's preset states it."""
    preset = preset_of(provider, settings, presets)
    return preset.cache if preset else USUAL_CACHE


def _preset_names(
    provider: str, model: str, settings: Settings, presets: Mapping[str, Preset]
) -> tuple[str, ...]:
    """A provider under a name of the owner's own is priced as the preset that it states."""
    stated = settings.providers.get(provider, PLAIN_PROVIDER).preset
    preset = preset_of(provider, settings, presets)
    name = (preset.prices_as if preset else None) or stated
    return (f"{name}/{model}",) if name else ()


def _site(provider: str, settings: Settings, presets: Mapping[str, Preset]) -> str:
    """The region in which a provider is asked, where it has an address and prices of its own."""
    region = settings.providers.get(provider, PLAIN_PROVIDER).region or ""
    preset = preset_of(provider, settings, presets)
    return region if preset is not None and region in preset.base_urls else ""


def upstreams_of(
    settings: Settings,
    known: Mapping[str, Preset],
    environ: Mapping[str, str],
    catalog: Catalog,
    clock: Clock,
) -> dict[str, Upstream]:
    """How each provider of the catalog is called; raises ConfigError on a missing key or URL."""
    served: dict[str, list[Deployment]] = {}
    for each in catalog.deployments.values():
        served.setdefault(each.provider, []).append(each)
    return {
        name: _upstream(name, settings, known, environ, clock, own) for name, own in served.items()
    }


def _upstream(
    name: str,
    settings: Settings,
    known: Mapping[str, Preset],
    environ: Mapping[str, str],
    clock: Clock,
    served: Collection[Deployment],
) -> Upstream:
    """In the format of the provider's preset; what has none speaks as most do."""
    own = settings.providers.get(name, PLAIN_PROVIDER)
    preset = preset_of(name, settings, known) or Preset(id=name)
    formats = formats_of(preset.format, traits_of(preset))
    taken = {each.id: _parameters(each.id, name, each.model, settings) for each in served}
    endpoint = endpoint_of(_account(name, own), preset, environ, clock)
    native = _languages(name, settings, known)
    stated = {each.id: _stated(each.id, name, settings) for each in served}
    elsewhere = _elsewhere(name, settings, known)
    bare = endpoint_of(_account(name, own), elsewhere, environ, clock) if elsewhere else None
    return upstream_of(
        endpoint,
        formats,
        taken,
        bare=bare,
        native=native,
        stated=stated,
        base_urls={} if own.base_url else preset.call_urls,
    )


def preset_of(name: str, settings: Settings, known: Mapping[str, Preset]) -> Preset | None:
    """What is known of a provider; raises ConfigError if it names a preset that is none."""
    stated = settings.providers.get(name, PLAIN_PROVIDER).preset
    if stated is not None and stated not in known:
        near = get_close_matches(stated, known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        raise ConfigError(f"providers.{name}.preset: no preset is named {stated!r}; {mend}")
    return known.get(stated or name)


def _account(name: str, own: ProviderSettings) -> Account:
    stated = {
        "region": own.region,
        "resource": own.resource,
        "project": own.project,
        "account": own.account,
    }
    return Account(
        name=name,
        base_url=own.base_url,
        api_key=own.api_key,
        auth=own.auth,
        api_version=own.api_version,
        places={place: value for place, value in stated.items() if value is not None},
        headers=own.headers,
    )
