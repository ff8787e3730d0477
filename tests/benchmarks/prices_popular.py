"""Popular models and their facets: share of prices in force that the providers' pages confirm.

The feeds are those that can be read without a network: the packaged genai-prices, and an excerpt of
LiteLLM's map (1.110.2). Each row of the table names its page and the day of the copy that was read;
a row whose page could not be read is counted apart and in no score.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from tests.builders import router
from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.clock import ManualClock
from windsock.core.model.catalog import Deployment
from windsock.core.model.model_names import Identity, split_site
from windsock.core.model.units import Meter, price_of
from windsock.feeds.definition import load_feed
from windsock.feeds.fetcher import packaged
from windsock.feeds.reader import read
from windsock.providers.presets import provider_names
from windsock.resources import folders

FEEDS = Path(__file__).parents[1] / "feeds"
AT = 1_795_521_600.0
"""Noon (UTC) of Tuesday 2026-11-24, when the lists were copied."""
WITHIN = Decimal("0.005")
"""Pages print three digits: 0.138 for half of 0.275."""
BAR = 0.95
BAR_MODELS = 78


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

    @property
    def is_sourced(self) -> bool:
        """True if its page was read; the others were entered from memory."""
        return bool(self.row["read"])

    @property
    def kind(self) -> str:
        """What it is a price of."""
        size = " above a size" if int(self.row["prompt_tokens"]) > 100_000 else ""
        return (self.row["service_tier"] or self.row["meter"]) + size


def table() -> list[dict[str, str]]:
    """The rows that were entered by hand."""
    lines = (FEEDS / "popular_models.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


class Lists:
    """Both lists, polled as time passes by a book that starts empty."""

    def __init__(self, names: list[str], *, is_reversed: bool = False) -> None:
        wind = router(prices={}, deployments=tuple(_deployment(name) for name in names))
        self.book = wind.book
        self._clock = ManualClock(0.0)
        self._ingestion = FeedIngestion(
            router=wind,
            identity=Identity(wind.catalog, provider_names()),
            clock=self._clock,
            append=lambda _: None,
            publish=lambda _: None,
        )
        bodies = {
            "genai-prices": packaged(),
            "litellm": (FEEDS / "popular_litellm.json").read_bytes(),
        }
        self._bodies = [(name, bodies[name]) for name in sorted(bodies, reverse=is_reversed)]

    def poll(self, at: float) -> None:
        """Two polls of each list at `at` (unix s), which never goes back."""
        self._clock.advance_to(at)
        known = folders("pricefeeds", "feed.toml")
        lists = [(load_feed(known[name]), body) for name, body in self._bodies]
        readings = [(each, read(each, body, seen_at=at)) for each, body in lists]
        for definition, reading in readings * 2:
            self._ingestion.on_reading(definition, reading)


def facts(*, is_reversed: bool = False) -> Iterator[Fact]:
    """Every row of the table beside what is in force at its moment and size."""
    rows = sorted(table(), key=_moment)
    lists = Lists(list(dict.fromkeys(row["deployment"] for row in rows)), is_reversed=is_reversed)
    for at, asked in groupby(rows, key=_moment):
        lists.poll(at)
        for row in asked:
            size, tier = int(row["prompt_tokens"]), row["service_tier"] or None
            found = lists.book.prices(row["deployment"], at, prompt_tokens=size, service_tier=tier)
            yield Fact(row=row, found=price_of(Meter(row["meter"]), found or {}))


def _moment(row: dict[str, str]) -> float:
    return datetime.fromisoformat(row["at"]).timestamp() if row["at"] else AT


def _deployment(name: str) -> Deployment:
    provider, _, model = name.partition("/")
    return Deployment(id=name, provider=provider, model=split_site(model)[0])


def main() -> int:
    """Print the share by kind of facet and what is wrong; 1 below the bar."""
    found = list(facts())
    sourced = [fact for fact in found if fact.is_sourced]
    kinds = Counter(fact.kind for fact in sourced)
    right = Counter(fact.kind for fact in sourced if fact.is_right)
    for kind, count in kinds.most_common():
        print(f"{kind:<26} {right[kind]:>4} of {count}")
    for fact in found:
        if not fact.is_right:
            mark = "wrong:" if fact.is_sourced else "unsourced, differs:"
            print(mark, *fact.row.values(), "in force:", fact.found)
    models = len({fact.row["deployment"] for fact in sourced})
    total, unsourced = sum(right.values()), len(found) - len(sourced)
    print(f"{total} right, {len(sourced) - total} wrong, {unsourced} unsourced")
    print(f"{total / len(sourced):.1%} of the sourced prices of {models} models")
    return int(total / len(sourced) < BAR or models < BAR_MODELS)


if __name__ == "__main__":
    raise SystemExit(main())
