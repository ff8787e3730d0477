"""A fall is doubted longer while dearer statements are made anew, not because some were made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import START, quote
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.rules import DEFAULT_RULES

FELL_AT = START + 600.0
MINUTE = 60.0
PAUSE = 7920.0
"""Between two polls; twelve of them take longer than a fall that is denied must last."""


def say(book: PriceBook, at: float, usd: float, feed: str, **facts: object) -> None:
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    book.absorb(quote(feed=feed, usd_per_mtok=prices, seen_at=at, **facts), at)


def settled() -> PriceBook:
    """Two feeds, the second trusted more, have said 2 dollars."""
    book = PriceBook()
    say(book, START, 2.0, "sheet")
    say(book, START, 2.0, "list", trust=0.95)
    return book


def polls_to_believe(book: PriceBook, between: list[tuple[float, str, dict[str, object]]]) -> int:
    """Polls of a fall to 0.9 until it is in force; what others say in each pause between them."""
    for poll in range(30):
        at = FELL_AT + poll * PAUSE
        say(book, at, 0.9, "sheet")
        if in_force(book, at).usd_per_mtok[Meter.INPUT] == Decimal("0.9"):
            return poll + 1
        for usd, feed, facts in between:
            say(book, at + PAUSE / 2, usd, feed, **facts)
    raise AssertionError("never believed")


def in_force(book: PriceBook, at: float) -> Quote:
    found = book.in_force("acme/small", at)
    assert found is not None
    return found


@pytest.mark.parametrize("before_s", [300.0, MINUTE / 2, 0.0])
def test_what_was_said_before_the_fall_does_not_deny_it(before_s: float) -> None:
    book = settled()
    say(book, FELL_AT - before_s, 2.0, "list", trust=0.95)
    assert polls_to_believe(book, []) == DEFAULT_RULES.fall_polls


def test_what_is_said_again_since_the_fall_does() -> None:
    again = [(2.0, "list", {"trust": 0.95})]
    assert polls_to_believe(settled(), again) == DEFAULT_RULES.contradicted_polls


def test_a_denial_of_an_earlier_fall_says_nothing_of_a_later_one() -> None:
    book = settled()
    for poll in range(2):
        say(book, START + 60.0 + poll * MINUTE, 0.8, "sheet")
        say(book, START + 90.0 + poll * MINUTE, 2.0, "list", trust=0.95)
    say(book, START + 300.0, 2.0, "sheet")
    assert polls_to_believe(book, []) == DEFAULT_RULES.fall_polls


def test_a_still_lower_statement_is_no_denial() -> None:
    lower = [(0.6, "list", {"trust": 0.95})]
    assert polls_to_believe(settled(), lower) == DEFAULT_RULES.fall_polls


def test_the_same_model_sold_elsewhere_denies_nothing() -> None:
    elsewhere = [(2.0, "shop", {"trust": 0.95, "is_indirect": True, "feed_model": "other/small"})]
    assert polls_to_believe(settled(), elsewhere) == DEFAULT_RULES.fall_polls


def test_one_that_is_trusted_less_does_not_deny_alone_but_two_of_them_do() -> None:
    doubtful: list[tuple[float, str, dict[str, object]]] = [
        (2.0, name, {"trust": 0.5}) for name in ("one", "two")
    ]
    assert polls_to_believe(settled(), doubtful[:1]) == DEFAULT_RULES.fall_polls
    assert polls_to_believe(settled(), doubtful) == DEFAULT_RULES.contradicted_polls


DAY = 86400.0


def days_to_believe(
    now_usd: float, between: list[tuple[float, str, dict[str, object]]], polls_a_day: int = 2
) -> float | None:
    """Days for which a price that was 20 and looks like a slip must be stated."""
    book = PriceBook()
    say(book, START, 20.0, "sheet")
    for poll in range(100 * polls_a_day):
        at = START + 600.0 + poll * DAY / polls_a_day
        say(book, at, now_usd, "sheet")
        if float(in_force(book, at).usd_per_mtok[Meter.INPUT]) == now_usd:
            return poll / polls_a_day
        for usd, feed, facts in between:
            say(book, at + PAUSE, usd, feed, **facts)
    return None


def test_what_looks_like_a_slip_stands_after_a_time_in_which_nobody_contradicts_it() -> None:
    assert days_to_believe(3.0, []) == 45
    assert days_to_believe(0.02, []) == 45
    assert days_to_believe(2.0, []) == days_to_believe(200.0, []) == 7


def test_a_list_that_is_read_daily_must_say_so_twelve_times() -> None:
    assert days_to_believe(2.0, [], polls_a_day=1) == 11


@pytest.mark.parametrize(
    "witness",
    [
        (20.0, "list", {}),
        (5.0, "list", {"trust": 0.1}),
        (20.0, "shop", {"is_indirect": True, "feed_model": "other/small"}),
    ],
)
def test_but_not_while_any_other_says_otherwise(
    witness: tuple[float, str, dict[str, object]],
) -> None:
    assert days_to_believe(2.0, [witness]) is None


@pytest.mark.parametrize(
    ("before", "after", "elsewhere", "polls"),
    [
        (20.0, 2.0, 2.2, 3),  # a slip of units is taken back: glm-4.6 of one list, 2026-02-14
        (0.35, 3.5, 3.0, 3),
        (2.0, 0.2, 2.2, None),
        (2.0, 20.0, 2.2, None),
        (5.0, 0.5, 0.9, 3),
        (20.0, 2.0, 20.0, None),
        (20.0, 2.0, 0.5, None),
    ],
)
def test_what_looks_like_a_slip_but_mends_one_is_believed_after_three_polls(
    before: float, after: float, elsewhere: float, polls: int | None
) -> None:
    book = PriceBook()
    say(book, START, before, "sheet")
    shop = {"is_indirect": True, "feed_model": "other/small"}
    say(book, START, elsewhere, "shop", **shop)
    for poll in range(1, 31):
        say(book, START + poll * MINUTE, after, "sheet")
        if float(in_force(book, START + poll * MINUTE).usd_per_mtok[Meter.INPUT]) == after:
            break
    else:
        poll = None
    assert poll == polls


def test_a_rise_beyond_any_known_stands_after_a_time_too() -> None:
    book = PriceBook()
    say(book, START, 0.004688, "sheet")
    for day in range(46):
        say(book, START + 600.0 + day * DAY, 0.3, "sheet")
    assert in_force(book, START + 600.0 + 44 * DAY).usd_per_mtok[Meter.INPUT] < 1
    assert in_force(book, START + 600.0 + 45 * DAY).usd_per_mtok[Meter.INPUT] == Decimal("0.3")


def test_no_time_makes_a_paid_model_free() -> None:
    book = PriceBook()
    say(book, START, 2.0, "sheet")
    for day in range(100):
        say(book, START + 600.0 + day * DAY, 0.0, "sheet", zero_reason="promo")
    assert in_force(book, START + 100 * DAY).usd_per_mtok[Meter.INPUT] == 2
    (held,) = book.held()
    assert held.until is None


def test_a_held_quote_says_until_when_and_a_restart_keeps_that() -> None:
    book = settled_alone()
    (held,) = book.held()
    assert held.until == START + 600.0 + 7 * DAY
    again = PriceBook()
    again.from_state(book.to_state())
    assert again.held() == [held]
    old = book.to_state()
    del old["pages"]["acme/small"]["held"][0]["until"]
    again.from_state(old)
    assert again.held()[0].until is None


def settled_alone() -> PriceBook:
    book = PriceBook()
    say(book, START, 20.0, "sheet")
    say(book, START + 600.0, 2.0, "sheet")
    return book
