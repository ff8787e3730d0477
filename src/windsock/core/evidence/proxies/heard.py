"""Which proxies of a namespace are heard, and by what they have said there."""

from __future__ import annotations

from collections.abc import Callable
from heapq import nlargest

from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.beliefs.proxies.sums import ProxySums
from windsock.core.evidence.proxies.book import ProxyBook
from windsock.core.evidence.sources import OTHERS, has_scale, is_one_sided

MOST_PROXIES = 16
"""Heard in a namespace of a route, those that have scored most answers: each takes half a ms."""


def heard_in(
    book: ProxyBook, namespace: str, as_of: float, weight_of: Callable[[str], float]
) -> list[Proxy]:
    """What every proxy has said in a namespace, by its name.

    weight_of   0..1, scored answers that one score of a source counts for
    """
    by_name: dict[str, dict[tuple[str, str], ProxySums]] = {}
    for cell, deployment in book.places(namespace):
        for name, sums in book.of((cell, deployment), as_of).items():
            by_name.setdefault(name, {})[cell.name, deployment] = sums
    weights = {name: weight_of(name) for name in by_name if name != OTHERS}
    found = (
        Proxy(name=name, weight=weight, is_one_sided=is_one_sided(name), sums=by_name[name])
        for name, weight in sorted(weights.items())
        if weight > 0 and has_scale(name, sum(each.both for each in by_name[name].values()))
    )
    return nlargest(MOST_PROXIES, found, key=lambda each: each.answers)
