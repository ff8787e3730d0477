"""Of statements of one moment each has its place, so that none depends on who was read first."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations

import pytest

from tests.builders import CHEAP, START, quote
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.consensus.late_ticks import LATE_TICKS, Entry
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.rules import GuardRules

HOUR = 3600.0
Tick = Quote | Vanished

FIRST = quote(usd=2.0, feed="list", trust=0.95)
GONE = Vanished(deployment=CHEAP, feed="sheet", feed_model=CHEAP, seen_at=START + HOUR)


def then(usd: float, **facts: object) -> Quote:
    """What was said of the price an hour later."""
    return quote(usd=usd, seen_at=START + HOUR, **facts)  # type: ignore[arg-type]


def book_of(*ticks: Tick, now: float = START + 2 * HOUR) -> PriceBook:
    book = PriceBook()
    for tick in ticks:
        book.absorb(tick, now)
    return book


def known(book: PriceBook) -> str:
    return json.dumps(book.to_state(), sort_keys=True)


@pytest.mark.parametrize(
    "told",
    [
        (GONE, then(1.9), then(2.1)),
        (GONE, then(1.0), then(3.0, feed="list")),
        (GONE, then(2.0), replace(GONE, feed="list")),
        (then(1.9), then(1.9, trust=0.6), then(2.3, trust=0.6, feed="third")),
        (then(1.9), then(2.2, feed_model="other"), then(2.4, feed_model="third")),
        (then(1.9), then(2.2, is_indirect=True), then(1.7, is_indirect=True, feed="list")),
        (then(1.9), then(2.2, valid_from=START + 3 * HOUR), then(2.5, valid_from=START + HOUR)),
        (then(1.8), then(2.2), then(2.6)),
    ],
)
def test_of_one_moment_it_does_not_matter_who_is_read_first(told: tuple[Tick, ...]) -> None:
    books = [known(book_of(FIRST, *order)) for order in permutations(told)]
    assert set(books) == {books[0]}


def test_of_one_moment_the_most_trusted_is_heard_first() -> None:
    doubted, trusted = then(1.9, feed="one", trust=0.4), then(2.1, feed="two", trust=0.9)
    book = book_of(trusted, doubted)
    found = book.in_force(CHEAP, START + 2 * HOUR)
    assert found is not None
    assert found.feed == "two"
    assert known(book_of(doubted, trusted)) == known(book)


def series(count: int) -> list[Quote]:
    return [quote(usd=2.0 + 0.01 * (i % 7), seen_at=START + 60.0 * i) for i in range(count)]


@pytest.mark.parametrize("behind", [1, 5, LATE_TICKS - 1, LATE_TICKS])
def test_a_statement_that_comes_late_counts_from_when_it_was_made(behind: int) -> None:
    ticks = series(150)
    late = quote(usd=2.5, feed="list", trust=0.95, seen_at=ticks[-behind].seen_at - 30.0)
    now = START + 3 * HOUR
    in_time = [*ticks[:-behind], late, *ticks[-behind:]]
    assert known(book_of(*ticks, late, now=now)) == known(book_of(*in_time, now=now))


def test_a_late_statement_tells_what_it_changed_and_nothing_else() -> None:
    book = book_of(*series(3))
    (shift,) = book.absorb(
        quote(usd=2.5, feed="list", trust=0.95, seen_at=START + 150.0), START + 2 * HOUR
    )
    assert shift.kind == "price.shifted"
    before = book.version
    again = quote(usd=2.0, seen_at=START + 30.0)
    assert book.absorb(again, START + 2 * HOUR) == []
    assert book.version == before


def test_the_same_statement_read_twice_is_one() -> None:
    for tick in (then(2.2), GONE):
        once, twice = book_of(FIRST, tick), book_of(FIRST, tick, tick)
        assert known(once) == known(twice)


def test_rows_of_one_list_in_their_order_are_not_late_and_the_last_moment_is_all_that_is_kept() -> (
    None
):
    """Each row would replay those before it, and they would be kept as long as polls go on."""
    entry = Entry(PriceTimeline(rules=GuardRules()))
    for poll in range(3 * LATE_TICKS):
        rows = [
            quote(usd=2.0, feed_model=f"{k}/m", is_indirect=True, seen_at=START + 60.0 * poll)
            for k in range(3)
        ]
        for row in rows:
            assert not entry.is_late(row)
            entry.append(row)
        assert all(entry.is_late(row) for row in rows[:-1])
    assert LATE_TICKS <= entry.remembered <= 2 * LATE_TICKS + len(rows)


@pytest.mark.parametrize("behind", [3, LATE_TICKS - 5])
def test_where_some_come_late_again_and_again_no_more_is_kept_and_the_book_is_the_same(
    behind: int,
) -> None:
    ticks, entry = series(200), Entry(PriceTimeline(rules=GuardRules()))
    late = {
        i: quote(usd=2.3, feed="list", trust=0.95, seen_at=ticks[i].seen_at - 30.0)
        for i in range(40, 200, 20)
    }
    for i, tick in enumerate(ticks):
        entry.append(tick)
        if i - behind in late:
            assert entry.is_late(late[i - behind])
            entry.insert(late[i - behind])
        assert entry.remembered <= 2 * LATE_TICKS + len(late)
    in_time = Entry(PriceTimeline(rules=GuardRules()))
    for i, tick in enumerate(ticks):
        for each in [late[i], tick] if i in late and i + behind < len(ticks) else [tick]:
            in_time.append(each)
    entry.timeline.revision = in_time.timeline.revision
    assert entry.timeline == in_time.timeline


def test_however_many_speak_at_one_moment_their_order_makes_no_difference() -> None:
    many = [then(1.9, feed_model=f"{k}/m", is_indirect=True) for k in range(LATE_TICKS + 8)]
    told = [*many, then(1.8), then(2.2)]
    assert known(book_of(FIRST, *told)) == known(book_of(FIRST, *reversed(told)))


@pytest.mark.parametrize("seen_at", [START + 150.0, START + 250.0])
def test_a_voice_of_little_trust_moves_no_price_whenever_it_comes(seen_at: float) -> None:
    ticks = [quote(usd=2.5, feed="big", trust=0.9, seen_at=START + 100.0 * i) for i in range(3)]
    agreed = quote(usd=2.5, feed="small", trust=0.1, seen_at=START + 50.0)
    odd = quote(usd=2.02, feed="small", trust=0.1, seen_at=seen_at)
    book = book_of(*ticks, agreed, odd, now=START + HOUR)
    force = book.in_force(CHEAP, START + HOUR)
    assert force is not None
    assert set(force.usd_per_mtok.values()) == set(ticks[0].usd_per_mtok.values())
