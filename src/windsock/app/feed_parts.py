"""Feeds and the owner's own prices, from settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from windsock.app.catalog_parts import PLAIN_DEPLOYMENT, PLAIN_PROVIDER
from windsock.config.feed_settings import FeedOverride
from windsock.config.price_settings import PriceSettings
from windsock.config.settings import Settings
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Alias
from windsock.core.model.ticks import Quote
from windsock.core.model.units import MTOK, STANDALONE
from windsock.core.pricing.facets.contract import Adjustment, ExchangeRate, in_dollars
from windsock.core.pricing.rules import OWN_FEED
from windsock.errors import ConfigError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.quotes import quote_of, rows_at
from windsock.feeds.reader import PriceRow, row_of
from windsock.resources import folder

OWN = FeedDefinition(
    id=OWN_FEED,
    kind="price",
    url="file:windsock.toml",
    every=1,
    unit="usd/mtok",
    trust=1,
    quotes=".",
)
"""Stands as the feed of the owner's own prices."""


def aliases_of(settings: Settings) -> list[Alias]:
    """What moving names of providers mean, and when."""
    return [Alias(**dict(stated)) for stated in settings.aliases]


def own_quotes(settings: Settings, catalog: Catalog, now: float) -> list[Quote]:
    """The prices that the owner states, which no feed may change: those of now and of later."""
    rates = rates_of(settings)
    return [
        in_dollars(quote_of(row, each.id, OWN, now, False), rates.get(row.currency))
        for each in catalog.deployments.values()
        for row in rows_at(_own_rows(settings, each, now), now)
    ]


def _own_rows(settings: Settings, deployment: Deployment, now: float) -> list[PriceRow]:
    own = settings.deployments.get(deployment.id, PLAIN_DEPLOYMENT)
    provider = settings.providers.get(deployment.provider)
    stated = [*([own.price] if own.price else []), *own.prices]
    if not stated and provider is not None and provider.price is not None:
        stated = [provider.price]
    return [row_of(OWN, deployment.provider, deployment.model, _row(p), now) for p in stated]


def _row(price: PriceSettings) -> dict[str, Any]:
    """As a feed would state it: what stands alone per single unit."""
    row = {**price.row(), "zero_reason": price.reason}
    for each in (row, *row["tiers"], *row["windows"], *row["service_tiers"].values()):
        each |= {m.value: each[m.value] / MTOK for m in STANDALONE if m.value in each}
    return row


def contracts_of(settings: Settings, catalog: Catalog) -> dict[str, list[Adjustment]]:
    """What comes on top of list prices, by deployment."""
    contracts = {}
    for each in catalog.deployments.values():
        provider = settings.providers.get(each.provider, PLAIN_PROVIDER)
        own = settings.deployments.get(each.id, PLAIN_DEPLOYMENT)
        further = provider.model_copy(update={"discount": None}).terms()
        contracts[each.id] = [*own.terms(provider.discount), *further]
    return {name: terms for name, terms in contracts.items() if terms}


def rates_of(settings: Settings) -> dict[str, ExchangeRate]:
    """What other currencies are in US dollars, as the owner states it."""
    return {
        name: ExchangeRate(currency=name, **dict(stated))
        for name, stated in settings.currencies.items()
    }


def feeds_of(settings: Settings, extra: tuple[Path, ...] = ()) -> list[FeedDefinition]:
    """The enabled feeds with the operator's changes; raises ConfigError on unknown names."""
    stated = settings.feeds
    dirs = (*stated.dirs, *extra)
    found = [
        _changed(
            load_feed(folder("pricefeeds", "feed.toml", name, dirs)),
            stated.override.get(name, FeedOverride()),
        )
        for name in stated.enabled
    ]
    unknown = [name for name in stated.override if name not in stated.enabled]
    if unknown:
        raise ConfigError(
            f"feeds.override.{unknown[0]}: no such feed is enabled; add it to feeds.enabled"
        )
    found = [_traced(each, found) for each in found]
    if stated.offline:
        return [each for each in found if not each.url.startswith(("http:", "https:"))]
    return found


def _traced(definition: FeedDefinition, feeds: list[FeedDefinition]) -> FeedDefinition:
    """It takes over rows also of those whose rows its sources take over, however far."""
    copied = {each.id: each.copies for each in feeds}
    sources = list(dict.fromkeys(definition.copies))
    for source in sources:  # grows meanwhile
        sources += [each for each in copied.get(source, ()) if each not in sources]
    return definition.model_copy(update={"copies": tuple(sources)})


def _changed(definition: FeedDefinition, change: FeedOverride) -> FeedDefinition:
    stated = {
        "url": change.url,
        "every": change.every,
        "trust": change.trust,
        "copies": change.copies,
        "allow_private": change.allow_private or None,
        "headers": {"authorization": f"Bearer {change.api_key}"} if change.api_key else None,
    }
    update = {key: value for key, value in stated.items() if value is not None}
    return definition.model_copy(update=update)
