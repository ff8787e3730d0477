"""Models that a wildcard stands for: those of the price list that is packaged."""

from __future__ import annotations

from fnmatch import fnmatchcase

from genai_prices.data import providers

from windsock.providers.presets import Preset, provider_names


def known_models(preset: Preset, pattern: str) -> list[str]:
    """Names of a provider's models that match a pattern with `*`, as its endpoint takes them."""
    names = provider_names()
    return [
        model.id
        for provider in providers
        if names.split_region(provider.id)[0] == preset.id
        for model in provider.models
        if fnmatchcase(model.id, pattern) and _is_name(model.id)
    ]


def _is_name(stated: str) -> bool:
    """False of what stands in the list for many: `regional.` for a region, `ft:x-` for any end."""
    return not stated.startswith("regional.") and not stated.endswith(("-", ":"))
