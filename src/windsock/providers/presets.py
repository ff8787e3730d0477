"""Provider presets, read once from presets.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from windsock.core.model.catalog import USUAL_CACHE, CacheTraits
from windsock.core.model.model_names import ProviderNames
from windsock.wire.billing import BillField
from windsock.wire.format import NO_HABITS, ProviderTraits, UsageHabits
from windsock.wire.upstream_errors.rules import ErrorRule, rule_of, words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Where a key is told what is left to spend, for nothing.

    path    from the base URL, as a link is read
    left    jq: dollars, or whatever it charges in, in the answer; no number without a limit
    """

    path: str
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How to reach a provider, and under which names feeds speak of it.

    base_url            empty for a provider that only feeds speak of; `{place}` is one of `places`
    base_urls           in its place, by region; "" where none is stated
    dated_url           the same where the owner states an `api_version`
    dated_prefix        then stands before the path of a call; `{model}` is the model's name
    places              parts of the address that each owner has of his own, and the environment
                        variables that may hold them; `base_url` is the whole of it
    key                 environment variable that holds its API key; None if it needs none
    auth                bearer, `query:NAME`, or the name of the header that carries the key
    keyless_auth        how to sign in without a key: a name in `auth.registry`
    auth_scope          what is asked for then: a token's scope, the service a signature is for
    headers             that every call carries
    format              name of the wire format of its API (`wire.registry`)
    speaks              formats of clients that it takes as they come, beside its own
    speaks_at           id of the preset where it takes more of them, with the same key; only where
                        the owner states no address and no sign-in
    keeps_router_fields it understands the router's own fields of a request itself
    status              id of its health feed
    models              candidates when no configuration names any
    embedding_models    the same for /v1/embeddings
    is_explicit         used only when the configuration names it
    is_own              a server that people run themselves: what it serves, no list knows
    is_aggregator       sells other providers' models under `author/model`
    aliases             its other names; `name@region` where that site has its own prices
    prices_as           the provider under whose name lists quote what it serves
    otel                its name in OpenTelemetry's semantic conventions, where it is another
    model_prefixes      written by some before a model's name, without meaning
    own_prefixes        the same, at this provider only
    sites               regions that it writes before a model's name, with a dot or a slash
    uplifts             by region: share that it adds to its worldwide price there
    bill                where its answers say what they cost, the best place first
    bill_header         the header of an answer that says so
    usage               what it counts its own way
    cache               how it caches the beginning of prompts
    call_urls           base URLs of kinds of calls that are not made at the usual one
    credit              where a key is told what is left to spend
    searching           globs of the names of its models that search the web
    """

    id: str
    base_url: str = ""
    base_urls: Mapping[str, str] = field(default_factory=dict)
    dated_url: str = ""
    dated_prefix: str = ""
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    key: str | None = None
    auth: str = "bearer"
    keyless_auth: str | None = None
    auth_scope: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    format: str = "openai_chat"
    speaks: tuple[str, ...] = ()
    speaks_at: str = ""
    keeps_router_fields: bool = False
    status: str | None = None
    models: tuple[str, ...] = ()
    embedding_models: tuple[str, ...] = ()
    is_explicit: bool = False
    is_own: bool = False
    is_aggregator: bool = False
    aliases: tuple[str, ...] = ()
    prices_as: str | None = None
    otel: str | None = None
    model_prefixes: tuple[str, ...] = ()
    own_prefixes: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    uplifts: Mapping[str, Decimal] = field(default_factory=dict)
    bill: tuple[BillField, ...] = ()
    bill_header: str = ""
    usage: UsageHabits = NO_HABITS
    cache: CacheTraits = USUAL_CACHE
    call_urls: Mapping[str, str] = field(default_factory=dict)
    credit: Credit | None = None
    searching: tuple[str, ...] = ()

    def searches_as(self, model: str) -> bool:
        """Whether its model of this name is known to search the web when it is asked to."""
        name = model.rsplit("/", 1)[-1].lower()
        return any(fnmatchcase(name, glob) for glob in self.searching)


@cache
def known_providers() -> Mapping[str, Preset]:
    """All that is known of any provider, by its id."""
    text = files("windsock.providers").joinpath("presets.toml").read_text(encoding="utf-8")
    return {
        name: _preset(name, body) for name, body in tomllib.loads(text, parse_float=Decimal).items()
    }


@cache
def presets() -> Mapping[str, Preset]:
    """Providers that can be called without stating where, by id."""
    return {name: each for name, each in known_providers().items() if each.base_url}


@cache
def provider_names() -> ProviderNames:
    """How feeds and providers write names."""
    known = known_providers().values()
    return ProviderNames(
        aliases=dict(_alias(each.id, stated) for each in known for stated in each.aliases),
        aggregators=frozenset(each.id for each in known if each.is_aggregator),
        model_prefixes=tuple(prefix for each in known for prefix in each.model_prefixes),
        own_prefixes={each.id: each.own_prefixes for each in known if each.own_prefixes},
        sites={each.id: each.sites for each in known if each.sites},
        uplifts={each.id: each.uplifts for each in known if each.uplifts},
    )


@cache
def bill_fields() -> tuple[BillField, ...]:
    """Every place where any provider is known to state a charge: a gateway may pass it on."""
    known = known_providers().values()
    return tuple(dict.fromkeys(field for each in known for field in each.bill))


@cache
def _stated_errors() -> Mapping[str, tuple[ErrorRule, ...]]:
    text = files("windsock.providers").joinpath("errors.toml").read_text(encoding="utf-8")
    stated = tomllib.loads(text)
    words = words_of(stated.pop("words"))
    return {
        name: tuple(rule_of(words=words, **each) for each in rules)
        for name, rules in stated.items()
    }


def error_rules(provider: str) -> tuple[ErrorRule, ...]:
    """What errors of a provider mean, in the order in which they are asked; also of an unknown."""
    stated = _stated_errors()
    return (*stated.get(provider, ()), *stated["shared"])


def traits_of(preset: Preset) -> ProviderTraits:
    """What the wire formats must know of a provider."""
    return ProviderTraits(
        keeps_router_fields=preset.keeps_router_fields,
        bill=tuple(dict.fromkeys((*preset.bill, *bill_fields()))),
        usage=preset.usage,
        errors=error_rules(preset.id),
    )


def _alias(provider: str, stated: str) -> tuple[str, tuple[str, str]]:
    """`name@region` of a provider: the name, and whom and which site it means."""
    name, _, region = stated.partition("@")
    return name, (provider, region)


def _preset(name: str, body: dict[str, Any]) -> Preset:
    stated = _tuples(body)
    stated["places"] = _tuples(body.get("places", {}))
    stated["bill"] = tuple(BillField(**field) for field in body.get("bill", ()))
    stated["cache"] = _cache(body.get("cache", {}))
    stated["credit"] = Credit(**body["credit"]) if "credit" in body else None
    stated["usage"] = UsageHabits(**_tuples(body.get("usage", {})))
    return Preset(id=name, **stated)


def _cache(stated: dict[str, Any]) -> CacheTraits:
    """What is left out is as usual."""
    numbers = {key: float(value) for key, value in stated.items() if key != "min_tokens"}
    return replace(
        USUAL_CACHE, **numbers, min_tokens=int(stated.get("min_tokens", USUAL_CACHE.min_tokens))
    )


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}
