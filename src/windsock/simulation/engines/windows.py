"""The windows of the batch engine: as long as prices, qualities and what feeds say hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from windsock.core.model.ticks import Quote
from windsock.simulation.world.price_statements import POLLS
from windsock.simulation.world.world import World


def windows(world: World) -> list[tuple[float, float]]:
    """(begin, end) from start to end of the run."""
    edges = set(np.arange(world.starts_at, world.ends_at, world.scenario.window_s).tolist())
    edges |= set(world.changes())
    edges |= {at for at in _news(world) if world.starts_at < at}
    ordered = [at for at in sorted(edges) if at < world.ends_at]
    return list(zip(ordered, [*ordered[1:], world.ends_at], strict=True))


def _news(world: World) -> Iterator[float]:
    """When a feed says something new, or repeats it so soon that it may only now be believed."""
    said: dict[tuple[str, str], tuple[Quote, float]] = {}
    for quote in world.quotes():
        key = (quote.feed, quote.deployment)
        last, since = said.get(key, (None, quote.seen_at))
        if last is None or not _is_same(last, quote):
            since = quote.seen_at
        said[key] = (quote, since)
        if quote.seen_at - since <= POLLS * world.scenario.poll_s:
            yield quote.seen_at


def _is_same(one: Quote, other: Quote) -> bool:
    return (one.usd_per_mtok, one.windows, one.valid_from) == (
        other.usd_per_mtok,
        other.windows,
        other.valid_from,
    )
