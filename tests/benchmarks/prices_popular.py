"""Popular models and their facets: share of prices in force that a hand-made table confirms.

The feeds are those that can be read without a network: the packaged genai-prices, and an excerpt of
LiteLLM's map (1.110.2). Each row of the table names the page that states it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.builders import router
from windsock.app.background.ingestion import FeedIngestion
from windsock.clock import ManualClock
from windsock.core.model.catalog import Deployment
from windsock.core.model.model_names import Identity, split_site
from windsock.core.model.units import Meter, price_of
from windsock.core.pricing.book import PriceBook
from windsock.feeds.definition import load_feed
from windsock.feeds.fetcher import packaged
from windsock.feeds.reader import read
from windsock.providers.presets import provider_names
from windsock.resources import folders

FEEDS = Path(__file__).parents[1] / "feeds"
AT = 1_795_514_400.0
"""2026-11-24, when the lists were copied."""
WITHIN = Decimal("0.005")
"""Pages print three digits: 0.138 for half of 0.275."""
BAR = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A price that its page states, US dollars per million units, and the one in force here."""

    row: dict[str, str]
    found: Decimal | None

    @property
    def is_right(self) -> bool:
        """True up to the digits that pages print."""
        stated = Decimal(self.row["usd_per_mtok"])
        return self.found is not None and abs(self.found - stated) <= WITHIN * stated


def table() -> list[dict[str, str]]:
    """The rows that were entered by hand."""
    lines = (FEEDS / "popular_models.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def book_of(names: list[str], *, is_reversed: bool = False) -> PriceBook:
    """What is believed of these deployments after two polls of both lists."""
    wind = router(prices={}, deployments=tuple(_deployment(name) for name in names))
    ingestion = FeedIngestion(
        router=wind,
        identity=Identity(wind.catalog, provider_names()),
        clock=ManualClock(AT),
        append=lambda _: None,
        publish=lambda _: None,
    )
    bodies = {
        "genai-prices": packaged(),
        "litellm": (FEEDS / "popular_litellm.json").read_bytes(),
    }
    order = sorted(bodies, reverse=is_reversed)
    for name in (*order, *order):
        definition = load_feed(folders("pricefeeds", "feed.toml")[name])
        ingestion.on_reading(definition, read(definition, bodies[name], seen_at=AT))
    return wind.book


def facts(*, is_reversed: bool = False) -> Iterator[Fact]:
    """Every row of the table beside what is in force."""
    rows = table()
    book = book_of(list(dict.fromkeys(row["deployment"] for row in rows)), is_reversed=is_reversed)
    for row in rows:
        size, tier = int(row["prompt_tokens"]), row["service_tier"] or None
        prices = book.prices(row["deployment"], AT, prompt_tokens=size, service_tier=tier)
        yield Fact(row=row, found=price_of(Meter(row["meter"]), prices or {}))


def _deployment(name: str) -> Deployment:
    provider, _, model = name.partition("/")
    return Deployment(id=name, provider=provider, model=split_site(model)[0])


def main() -> int:
    """Print the share by kind of facet and what is wrong; 1 below the bar."""
    found = list(facts())
    kinds = Counter(fact.row["service_tier"] or fact.row["meter"] for fact in found)
    right = Counter(
        fact.row["service_tier"] or fact.row["meter"] for fact in found if fact.is_right
    )
    for kind, count in kinds.most_common():
        print(f"{kind:<16} {right[kind]:>4} of {count}")
    for fact in found:
        if not fact.is_right:
            print("wrong:", *fact.row.values(), "in force:", fact.found)
    models = len({fact.row["deployment"] for fact in found})
    share = sum(right.values()) / len(found)
    print(f"{sum(right.values())} of {len(found)} prices of {models} models: {share:.1%}")
    return int(share < BAR)


if __name__ == "__main__":
    raise SystemExit(main())
