"""Feeds and the owner's own prices, from settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from windsock.config.settings import DeploymentSettings, FeedOverride, Settings, StatedPrice
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Alias
from windsock.core.model.ticks import Quote
from windsock.errors import ConfigError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.resources import folder

OWN_FEED = "config"


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
    dirs = (*settings.feeds.dirs, *extra)
    found = []
    for name in settings.feeds.enabled:
        definition = load_feed(folder("pricefeeds", "feed.toml", name, dirs))
        change = settings.feeds.override.get(name, FeedOverride())
        update: dict[str, Any] = {
            key: value
            for key, value in (
                ("url", change.url),
                ("every", change.every),
                ("trust", change.trust),
                ("allow_private", change.allow_private or None),
            )
            if value is not None
        }
        if change.api_key:
            update["headers"] = {"authorization": f"Bearer {change.api_key}"}
        found.append(definition.model_copy(update=update))
    for name in settings.feeds.override:
        if name not in settings.feeds.enabled:
            raise ConfigError(
                f"feeds.override.{name}: no such feed is enabled; add it to feeds.enabled"
            )
    if settings.feeds.offline:
        return [each for each in found if not each.url.startswith(("http:", "https:"))]
    return found
