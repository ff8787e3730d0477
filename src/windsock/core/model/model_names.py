"""One place that resolves the names feeds and answers use to deployments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from windsock.core.model.catalog import Catalog, Deployment

AGGREGATORS = frozenset({"openrouter", "requesty", "vercel", "tokenmix", "portkey", "litellm"})
"""Sellers of other providers' models under `author/model`."""

PROVIDER_NAMES: Mapping[str, str] = {
    "alibaba": "qwen",
    "alibaba-cn": "qwen@cn",
    "amazon-bedrock": "bedrock",
    "aws": "bedrock",
    "aws-bedrock": "bedrock",
    "azure_ai": "azure",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "dashscope": "qwen",
    "deepseek-ai": "deepseek",
    "fireworks-ai": "fireworks",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google-ai-studio": "google",
    "google-vertex-anthropic": "google-vertex",
    "huggingface_together": "huggingface",
    "minimax-cn": "minimax@cn",
    "mistralai": "mistral",
    "moonshotai": "moonshot",
    "moonshotai-cn": "moonshot@cn",
    "siliconflow-cn": "siliconflow@cn",
    "together-ai": "together",
    "together_ai": "together",
    "togetherai": "together",
    "vercel_ai_gateway": "vercel",
    "vertex_ai": "google-vertex",
    "x-ai": "xai",
    "z-ai": "zai",
    "zai-org": "zai",
    "zhipu": "zai@cn",
    "zhipuai": "zai@cn",
}
"""Other names of a provider, by the name used here; `@region` where the site has its own prices."""

WRAPPERS = ("models/", "accounts/fireworks/models/", "publishers/google/models/")
SNAPSHOT = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6}|\d{4})$")
"""A date at the end of a model's name: 2024-08-06, 20241022, 2411, 0613."""

VERSION = re.compile(r"@(20\d{6})$")
"""Vertex writes a snapshot after `@`."""

BEDROCK_SITE = re.compile(r"^(us|eu|apac|jp|au|global)\.")
WORD = re.compile(r"[a-z0-9]+")


class Name(NamedTuple):
    """A model at a seller; region is a site or host with prices of its own, or empty."""

    provider: str
    region: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """From `since` until `until` (unix s) a provider's name `alias` meant its model `target`."""

    provider: str
    alias: str
    target: str
    since: float = float("-inf")
    until: float = float("inf")


K = TypeVar("K")

Resolved = tuple[tuple[str, bool], ...]
"""(deployment id, is_indirect) pairs."""


class Identity:
    """Feed names to deployment ids. Exact names win; nothing is guessed by substring.

    aliases     feed `provider/model` -> deployment id, besides the deployments' `price_names`
    dated       what moving names of providers meant, and when
    """

    def __init__(
        self,
        catalog: Catalog,
        aliases: Mapping[str, str] | None = None,
        dated: Iterable[Alias] = (),
    ) -> None:
        self._ids: dict[Name, list[str]] = {}
        self._elsewhere: dict[tuple[str, str], list[str]] = {}
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self._dated = tuple(dated)
        self._catalog = catalog
        targets = _by_target(aliases or {})
        for deployment in catalog.deployments.values():
            for name in _names(deployment, targets.get(deployment.id, ())):
                _note(self._ids, name, deployment.id)
                _note(self._elsewhere, (name.provider, name.model), deployment.id)

    def resolve(self, feed_provider: str, feed_model: str, at: float | None = None) -> Resolved:
        """Deployments a feed's row speaks of; empty if of nobody here.

        An indirect row speaks of the same model sold elsewhere: another site, host or reseller.
        at      unix s, for names whose meaning has a date; None leaves those out
        """
        if at is not None:
            for alias in self._dated:
                if alias.since <= at < alias.until and _is(alias, feed_provider, feed_model):
                    return self.resolve(feed_provider, alias.target)
        key = (feed_provider, feed_model)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._look_up(parse(feed_provider, feed_model))
        return found

    def served_by(self, deployment_id: str, served_model: str) -> str | None:
        """Id of the model that answered, if it is another than the one this deployment asks for."""
        deployment = self._catalog.deployments[deployment_id]
        if is_same_model(deployment.model, served_model):
            return None
        name = parse(deployment.provider, served_model)
        ids = self._ids.get(name)
        return ids[0] if ids else f"{deployment.provider}/{name.model}"

    def follow(self, name: str) -> None:
        """Let feeds also price `provider/model`, which answers but is no deployment here."""
        provider, _, model = name.partition("/")
        own = parse(provider, model)
        _note(self._ids, own, name)
        _note(self._elsewhere, (own.provider, own.model), name)
        self._resolved.clear()

    def subjects(self, subject: str) -> tuple[str, ...]:
        """Providers or deployments in use that a health feed's subject means; empty if none."""
        provider, _, model = subject.partition("/")
        if model:
            direct = [
                name for name, is_indirect in self.resolve(provider, model) if not is_indirect
            ]
            return tuple(name for name in direct if name in self._catalog.deployments)
        name, _ = split_region(provider)
        used = any(each.provider == name for each in self._catalog.deployments.values())
        return (name,) if used else ()

    def unmatched(self, priced: Iterable[str], seen: Iterable[str] = ()) -> dict[str, list[str]]:
        """Deployments that no feed priced, each with the nearest of the names feeds listed."""
        known = set(priced)
        names = list(seen)
        return {
            name: nearest(name, names) for name in self._catalog.deployments if name not in known
        }

    def _look_up(self, name: Name) -> Resolved:
        direct = self._ids.get(name)
        if direct:
            return tuple((each, False) for each in direct)
        elsewhere = self._elsewhere.get((name.provider, name.model))
        if not elsewhere and name.provider in AGGREGATORS and ":" not in name.model:
            author, _, bare = name.model.partition("/")
            author, _ = split_region(author)
            elsewhere = self._elsewhere.get((author, bare))
        return tuple((each, True) for each in elsewhere or ())


