"""First listings of public lists as one list states them, right and with errors of every kind.

python -m tests.benchmarks.prices_listings [--write]

Errors: each kind is made of the same listings, each the first that models.dev had of a model; known
besides is what the lists had half a month before. Harm as in `prices_harm`, of one feed alone, in
a route whose other prices lie between the wrong and the right one, as a part of what the truth
costs. Caution: the same listings as they are, beside rivals at twice and two thirds of the price.

Routes: one open model at five sellers, the dearest stated by a second list, the others by one:
what is spent above what all would lead to were they sure. `--write` puts the tables into
docs/prices.md.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from math import sqrt

from tests.benchmarks.harm_cases import Case, stated
from tests.benchmarks.list_history import Listing, Price, days
from tests.benchmarks.prices_harm import CELL, Believed, Town
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, router
from windsock.core.model.ticks import Quote
from windsock.core.policies.objectives import Objective
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.peers.model_keys import model_key

LISTED_BY = "models-dev"
SAMPLE, ROUTES, SELLERS = 80, 30, 5
MOST_APART = 10.0
"""Dearest over cheapest seller of a route; beyond it one of them is an error of the list."""
POLLS, EVERY_S = 20, 300.0
KINDS: Mapping[str, Callable[[Price], Price]] = {
    "ten times": lambda usd: (usd[0] * 10, usd[1] * 10),
    "a tenth": lambda usd: (usd[0] / 10, usd[1] / 10),
    "a hundred times": lambda usd: (usd[0] * 100, usd[1] * 100),
    "per thousand for per million": lambda usd: (usd[0] / 1000, usd[1] / 1000),
    "yuan for dollars": lambda usd: (usd[0] * 7, usd[1] * 7),
    "output ten times": lambda usd: (usd[0], usd[1] * 10),
    "input and output swapped": lambda usd: (usd[1], usd[0]),
    "both as output": lambda usd: (usd[1], usd[1]),
    "both as input": lambda usd: (usd[0], usd[0]),
    "input as cached input": lambda usd: (usd[0] / 10, usd[1]),
    "half, as a batch": lambda usd: (usd[0] / 2, usd[1] / 2),
    "a third of it, another model's": lambda usd: (usd[0] / 3, usd[1] / 3),
    "three times it, another model's": lambda usd: (usd[0] * 3, usd[1] * 3),
    "free": lambda usd: (0.0, 0.0),
}


def first_listings() -> Iterator[Case]:
    """Every first listing of models.dev, as a case without error; its day is the one before."""
    known = list(days().items())
    for (before, old), (_, new) in pairwise(known):
        if not any(source == LISTED_BY for source, _, _ in old):
            continue
        for (source, seller, model), usd in new.items():
            is_first = (source, seller, model) not in old and source == LISTED_BY
            if is_first and model_key(model) and usd[0] != usd[1]:
                name = f"{seller}/{model}"
                yield Case(name, source, None, said=usd, right=usd, days=1.0, others=0, day=before)


def sample() -> list[Case]:
    return random.Random(7).sample(list(first_listings()), SAMPLE)


def believed(case: Case, peers: list[Quote]) -> Believed:
    """After a few polls of one feed, with what it lists besides."""
    book = PriceBook()
    for peer in peers:
        book.note(peer.deployment, peer)
    at = START
    for poll in range(POLLS):
        at = START + poll * EVERY_S
        book.absorb(stated(case.feed, case.name, case.said, at), at)
    return Believed.of(book, case.name, at)


def rates(case: Case, between: float) -> tuple[float, float, float]:
    """Dollars a second: spent where the truth is known; above it guarded, and believing."""
    town = Town(case, [between * times for times in (1.0, 1.3, 1.7, 2.2)])
    peers = case.peers(START, alone=False)
    spent = town.usd(town.believing(case.right))
    guarded = town.usd(believed(case, peers), peers) - spent
    return spent, guarded, town.usd(town.believing(case.said)) - spent


def of_kind(cases: list[Case], kind: Callable[[Price], Price]) -> tuple[float, float]:
    """(guarded, believing) harm relative to what the truth costs, in the mean of cases."""
    sums = [0.0, 0.0]
    for case in cases:
        wrong = replace(case, said=kind(case.right))
        apart = max(sum(wrong.said), 0.1 * sum(case.right)) / sum(case.right)
        spent, *harms = rates(wrong, sqrt(apart))
        sums = [total + each / spent / len(cases) for total, each in zip(sums, harms, strict=True)]
    return sums[0], sums[1]


def routes() -> list[list[tuple[str, Price]]]:
    """Open models at five sellers of different prices, cheapest first."""
    by_model: defaultdict[str, dict[str, Price]] = defaultdict(dict)
    listed: Mapping[Listing, Price] = days()["2026-03-01"]
    for (source, seller, name), usd in listed.items():
        key = model_key(name)
        if source == LISTED_BY and key:
            by_model[key].setdefault(f"{seller}/{name}", usd)
    dice, found = random.Random(7), []
    for sellers in by_model.values():
        if len(sellers) >= SELLERS:
            drawn = dice.sample(sorted(sellers.items()), SELLERS)
            drawn.sort(key=lambda each: sum(each[1]))
            if 1.1 < sum(drawn[-1][1]) / sum(drawn[0][1]) < MOST_APART:
                found.append(drawn)
    return dice.sample(found, ROUTES)


def route_usd(route: list[tuple[str, Price]], seconds: set[str]) -> tuple[float, dict[str, float]]:
    """(dollars of a request, shares) where these deployments have a second list."""
    names = [name for name, _ in route]
    aim = Objective(kind="cost_per_success", quality_floor=0.8)
    it = router(prices=dict.fromkeys(names, 1.0), objective=aim)
    it.book.from_state(PriceBook().to_state())
    for name, usd in route:
        for feed in (LISTED_BY, "litellm")[: 1 + (name in seconds)]:
            it.book.absorb(stated(feed, name, usd, START), START)
    for name in names:
        it.beliefs.seed(CELL, name, 0.9, rewards=400.0, now=START)
    table = it.table("", "auto", "default", START)
    shares = dict(zip(table.deployments, table.weights, strict=True))
    return sum(shares[arm.deployment] * arm.expected_usd for arm in table.arms), shares


def route_excess() -> tuple[float, float]:
    """Spent above what sure prices lead to, in the mean of routes.

    As it is, and were each price of one list held to 5 % until it is 60 days old.
    """
    now = capped = 0.0
    for route in routes():
        sure, shares = route_usd(route, {name for name, _ in route})
        now += route_usd(route, {route[-1][0]})[0] / sure - 1
        price = {name: sum(usd) for name, usd in route}
        most = {name: min(shares[name], 0.05) for name, _ in route[:-1]}
        most[route[-1][0]] = 1 - sum(most.values())
        best = sum(shares[name] * price[name] for name in price)
        capped += sum(most[name] * price[name] for name in price) / best - 1
    return now / ROUTES, capped / ROUTES


def main() -> int:
    cases = sample()
    rows = []
    for name, kind in KINDS.items():
        guarded, believing = of_kind(cases, kind)
        part = f"{guarded / believing:.0%}" if believing > 1e-6 else ""
        rows.append([name, f"{guarded:.1%}", f"{believing:.1%}", part])
    for times, title in ((2.0, "right, rivals twice as dear"), (2 / 3, "right, rivals at 2/3")):
        found = [rates(case, times) for case in cases]
        mean = sum(guarded / spent for spent, guarded, _ in found) / len(found)
        rows.append([title, f"{mean:.1%}", "0.0%", ""])
    head = ["one list says", "guarded", "believing", "of believing"]
    now, capped = route_excess()
    text = f"{len(cases)} listings.\n\n{markdown(head, rows)}\n\n"
    text += f"{ROUTES} routes of one model at {SELLERS} sellers, the dearest with a second list: "
    text += f"{now:.1%} is spent above what sure prices lead to; "
    text += f"were each price of one list held to 5 %, {capped:.1%}."
    print(text)
    if "--write" in sys.argv:
        write_between(DOCS / "prices.md", "prices_listings", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
