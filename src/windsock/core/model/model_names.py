"""One place that resolves the names feeds and answers use to deployments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import NamedTuple, TypeVar

from windsock.core.model.catalog import Catalog, Deployment

SNAPSHOT = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6}|\d{4})$")
"""A date at the end of a model's name: 2024-08-06, 20241022, 2411, 0613."""

VERSION = re.compile(r"@(20\d{6})$")
"""Vertex writes a snapshot after `@`."""

FINE_TUNE = re.compile(r"^(ft:[^:]+):.+$")
"""A model tuned for one owner (ft:gpt-4.1-mini:acme::x1): lists price it as ft:gpt-4.1-mini."""

EVERYWHERE = "global"
OF_EVERYWHERE = ("global", "global-standard")
"""How clouds call it."""

WORLDWIDE = ("", EVERYWHERE)
"""Sites at which a model costs what its list says."""

SITE_MARKS = "./"
"""After a site that stands before a model's name."""

CLOUD_REGION = re.compile(r"[a-z]{2}(-gov)?-[a-z]+-\d")
"""As in us-east-1, eu-central-1 and us-gov-west-1."""

ANY_SITE = "*"
"""Stands for every site that is not worldwide."""

WORD = re.compile(r"[a-z0-9]+")


class Name(NamedTuple):
    """A model at a seller; region is a site or host with prices of its own, or empty."""

    provider: str
    region: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNames:
    """How feeds and providers write names, in the words used here.

    aliases         another name of a provider -> (provider, region of the site it means or empty)
    aggregators     sellers of other providers' models under `author/model`
    model_prefixes  written before a model's name, without meaning
    own_prefixes    the same, by provider
    sites           by provider: regions written before a model's name, with a dot or a slash
    uplifts         by provider and region: share that a site adds to the worldwide price
    """

    aliases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    aggregators: frozenset[str] = frozenset()
    model_prefixes: tuple[str, ...] = ()
    own_prefixes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uplifts: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def split_region(self, provider: str) -> tuple[str, str]:
        """(provider as it is named here, region or empty)."""
        name = provider.lower()
        return self.aliases.get(name, (name, ""))

    def parse(self, feed_provider: str, feed_model: str) -> Name:
        """A feed's name in the words used here: sites, hosts after `@` and prefixes undone."""
        provider, region = self.split_region(feed_provider)
        model = FINE_TUNE.sub(r"\1", VERSION.sub(r"-\1", feed_model.lower()))
        own = self.own_prefixes.get(provider, ())
        prefixes = (f"{feed_provider.lower()}/", f"{provider}/", *self.model_prefixes, *own)
        for prefix in dict.fromkeys(prefixes):  # each once: acme/acme/m is acme's acme/m
            model = model.removeprefix(prefix)
        sites = self.sites.get(provider, ())
        for mark in SITE_MARKS if sites else "":
            site, _, rest = model.partition(mark)
            if rest and (site in sites or CLOUD_REGION.fullmatch(site)):
                return Name(provider, EVERYWHERE if site in OF_EVERYWHERE else site, rest)
        model, _, host = model.partition("@")
        return Name(provider, host or region, model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """From `since` until `until` (unix s) a provider's name `alias` meant its model `target`."""

    provider: str
    alias: str
    target: str
    since: float = float("-inf")
    until: float = float("inf")


K = TypeVar("K")
V = TypeVar("V")

Resolved = tuple[tuple[str, bool], ...]
"""(deployment id, is_indirect) pairs."""


class Identity:
    """Feed names to deployment ids. Exact names win; nothing is guessed by substring.

    names       how providers and their models are written
    dated       what moving names of providers meant, and when
    """

    def __init__(self, catalog: Catalog, names: ProviderNames, dated: Iterable[Alias] = ()) -> None:
        self._ids: dict[Name, list[str]] = {}
        self._elsewhere: dict[tuple[str, str], list[str]] = {}
        self._sites: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._resolved: dict[tuple[str, str], Resolved] = {}
        self._dated = tuple(dated)
        self._catalog = catalog
        self._names = names
        for deployment in catalog.deployments.values():
            for name in self._names_of(deployment):
                self._note(name, deployment.id)

    def resolve(self, feed_provider: str, feed_model: str, at: float | None = None) -> Resolved:
        """Deployments a feed's row speaks of; empty if of nobody here.

        An indirect row speaks of the same model sold elsewhere: another site, host or reseller.
        at      unix s, for names whose meaning has a date; None leaves those out
        """
        if at is not None:
            for alias in self._dated:
                if alias.since <= at < alias.until and self._is(alias, feed_provider, feed_model):
                    return self.resolve(feed_provider, alias.target)
        key = (feed_provider, feed_model)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._look_up(
                self._names.parse(feed_provider, feed_model)
            )
        return found

    def listing(self, feed_provider: str, feed_model: str) -> str:
        """`seller/model` or `seller/model@region` of a row, whether it is in use here or not."""
        name = self._names.parse(feed_provider, feed_model)
        return f"{name.provider}/{name.model}" + (f"@{name.region}" if name.region else "")

    def uplifted(
        self, feed_provider: str, feed_model: str, stated: Mapping[str, Decimal] | None = None
    ) -> Iterator[tuple[str, Decimal]]:
        """Deployments at a site that adds a share to the worldwide price that this row states.

        stated      by region, as the row has it; `*` is any; without it as its provider is known
        """
        name = self._names.parse(feed_provider, feed_model)
        if name.region not in WORLDWIDE:
            return
        shares = {**self._names.uplifts.get(name.provider, {}), **(stated or {})}
        shares[EVERYWHERE] = Decimal(0)
        for region, deployment in self._sites.get((name.provider, name.model), ()):
            share = shares.get(region, shares.get(ANY_SITE) if region else None)
            if share is not None and region != name.region:
                yield deployment, share

    def served_by(self, deployment_id: str, served_model: str) -> str | None:
        """Id of the model that answered, if it is another than the one this deployment asks for."""
        deployment = self._catalog.deployments[deployment_id]
        if is_same_model(deployment.model, served_model):
            return None
        name = self._names.parse(deployment.provider, served_model)
        ids = self._ids.get(name)
        return ids[0] if ids else f"{deployment.provider}/{name.model}"

    def follow(self, name: str) -> None:
        """Let feeds also price `provider/model`, which answers but is no deployment here."""
        provider, _, model = name.partition("/")
        self._note(self._names.parse(provider, model), name)
        self._resolved.clear()

    def subjects(self, subject: str) -> tuple[str, ...]:
        """Providers or deployments in use that a health feed's subject means; empty if none."""
        provider, _, model = subject.partition("/")
        if model:
            direct = [
                name for name, is_indirect in self.resolve(provider, model) if not is_indirect
            ]
            return tuple(name for name in direct if name in self._catalog.deployments)
        name, _ = self._names.split_region(provider)
        used = any(each.provider == name for each in self._catalog.deployments.values())
        return (name,) if used else ()

    def _look_up(self, name: Name) -> Resolved:
        direct = self._ids.get(name)
        if direct:
            return tuple((each, False) for each in direct)
        elsewhere = self._elsewhere.get((name.provider, name.model))
        if not elsewhere and name.provider in self._names.aggregators and ":" not in name.model:
            author, _, bare = name.model.partition("/")
            author, _ = self._names.split_region(author)
            elsewhere = self._elsewhere.get((author, bare))
        return tuple((each, True) for each in elsewhere or ())

    def _names_of(self, deployment: Deployment) -> set[Name]:
        """Every name under which feeds may quote a deployment, in its own region."""
        region = split_site(deployment.id)[1].lower() or deployment.site
        own = self._names.parse(deployment.provider, deployment.model)
        stated = [self._names.parse(*_halves(each)) for each in deployment.price_names]
        return {each._replace(region=region or each.region) for each in (own, *stated)}

    def _note(self, name: Name, deployment_id: str) -> None:
        _add(self._ids, name, deployment_id)
        _add(self._elsewhere, (name.provider, name.model), deployment_id)
        _add(self._sites, (name.provider, name.model), (name.region, deployment_id))

    def _is(self, alias: Alias, feed_provider: str, feed_model: str) -> bool:
        stated = self._names.parse(feed_provider, feed_model)
        return stated == self._names.parse(alias.provider, alias.alias)


def split_site(name: str) -> tuple[str, str]:
    """(name, site) of `model@site`. A date after the `@` is a snapshot's, not a site."""
    head, _, site = name.rpartition("@")
    return (name, "") if not head or VERSION.search(name) else (head, site)


def is_same_model(asked: str, served: str) -> bool:
    """True if an answer's model name is the one asked for, or a dated snapshot of it."""
    one, other = _bare(asked), _bare(served)
    return one == other or one == SNAPSHOT.sub("", other) or SNAPSHOT.sub("", one) == other


def nearest(name: str, seen: Iterable[str], count: int = 3) -> list[str]:
    """The names most like this one, by shared words and then by spelling."""
    words = set(WORD.findall(name.lower()))
    ranked = sorted(seen, key=lambda each: (-len(words & set(WORD.findall(each.lower()))), each))
    return get_close_matches(name, ranked[:40], n=count, cutoff=0.5)


def _halves(name: str) -> tuple[str, str]:
    provider, _, model = name.partition("/")
    return provider, model


def _add(found: dict[K, list[V]], key: K, each: V) -> None:
    known = found.setdefault(key, [])
    if each not in known:
        known.append(each)


def _bare(model: str) -> str:
    """The last part of a model's name, without host, date mark or variant."""
    last = VERSION.sub(r"-\1", model.lower()).rsplit("/", 1)[-1]
    return last if FINE_TUNE.match(last) else last.partition(":")[0].partition("@")[0]
