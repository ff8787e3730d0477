"""A price so cheap that neither time nor a list which may copy proves it, and moves that are none.

Prices are (input, output) in dollars per million tokens, `blended` three parts of one to one of
the other, as policies take them.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import START, quote
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.peers.model_keys import model_key

DAY = 86400.0
NAME = "bolt/acme-large-4.5"
ELSEWHERE = tuple(f"s{i}/acme-large-4-5" for i in range(4))
USUAL = ("15", "75")


def says(name: str, usd: tuple[str, str], at: float, feed: str = "b") -> Quote:
    prices = {Meter.INPUT: Decimal(usd[0]), Meter.OUTPUT: Decimal(usd[1])}
    return quote(name, usd_per_mtok=prices, seen_at=at, feed=feed, trust=0.7)


def daily(
    book: PriceBook,
    said: list[tuple[str, tuple[str, str], str]],
    *,
    until: int,
    since: int = 0,
) -> None:
    """Let lists say (name, price, feed) every day from `since` to `until`."""
    for day in range(since, until + 1):
        at = START + day * DAY
        for name, usd, feed in said:
            book.absorb(says(name, usd, at, feed), at)


def taken(book: PriceBook, at: float) -> tuple[float, bool]:
    """(blended dollars per million that a policy takes it for, whether its share is bounded)."""
    quoted, standing = book.in_force(NAME, at), book.standing(NAME, at)
    assert quoted is not None
    given, got = (float(quoted.usd_per_mtok[m]) for m in (Meter.INPUT, Meter.OUTPUT))
    return (3 * given + got) / 4 * (1 + standing.dearer_by), standing.is_bounded


def elsewhere(count: int, usd: tuple[str, str] = USUAL) -> list[tuple[str, tuple[str, str], str]]:
    return [(name, usd, "x") for name in ELSEWHERE[:count]]


@pytest.mark.parametrize(
    ("kin", "usd", "bound"),
    [
        (ELSEWHERE[0], ("0.2", "1"), 15.0),  # a 75th of the model elsewhere
        ("bolt/acme-large-4", ("0.1", "0.2"), 10.0),  # hundreds of times below its family
    ],
)
def test_time_proves_a_fiftieth_of_what_comparable_models_cost_only_after_half_a_year(
    kin: str, usd: tuple[str, str], bound: float
) -> None:
    book = PriceBook()
    daily(book, [(kin, USUAL, "x"), (NAME, usd, "b")], until=179)
    assert taken(book, START + 179 * DAY) == (pytest.approx(bound), True)
    assert book.standing(NAME).measured_by
    daily(book, [(kin, USUAL, "x"), (NAME, usd, "b")], since=180, until=181)
    stated = (3 * float(usd[0]) + float(usd[1])) / 4
    assert taken(book, START + 181 * DAY) == (pytest.approx(stated), False)


def test_a_twentieth_is_proven_by_sixty_days_as_before() -> None:
    book = PriceBook()
    daily(book, [*elsewhere(1), (NAME, ("0.75", "3.75"), "b")], until=61)
    assert taken(book, START + 61 * DAY) == (pytest.approx(1.5), False)


def test_a_fall_to_less_than_a_tenth_of_what_others_ask_is_taken_for_half_of_that() -> None:
    book = PriceBook()
    daily(book, [*elsewhere(1), (NAME, ("14", "70"), "b")], until=90)
    fallen = [*elsewhere(1), (NAME, ("0.9", "4.4"), "b")]
    daily(book, fallen, since=91, until=100)
    quoted = book.in_force(NAME, START + 100 * DAY)
    assert quoted is not None and quoted.usd_per_mtok[Meter.INPUT] == Decimal("0.9")
    assert taken(book, START + 100 * DAY) == (pytest.approx(15.0), True)


def test_but_not_where_it_was_that_cheap_before() -> None:
    book = PriceBook()
    daily(book, [*elsewhere(1), (NAME, ("1.2", "6"), "b")], until=61)
    daily(book, [*elsewhere(1), (NAME, ("1", "5"), "b")], since=62, until=70)
    assert taken(book, START + 70 * DAY) == (pytest.approx(2.0), False)


def test_two_lists_prove_no_tenth_of_what_three_other_sellers_ask() -> None:
    said = [(NAME, ("1.4", "7"), feed) for feed in ("b", "c")]
    few, book = PriceBook(), PriceBook()
    daily(few, [*elsewhere(2), *said], until=2)
    assert taken(few, START + 2 * DAY) == (pytest.approx(2.8), False)
    daily(book, [*elsewhere(3), *said], until=59)
    assert taken(book, START + 59 * DAY) == (pytest.approx(30.0), True)
    daily(book, [*elsewhere(3), *said], since=60, until=61)
    assert taken(book, START + 61 * DAY) == (pytest.approx(2.8), False), "time does"


def test_a_bill_does() -> None:
    book = PriceBook()
    daily(book, [*elsewhere(3), *((NAME, ("1.4", "7"), feed) for feed in ("b", "c"))], until=2)
    at = START + 2 * DAY
    book.confirm_bill(NAME, Usage(input_tokens=1000), Decimal("0.0014"), at, at)
    assert taken(book, at) == (pytest.approx(2.8), False)


@pytest.mark.parametrize(
    ("rise", "taken_for"),
    [
        (("20", "100"), 40.0),  # within twice of what others ask: as stated
        (("30", "150"), 30.0),  # twice: as the dearest of the others
    ],
)
def test_a_move_within_what_others_ask_is_taken_as_it_is(
    rise: tuple[str, str], taken_for: float
) -> None:
    book = PriceBook()
    daily(book, [*elsewhere(4), (NAME, ("14", "70"), "b")], until=90)
    daily(book, [*elsewhere(4), (NAME, rise, "b")], since=91, until=92)
    assert taken(book, START + 92 * DAY) == (pytest.approx(taken_for), False)


def test_a_revision_of_bedrock_names_no_other_model() -> None:
    assert model_key("bedrock/openai.gpt-oss-20b-1:0") == model_key("groq/openai/gpt-oss-20b")
    assert model_key("bedrock/anthropic.claude-opus-4-1-v1:0") == model_key("x/claude-opus-4.1")
