"""From settings to the parts of the core: catalog, routes, and the owner's own prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

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
from windsock.errors import ConfigError
from windsock.providers.presets import Preset, traits_of
from windsock.providers.transport import Endpoint
from windsock.providers.upstream import Upstream, upstream_of
from windsock.wire.registry import formats_of


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


def _deployment(name: str, settings: Settings, presets: Mapping[str, Preset]) -> Deployment:
    own = settings.deployments.get(name, DeploymentSettings())
    provider, _, model = name.partition("/")
    provider = own.provider or provider
    model = own.model or split_site(model)[0]
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
        cache=_cache_of(provider, settings, presets),
    )


def _cache_of(provider: str, settings: Settings, presets: Mapping[str, Preset]) -> CacheTraits:
    """As the provider's preset states it."""
    own = settings.providers.get(provider, ProviderSettings())
    preset = presets.get(own.preset or provider)
    return preset.cache if preset else USUAL_CACHE


def upstreams_of(
    settings: Settings,
    known: Mapping[str, Preset],
    environ: Mapping[str, str],
    catalog: Catalog,
) -> dict[str, Upstream]:
    """How each provider of the catalog is called; raises ConfigError on a missing key or URL."""
    providers = dict.fromkeys(each.provider for each in catalog.deployments.values())
    return {name: _upstream(name, settings, known, environ) for name in providers}


def _upstream(
    name: str, settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Upstream:
    """In the format of the provider's preset; what has none speaks as most do."""
    own = settings.providers.get(name, ProviderSettings())
    preset = known.get(own.preset or name) or Preset(id=name)
    formats = formats_of(preset.format, traits_of(preset))
    return upstream_of(_endpoint(name, settings, known, environ), formats)


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
    bill_header = preset.bill_header if preset else ""
    return Endpoint(base_url=base_url.rstrip("/"), headers=headers, bill_header=bill_header)
