"""One place that resolves the names feeds use to deployments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from windsock.core.catalog import Catalog, Deployment

AGGREGATORS = frozenset({"openrouter", "requesty", "vercel", "tokenmix", "portkey", "litellm"})

PROVIDER_NAMES: Mapping[str, str] = {
    "gemini": "google",
    "google-ai-studio": "google",
    "vertex_ai": "google-vertex",
    "mistralai": "mistral",
    "dashscope": "qwen",
    "alibaba": "qwen",
    "together_ai": "together",
    "togetherai": "together",
    "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks",
    "x-ai": "xai",
    "moonshotai": "moonshot",
}
"""Other names of a provider, in feeds, by the name used here."""

SNAPSHOT = re.compile(r"-(?:20\d\d-?\d\d-?\d\d|\d{4})$")


class Identity:
    """Feed names to deployment ids. Exact names win; nothing is guessed by substring."""

    def __init__(self, catalog: Catalog, aliases: Mapping[str, str] | None = None) -> None:
        self._direct: dict[tuple[str, str], list[str]] = {}
        self._model: dict[str, list[str]] = {}
        for deployment in catalog.deployments.values():
            for provider, model in self._names(deployment, aliases or {}):
                self._direct.setdefault((provider, model), []).append(deployment.id)
            self._model.setdefault(deployment.model.lower(), []).append(deployment.id)
        self._catalog = catalog

    def resolve(self, feed_provider: str, feed_model: str) -> tuple[tuple[str, bool], ...]:
        """(deployment id, is_indirect) pairs; empty if the row is about nobody here."""
        provider = canonical(feed_provider)
        model = feed_model.lower()
        found = self._direct.get((provider, model)) or self._direct.get(
            (provider, model.removeprefix(f"{provider}/"))
        )
        if found:
            return tuple((name, False) for name in found)
        if provider in AGGREGATORS and "/" in model and ":" not in model:
            author, _, bare = model.partition("/")
            indirect = self._direct.get((canonical(author), bare), ())
            return tuple((name, True) for name in indirect)
        return ()

    def unmatched(self, priced: Iterable[str]) -> dict[str, list[str]]:
        """Deployments that no feed priced, each with near names among those seen."""
        known = set(priced)
        names = [f"{provider}/{model}" for provider, model in self._direct]
        return {
            name: get_close_matches(name, names, n=3)
            for name in self._catalog.deployments
            if name not in known
        }

    def _names(
        self, deployment: Deployment, aliases: Mapping[str, str]
    ) -> Iterable[tuple[str, str]]:
        provider, model = canonical(deployment.provider), deployment.model.lower()
        yield provider, model
        for name in deployment.price_names:
            other, _, rest = name.lower().partition("/")
            yield canonical(other), rest
        for alias, target in aliases.items():
            if target == deployment.id:
                other, _, rest = alias.lower().partition("/")
                yield canonical(other), rest


def canonical(provider: str) -> str:
    """A provider's name as it is used here."""
    name = provider.lower()
    return PROVIDER_NAMES.get(name, name)