def parse(feed_provider: str, feed_model: str) -> Name:
    """A feed's name in the words used here: `us.` sites, hosts after `@` and wrappers undone."""
    provider, region = split_region(feed_provider)
    model = VERSION.sub(r"-\1", feed_model.lower())
    for prefix in (f"{feed_provider.lower()}/", f"{provider}/", *WRAPPERS):
        model = model.removeprefix(prefix)
    if provider == "bedrock" and (site := BEDROCK_SITE.match(model)):
        return Name(provider, site[1], model[site.end() :])
    model, _, host = model.partition("@")
    return Name(provider, host or region, model)


def split_region(provider: str) -> tuple[str, str]:
    """(provider as it is named here, region or empty)."""
    name = provider.lower()
    canonical, _, region = PROVIDER_NAMES.get(name, name).partition("@")
    return canonical, region


def is_same_model(asked: str, served: str) -> bool:
    """True if an answer's model name is the one asked for, or a dated snapshot of it."""
    one, other = _bare(asked), _bare(served)
    return one == other or one == SNAPSHOT.sub("", other) or SNAPSHOT.sub("", one) == other


def nearest(name: str, seen: Iterable[str], count: int = 3) -> list[str]:
    """The names most like this one, by shared words and then by spelling."""
    words = set(WORD.findall(name.lower()))
    ranked = sorted(seen, key=lambda each: (-len(words & set(WORD.findall(each.lower()))), each))
    return get_close_matches(name, ranked[:40], n=count, cutoff=0.5)


def _names(deployment: Deployment, aliases: Iterable[str]) -> set[Name]:
    """Every name under which feeds may quote a deployment, in its own region."""
    region = deployment.id.partition("@")[2].lower()
    own = parse(deployment.provider, deployment.model)
    names = {own._replace(region=region or own.region)}
    for stated in (*deployment.price_names, *aliases):
        provider, _, model = stated.partition("/")
        other = parse(provider, model)
        names.add(other._replace(region=region or other.region))
    return names


def _by_target(aliases: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for alias, target in aliases.items():
        found.setdefault(target, []).append(alias)
    return found


def _note(found: dict[K, list[str]], key: K, deployment_id: str) -> None:
    if deployment_id not in found.setdefault(key, []):
        found[key].append(deployment_id)


def _is(alias: Alias, feed_provider: str, feed_model: str) -> bool:
    stated = parse(feed_provider, feed_model)
    return stated == parse(alias.provider, alias.alias)


def _bare(model: str) -> str:
    """The last part of a model's name, without host, date mark or variant."""
    return VERSION.sub(r"-\1", model.lower()).rsplit("/", 1)[-1].partition(":")[0].partition("@")[0]
