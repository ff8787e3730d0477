"""Feeds and the owner's own prices, from settings."""

from __future__ import annotations

from pathlib import Path

from windsock.config.settings import DeploymentSettings, FeedOverride, Settings, StatedPrice
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Alias
from windsock.core.model.ticks import Quote
from windsock.errors import ConfigError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.resources import folder

OWN_FEED = "config"
"""Stands as the feed of the owner's own prices."""


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


def _own_quote(deployment: Deployment, price: StatedPrice, now: float) -> Quote:
    return Quote(
        deployment=deployment.id,
        feed=OWN_FEED,
        feed_model=deployment.model,
        usd_per_mtok=price.usd_per_mtok,
        seen_at=now,
        zero_reason=price.reason,
        trust=1.0,
    )


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
    if stated.offline:
        return [each for each in found if not each.url.startswith(("http:", "https:"))]
    return found


def _changed(definition: FeedDefinition, change: FeedOverride) -> FeedDefinition:
    stated = {
        "url": change.url,
        "every": change.every,
        "trust": change.trust,
        "allow_private": change.allow_private or None,
        "headers": {"authorization": f"Bearer {change.api_key}"} if change.api_key else None,
    }
    update = {key: value for key, value in stated.items() if value is not None}
    return definition.model_copy(update=update)
