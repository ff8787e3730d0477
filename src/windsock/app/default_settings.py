"""What a service without configuration uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from windsock.app.catalog_parts import PLAIN_DEPLOYMENT, PLAIN_PROVIDER, deployment_names
from windsock.config.route_settings import RouteSettings
from windsock.config.settings import Settings
from windsock.errors import ConfigError
from windsock.providers.presets import Preset


def with_defaults(
    settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Settings:
    """What the owner has left out: the routes `auto` and `embeddings`, and the status feeds."""
    return _with_status_feeds(_with_a_route(settings, known, environ), known)


def _with_a_route(
    settings: Settings, known: Mapping[str, Preset], environ: Mapping[str, str]
) -> Settings:
    """With no route configured: a route `auto` over every provider whose key is set.

    With some, the embedding models of the providers in use can be asked for by name all the same.
    """
    if settings.routes:
        used = {name.partition("/")[0] for name in deployment_names(settings)}
        return _with_embedding_models(settings, [known[name] for name in used & known.keys()])
    usable = [
        preset
        for preset in known.values()
        if preset.key and environ.get(preset.key) and _is_addressed(preset, environ)
    ]
    names = [f"{preset.id}/{model}" for preset in usable for model in preset.models]
    names += [name for name in settings.deployments if name not in names]
    if not names:
        keys = ", ".join(p.key for p in known.values() if p.key and p.models)
        raise ConfigError(
            f"nothing to route to: set a provider's key ({keys}), write a windsock.toml with "
            "[routes.auto], or try 'windsock demo'"
        )
    auto = RouteSettings(candidates=tuple(names))
    return _with_embeddings(settings.model_copy(update={"routes": {"auto": auto}}), usable)


def _is_addressed(preset: Preset, environ: Mapping[str, str]) -> bool:
    """Meant without being named: its key is there, and where to call is known."""
    needed = (names for place, names in preset.places.items() if f"{{{place}}}" in preset.base_url)
    return not preset.is_explicit and all(any(map(environ.get, names)) for names in needed)


def _with_embeddings(settings: Settings, usable: Sequence[Preset]) -> Settings:
    """The embedding models of these providers by name, and a route `embeddings` over the first.

    Over one alone: vectors of two models cannot be compared.
    """
    first = next((name for preset in usable for name in _embedding_names(preset)), None)
    if first is None:
        return settings
    routes = {**settings.routes, "embeddings": RouteSettings(candidates=(first,))}
    return _with_embedding_models(settings.model_copy(update={"routes": routes}), usable)


def _with_embedding_models(settings: Settings, usable: Iterable[Preset]) -> Settings:
    """Their embedding models as deployments: no route chooses them, a request names one."""
    names = sorted(name for preset in usable for name in _embedding_names(preset))
    added = {name: settings.deployments.get(name, PLAIN_DEPLOYMENT) for name in names}
    return settings.model_copy(update={"deployments": {**settings.deployments, **added}})


def _embedding_names(preset: Preset) -> list[str]:
    return [f"{preset.id}/{model}" for model in preset.embedding_models]


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
        and settings.providers.get(name, PLAIN_PROVIDER).base_url is None
    ]
    feeds = settings.feeds.model_copy(update={"enabled": (*settings.feeds.enabled, *found)})
    return settings.model_copy(update={"feeds": feeds})
