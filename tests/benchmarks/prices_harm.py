"""Dollars that wrong and late prices cost: real errors and moves as history, through a router.

python -m tests.benchmarks.prices_harm [--write]

Harm is what is spent above what the true price would have led to, at 100 requests a second. Each
row is replayed with its feed's interval and trust (after two days without news every six hours), in
a route of five equal deployments whose other prices, each proven, lie between the wrong and the
right one (the old and the new): elsewhere an error changes nothing. Where a shipped corpus knew a
price of the same model at another seller by that day, the feed lists that, too. `--write` puts the
tables into docs/prices.md.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, quote, router
from windsock.core.model.requests import Cell
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.core.policies.objectives import Objective
from windsock.core.pricing.book import PriceBook
from windsock.feeds.definition import load_feed
from windsock.resources import room

DATA = Path(__file__).parent / "data"
HOUR, DAY = 3600.0, 86400.0
REQUESTS_PER_S = 100.0
KNOWN_FOR = 90 * DAY
"""How long before a move or an error the price before it was stated."""
AFTER = 30 * DAY
"""How long after a move its harm is counted."""
FOLLOW = (2 * DAY, 14 * DAY)
"""When other lists follow a move; until then they restate the old price."""
OTHERS = ("models-dev", "litellm", "portkey", "genai-prices")
RIVALS = ("b/m", "c/m", "d/m", "e/m")
ARCHIVES = (("events", "models-dev"), ("aggregator", "openrouter"))
COLUMNS = ("input_before", "output_before", "input_usd_per_mtok", "output_usd_per_mtok")
Price = tuple[float, float]
CELL = Cell("", "auto", "default")


@dataclass(frozen=True, slots=True)
class Case:
    """One dated error or move.

    before  the price that was true and stated before; None: a first listing
    said    what the feed says from day 0 on
    right   what is true from day 0 on
    days    until the feed says what is right
    others      lists that know the deployment, too
    elsewhere   what another seller of the model was known to ask by day 0
    """

    name: str
    feed: str
    before: Price | None
    said: Price
    right: Price
    days: float
    others: int
    elsewhere: Price | None = None


@dataclass(frozen=True, slots=True)
class Harm:
    """Dollars of a case.

    spent       what the true price would have led to
    guarded     above that, with the production guard
    believing   above that, if every quote were believed as it comes
    deaf        above that, if the price before were kept (nobody served, where there was none)
    """

    spent: float
    guarded: float
    believing: float
    deaf: float


def price(text: str) -> Price:
    one, _, other = text.partition("/")
    return float(one), float(other)


def errors() -> list[Case]:
    with (DATA / "price_errors.csv").open(encoding="utf-8") as lines:
        return [
            Case(
                name=row["deployment"],
                feed=row["feed"],
                before=price(row["before_usd_per_mtok"]) if row["before_usd_per_mtok"] else None,
                said=price(row["wrong_usd_per_mtok"]),
                right=price(row["right_usd_per_mtok"]),
                days=float(row["days_until_corrected"]),
                others=int(row["other_feeds_listing"]),
                elsewhere=sold_elsewhere(row["deployment"], row["day"]),
            )
            for row in csv.DictReader(lines)
        ]


def moves() -> list[Case]:
    """The sample, and every dated move of the shipped corpora of which both prices are known."""
    with (DATA / "price_moves.csv").open(encoding="utf-8") as lines:
        found = [
            _move(
                row["deployment"],
                row["feed"],
                price(row["old_usd_per_mtok"]),
                price(row["new_usd_per_mtok"]),
                others=int(row["other_feeds_listing"]),
            )
            for row in csv.DictReader(lines)
        ]
    for archive, feed in (("events", "models-dev"), ("aggregator", "openrouter")):
        found += _archived(archive, feed)
    return [case for case in found if min(*case.before or (0.0,), *case.right) > 1e-4]


def archived(archive: str) -> list[dict[str, str]]:
    with (room("pricefeeds") / "archive" / f"{archive}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def sold_elsewhere(deployment: str, day: str) -> Price | None:
    """The last price of the model by that day at any other seller that a corpus knows."""
    seller, model = deployment.split("/", 1)[0], deployment.rpartition("/")[2].lower()
    found = [
        (row["seen_at"], float(row[COLUMNS[2]]), float(row[COLUMNS[3]]))
        for archive, _ in ARCHIVES
        for row in archived(archive)
        if row["model"].rpartition("/")[2].lower() == model
        and row["provider"] != seller
        and row["seen_at"][:10] <= day
        and float(row[COLUMNS[2]] or 0)
        and float(row[COLUMNS[3]] or 0)
    ]
    return max(found)[1:] if found else None


def _archived(archive: str, feed: str) -> Iterator[Case]:
    every = 5 if archive == "aggregator" else 1  # drift of resellers: a fifth of it
    for row in archived(archive)[::every]:
        values = [float(row[name] or 0) for name in COLUMNS]
        if all(values) and not row["variant"] and row["kind"] != "retire":
            name = f"{row['provider']}/{row['model']}"
            yield _move(name, feed, (values[0], values[1]), (values[2], values[3]), others=1)


def _move(name: str, feed: str, old: Price, new: Price, *, others: int) -> Case:
    return Case(name, feed, before=old, said=new, right=new, days=0.0, others=others)


@cache
def declared(feed: str) -> tuple[float, float]:
    """(seconds between polls, trust) of a feed."""
    found = load_feed(room("pricefeeds") / feed)
    return found.every, found.trust


def stated(feed: str, name: str, usd: Price, at: float) -> Quote:
    prices = {Meter.INPUT: Decimal(str(usd[0])), Meter.OUTPUT: Decimal(str(usd[1]))}
    return quote(name, feed=feed, usd_per_mtok=prices, trust=declared(feed)[1], seen_at=at)


def history(case: Case, *, alone: bool, until: float) -> Iterator[Quote]:
    """What the feeds say, poll by poll in order of time; day 0 is at START."""
    names = [feed for feed in OTHERS if feed != case.feed][: 0 if alone else case.others]
    lines = {case.feed: (case.days * DAY, 0.0)}
    lines |= {feed: (0.0, FOLLOW[i % 2] if case.before else 0.0) for i, feed in enumerate(names)}
    polls = []
    for place, (feed, (wrong_s, late_s)) in enumerate(lines.items()):
        every_s = declared(feed)[0]
        at = START + every_s * (0.5 + 0.1 * place)
        turns = (0.0, wrong_s, late_s)
        while at < START + until:
            since = at - START
            usd = case.said if since < wrong_s else case.right
            usd = case.before if case.before and since < late_s else usd
            polls.append(stated(feed, "a/m", usd, at))
            is_busy = any(0 <= since - turn < 2 * DAY for turn in turns)
            calm_s = min((turn - since for turn in turns if turn > since), default=6 * HOUR)
            at += every_s * max(1, 0 if is_busy else min(6 * HOUR, calm_s) // every_s)
        if case.before:
            early = START - KNOWN_FOR + every_s * 0.1 * place
            polls += [stated(feed, "a/m", case.before, early + DAY * d) for d in (0, 45, 89.5)]
    if case.elsewhere:
        polls += [
            replace(stated(case.feed, "a/m", case.elsewhere, START + DAY * d), is_indirect=True)
            for d in range(int(until / DAY) + 1)
        ]
    return iter(sorted(polls, key=lambda each: each.seen_at))


@dataclass(frozen=True, slots=True)
class Believed:
    """What a book said of the deployment from a moment on: all that a route sees of it."""

    at: float
    facts: tuple[object, ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, book: PriceBook, at: float) -> Believed:
        quoted, standing = book.in_force("a/m", at), book.standing("a/m")
        prices = tuple(quoted.usd_per_mtok.values()) if quoted else None
        facts = (prices, standing.is_alone, round(standing.dearer_by, 6))
        return cls(max(at, START), facts, book.to_state())


class Town:
    """A route of five equal deployments, of which the price of one is in question."""

    def __init__(self, rivals: Iterable[float], right: Price) -> None:
        self._rivals = [(right[0] * times, right[1] * times) for times in rivals]
        self._known: dict[tuple[object, ...], tuple[float, ...]] = {}
        self.costs = self._solve(self._book(right))[1]

    def usd(self, book: PriceBook | Believed) -> float:
        """True dollars of a second's requests where these prices are believed."""
        believed = book if isinstance(book, Believed) else Believed.of(book, START)
        shares = self._known.get(believed.facts)
        if shares is None:
            known = PriceBook()
            known.from_state(believed.state)
            shares = self._known[believed.facts] = self._solve(known)[0]
        return REQUESTS_PER_S * sum(w * usd for w, usd in zip(shares, self.costs, strict=True))

    def believing(self, usd: Price | None) -> PriceBook:
        return self._book(usd)

    def _book(self, usd: Price | None) -> PriceBook:
        book = PriceBook()
        if usd is not None:
            book.restore([replace(stated("litellm", "a/m", usd, START), zero_reason="believed")])
        return book

    def _solve(self, book: PriceBook) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(shares, dollars of one request) of the five; a share of 0 where it has no price."""
        aim = Objective(kind="cost_per_success", quality_floor=0.8)
        it = router(prices=dict.fromkeys(("a/m", *RIVALS), 1.0), objective=aim)
        it.book.from_state(book.to_state())
        it.book.restore(
            stated("litellm", name, usd, START)
            for name, usd in zip(RIVALS, self._rivals, strict=True)
        )
        for name in ("a/m", *RIVALS):
            it.beliefs.seed(CELL, name, 0.9, rewards=400.0, now=START)
        at = max([START, *(q.seen_at for q in book.history("a/m", 0, 1e12))])
        table = it.table("", "auto", "default", at)
        shares = dict(zip(table.deployments, table.weights, strict=True))
        usd = {arm.deployment: arm.expected_usd for arm in table.arms}
        names = ("a/m", *RIVALS)
        return tuple(shares.get(n, 0.0) for n in names), tuple(usd.get(n, 0.0) for n in names)


def harm(case: Case, *, alone: bool) -> Harm:
    """Over the time of an error and a day, or over a month after a move."""
    until = (case.days + 1) * DAY if case.days else AFTER
    other = case.said if case.days else case.before or case.right
    between = sqrt(max(sum(other), 0.1 * sum(case.right)) / sum(case.right))
    town = Town([between * times for times in (1.0, 1.3, 1.7, 2.2)], case.right)
    return _harm(case, town, until, heard(history(case, alone=alone, until=until)))


def heard(polls: Iterator[Quote]) -> list[Believed]:
    """What the production book believed, whenever that changed."""
    book, found = PriceBook(), [Believed.of(PriceBook(), START)]
    for poll in polls:
        version = book.version
        book.absorb(poll, poll.seen_at)
        if book.version != version:
            found.append(Believed.of(book, poll.seen_at))
    return found


def _harm(case: Case, town: Town, until: float, believed: list[Believed]) -> Harm:
    true_usd = town.usd(town.believing(case.right))
    deaf = town.usd(town.believing(case.before)) - true_usd
    told = town.usd(town.believing(case.said)) - true_usd
    late_s = declared(case.feed)[0] / 2
    believing = told * case.days * DAY if case.days else deaf * late_s
    ends = [*(each.at for each in believed[1:]), START + until]
    guarded = sum(
        (town.usd(each) - true_usd) * (end - each.at)
        for each, end in zip(believed, ends, strict=True)
        if end > each.at
    )
    return Harm(true_usd * until, guarded, believing, deaf * until)


def false_zeros(cases: Iterable[Case]) -> int:
    """First listings and moves to 0 that ever were in force."""
    found = 0
    for case in cases:
        book = PriceBook()
        for poll in history(case, alone=True, until=(case.days + 1) * DAY):
            book.absorb(poll, poll.seen_at)
        past = book.history("a/m", 0, 1e12)
        found += any(0 in each.usd_per_mtok.values() for each in past)
    return found


def per_case(cases: list[Case], *, alone: bool) -> list[Harm]:
    return [harm(case, alone=alone) for case in cases]


def total(harms: Iterable[Harm], of: Callable[[Harm], float]) -> float:
    return sum(of(each) for each in harms)


def error_rows(cases: list[Case], both: dict[bool, list[Harm]]) -> list[list[str]]:
    rows = []
    for i, case in enumerate(cases):
        all_, alone = both[False][i], both[True][i]
        texts = [_text(case.before), _text(case.said), _text(case.right)]
        dollars = [f"{d:,.0f}" for d in (all_.believing, all_.guarded, alone.guarded)]
        rows.append([f"{case.name} ({case.feed})", *texts, f"{case.days:.0f}", *dollars])
    return rows


KINDS: dict[str, Callable[[Case], bool]] = {
    "all errors": lambda case: True,
    "errors too low": lambda case: sum(case.said) < sum(case.right),
    "errors too high": lambda case: sum(case.said) >= sum(case.right),
}


def summary(
    cases: list[Case], errors_: dict[bool, list[Harm]], moves_: dict[bool, list[Harm]]
) -> list[list[str]]:
    rows = []
    for alone, title in ((False, "all feeds"), (True, "the one feed alone")):
        for kind, is_kind in KINDS.items():
            found = [
                each for case, each in zip(cases, errors_[alone], strict=True) if is_kind(case)
            ]
            ratio = total(found, lambda h: h.guarded) / total(found, lambda h: h.believing)
            rows.append([f"{kind}, {title}: of believing every quote", f"{ratio:.1%}", "10 %"])
    for alone, title in ((False, "all feeds"), (True, "the one feed alone")):
        found = moves_[alone]
        late, spent = total(found, lambda h: h.guarded), total(found, lambda h: h.spent)
        deaf = total(found, lambda h: h.deaf)
        rows.append([f"delay on moves, {title}: of never being late", f"{late / spent:.2%}", "5 %"])
        rows.append([f"delay on moves, {title}: of never following", f"{late / deaf:.1%}", ""])
    return rows


def _text(usd: Price | None) -> str:
    return f"{usd[0]:g}/{usd[1]:g}" if usd else ""


def main() -> int:
    wrong, real = errors(), moves()
    by_error = {alone: per_case(wrong, alone=alone) for alone in (False, True)}
    by_move = {alone: per_case(real, alone=alone) for alone in (False, True)}
    figures = summary(wrong, by_error, by_move)
    figures.append([f"zeros believed, of {len(wrong)} errors", str(false_zeros(wrong)), "0"])
    bars = markdown(["harm", "measured", "bar"], figures)
    head = ["error", "before", "said", "right", "days", "believing $", "all feeds $", "alone $"]
    text = f"{len(wrong)} errors, {len(real)} moves.\n\n{bars}\n\n"
    text += markdown(head, error_rows(wrong, by_error))
    print(text)
    worst = sorted(zip(real, by_move[True], strict=True), key=lambda each: -each[1].guarded)[:15]
    print("\nmoves with the greatest harm of delay, one feed alone")
    for case, found in worst:
        print(f"  {case.name} {_text(case.before)} -> {_text(case.right)} {found.guarded:,.0f}")
    if "--write" in sys.argv:
        write_between(DOCS / "prices.md", "prices_harm", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
