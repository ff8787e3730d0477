"""Bad quotes of the wild, and the curated real price moves, through the production price book.

python -m tests.benchmarks.prices_guard
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.core.pricing.book import PriceBook
from windsock.resources import room

CASES = Path(__file__).parents[1] / "core" / "bad_quotes.csv"
MOVES = CASES.with_name("real_moves.csv")
"""Deep falls and rises of single lists that stood for 45 days, by the lists' own history."""
POLLS = 20
MINUTE = 60.0
MODEL = "acme/m"
MONTHS = 90 * 86400.0
"""How long before a move its old price was accepted: not "recently in force"."""


@dataclass(frozen=True, slots=True)
class Verdict:
    name: str
    ok: bool
    note: str


def quote(
    feed: str,
    usd_in: str,
    usd_out: str,
    at: float,
    *,
    cached: str = "",
    currency: str = "USD",
    trust: float = 0.7,
) -> Quote:
    stated = {Meter.INPUT: usd_in, Meter.OUTPUT: usd_out, Meter.CACHE_READ: cached}
    prices = {meter: Decimal(usd) for meter, usd in stated.items() if usd}
    return Quote(
        deployment=MODEL,
        feed=feed,
        feed_model=MODEL,
        usd_per_mtok=prices,
        seen_at=at,
        currency=currency,
        trust=trust,
    )


def bad_quotes() -> list[Verdict]:
    """Each case: a last good price or another feed's, then the bad quote for twenty polls."""
    with CASES.open(encoding="utf-8") as lines:
        return [_bad(row) for row in csv.DictReader(lines)]


def _bad(row: dict[str, str]) -> Verdict:
    book = PriceBook()
    if row["last_in"]:
        good = quote("mirror", row["last_in"], row["last_out"], 0.0, cached=row["last_cached"])
        book.absorb(good, 0.0)
    if row["other_in"]:
        book.absorb(quote("second", row["other_in"], row["other_out"], MINUTE), MINUTE)
    before = book.in_force(MODEL, MINUTE)
    for poll in range(POLLS):
        at = MINUTE * (poll + 2)
        bad = quote("mirror", row["bad_in"], row["bad_out"], at, currency=row["currency"])
        book.absorb(bad, at)
    after = book.in_force(MODEL, at)
    reached = after is not None and (before is None or not after.same_price(before))
    held = book.held()
    return Verdict(row["case"], not reached, held[0].reason if held else "kept out by other feeds")


def real_moves(archive: str = "events") -> Iterator[tuple[Verdict, Verdict]]:
    """Each curated move: accepted within three polls of one feed, and at once by two."""
    with (room("pricefeeds") / "archive" / f"{archive}.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name = f"{row['seen_at'][:10]} {row['provider']}/{row['model']} {row['kind']}"
            if row["input_usd_per_mtok"] and row["output_usd_per_mtok"]:
                yield _one_feed(row, name), _two_feeds(row, name)
            else:
                unknown = Verdict(name, False, "the archive knows no whole price")
                yield unknown, unknown


def moves_of_lists() -> Iterator[Verdict]:
    """Each as one list alone states it: in force after as many polls as the table says."""
    with MOVES.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            book, polls = PriceBook(), int(row["polls"])
            book.absorb(quote("list", row["before_in"], row["before_out"], 0.0), 0.0)
            for poll in range(polls):
                after = quote("list", row["after_in"], row["after_out"], MONTHS + poll * MINUTE)
                book.absorb(after, after.seen_at)
            found = book.in_force(MODEL, after.seen_at)
            ok = found is not None and found.same_price(after)
            note = f"poll {polls}" if ok else book.held()[0].reason
            yield Verdict(f"{row['day']} {row['deployment']}", ok, note)


def _stated(feed: str, row: dict[str, str], when: str, at: float) -> Quote:
    """The row's price before or after; rows about cached input move that meter alone."""
    usd_in = row["input_before" if when == "before" else "input_usd_per_mtok"]
    usd_out = row["output_before" if when == "before" else "output_usd_per_mtok"]
    if row["variant"] == "cached input":
        return quote(feed, row["output_usd_per_mtok"], usd_out, at, cached=usd_in)
    return quote(feed, usd_in, usd_out, at)


def _book(row: dict[str, str]) -> PriceBook:
    book = PriceBook()
    if row["input_before"] and row["output_before"]:
        for feed in ("first", "second"):
            book.absorb(_stated(feed, row, "before", 0.0), 0.0)
    return book


def _is_in_force(book: PriceBook, row: dict[str, str], at: float) -> bool:
    quoted = book.in_force(MODEL, at)
    wanted = _stated("", row, "after", at)
    return quoted is not None and quoted.usd_per_mtok == wanted.usd_per_mtok


def _one_feed(row: dict[str, str], name: str) -> Verdict:
    book = _book(row)
    for poll in (1, 2, 3):
        at = MONTHS + poll * MINUTE
        book.absorb(_stated("first", row, "after", at), at)
        if _is_in_force(book, row, at):
            return Verdict(name, True, f"poll {poll}")
    held = book.held()
    return Verdict(name, False, held[0].reason if held else "?")


def _two_feeds(row: dict[str, str], name: str) -> Verdict:
    book = _book(row)
    for feed in ("first", "second"):
        book.absorb(_stated(feed, row, "after", MONTHS), MONTHS)
    ok = _is_in_force(book, row, MONTHS)
    return Verdict(name, ok, "at once" if ok else book.held()[0].reason)


def main() -> None:
    bad = bad_quotes()
    for verdict in bad:
        print(f"{'held   ' if verdict.ok else 'REACHED'}  {verdict.name:<55} {verdict.note}")
    reached = sum(not verdict.ok for verdict in bad)
    print(f"\nbad quotes that reach routing: {reached} of {len(bad)} (bar: 0 of at least 60)\n")
    _print_moves(list(real_moves()), "bar 95 %")
    deep = list(moves_of_lists())
    for verdict in deep:
        if not verdict.ok:
            print(f"      refused  {verdict.name:<55} {verdict.note}")
    believed = sum(verdict.ok for verdict in deep)
    print(f"deep moves of single lists believed within three polls: {believed} of {len(deep)}")
    drift = list(real_moves("aggregator"))
    print(
        "\ndrift of resellers, for comparison (no bar: single days of a reseller are often wrong)"
    )
    _print_counts(drift, "no bar")


def _print_moves(moves: list[tuple[Verdict, Verdict]], bar: str) -> None:
    """How often each way was taken, then what was not believed."""
    ways = Counter(one.note if one.ok else "not within three polls" for one, _ in moves)
    for way, count in sorted(ways.items()):
        print(f"{count:>4} moves  {way}")
    for one, two in moves:
        if not (one.ok and two.ok):
            print(f"      refused  {one.name:<55} one feed: {one.note}; two feeds: {two.note}")
    _print_counts(moves, bar)


def _print_counts(moves: list[tuple[Verdict, Verdict]], bar: str) -> None:
    for title, ok in (
        ("within three polls of one feed", sum(one.ok for one, _ in moves)),
        ("at once by two agreeing feeds", sum(two.ok for _, two in moves)),
    ):
        print(f"real moves accepted {title}: {ok} of {len(moves)} ({ok / len(moves):.1%}; {bar})")


if __name__ == "__main__":
    main()
