"""The price book: what is believed, since when, and what one request costs at this hour."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.prices_guard import bad_quotes, moves_of_lists, real_moves
from tests.builders import CHEAP, START, quote
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook

WEEKDAYS = frozenset({1, 2, 3, 4, 5})


def prices(usd_in: str, usd_out: str) -> dict[Meter, Decimal]:
    return {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def book_with(*quotes: Quote) -> PriceBook:
    book = PriceBook()
    book.restore(quotes)
    return book


def usd(book: PriceBook, when: str, prompt_tokens: int = 1000) -> tuple[str, str]:
    flat = book.prices(CHEAP, at(when), prompt_tokens=prompt_tokens)
    assert flat is not None
    return str(flat[Meter.INPUT]), str(flat[Meter.OUTPUT])


def v4_pro() -> Quote:
    """DeepSeek V4 Pro since 2026-08-16 16:00 UTC: double on weekdays at 01-04 and 06-10 UTC."""
    peak = prices("1.32", "3.96")
    return quote(
        usd_per_mtok=prices("0.66", "1.98"),
        seen_at=at("2026-08-16T16:00:00"),
        windows=(
            Window(days=WEEKDAYS, start_minute=60, end_minute=240, usd_per_mtok=peak),
            Window(days=WEEKDAYS, start_minute=360, end_minute=600, usd_per_mtok=peak),
        ),
    )


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-08-16T15:59:59", ("0.435", "0.87")),
        ("2026-08-16T16:00:00", ("0.66", "1.98")),
        ("2026-08-17T00:59:59", ("0.66", "1.98")),
        ("2026-08-17T01:00:00", ("1.32", "3.96")),
        ("2026-08-17T03:59:59", ("1.32", "3.96")),
        ("2026-08-17T04:00:00", ("0.66", "1.98")),
        ("2026-08-17T05:59:00", ("0.66", "1.98")),
        ("2026-08-17T06:00:00", ("1.32", "3.96")),
        ("2026-08-17T09:59:00", ("1.32", "3.96")),
        ("2026-08-17T10:00:00", ("0.66", "1.98")),
        ("2026-08-21T09:59:00", ("1.32", "3.96")),
        ("2026-08-22T02:00:00", ("0.66", "1.98")),
        ("2026-08-23T07:00:00", ("0.66", "1.98")),
        ("2026-08-24T01:00:00", ("1.32", "3.96")),
    ],
)
def test_deepseeks_weekday_peak_hours(when: str, expected: tuple[str, str]) -> None:
    before = quote(usd_per_mtok=prices("0.435", "0.87"), seen_at=at("2026-04-27T00:00:00"))
    assert usd(book_with(before, v4_pro()), when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2025-02-26T16:29:59", ("0.27", "1.1")),
        ("2025-02-26T16:30:00", ("0.135", "0.55")),
        ("2025-02-26T23:59:59", ("0.135", "0.55")),
        ("2025-02-27T00:29:59", ("0.135", "0.55")),
        ("2025-02-27T00:30:00", ("0.27", "1.1")),
        ("2025-09-05T15:59:59", ("0.27", "1.1")),
        ("2025-09-05T16:00:00", ("0.56", "1.68")),
        ("2025-09-05T16:30:00", ("0.56", "1.68")),
    ],
)
def test_deepseeks_off_peak_nights_of_2025_wrap_midnight_and_end_for_good(when, expected) -> None:
    night = Window(start_minute=990, end_minute=30, usd_per_mtok=prices("0.135", "0.55"))
    v3 = quote(
        usd_per_mtok=prices("0.27", "1.1"), seen_at=at("2025-02-08T16:00:00"), windows=(night,)
    )
    v31 = quote(usd_per_mtok=prices("0.56", "1.68"), seen_at=at("2025-09-05T16:00:00"))
    assert usd(book_with(v3, v31), when) == expected


@pytest.mark.parametrize(
    ("tokens", "is_strict", "expected"),
    [
        (199_999, True, ("1.25", "10")),
        (200_000, True, ("1.25", "10")),
        (200_001, True, ("2.5", "15")),
        (199_999, False, ("1.25", "10")),
        (200_000, False, ("2.5", "15")),
    ],
)
def test_geminis_step_at_200k_with_each_sources_strictness(tokens, is_strict, expected) -> None:
    step = Tier(min_prompt_tokens=200_000, is_strict=is_strict, usd_per_mtok=prices("2.5", "15"))
    book = book_with(quote(usd_per_mtok=prices("1.25", "10"), tiers=(step,)))
    assert usd(book, "2026-11-24T00:00:00", tokens) == expected


def test_a_request_costs_by_hand() -> None:
    cached = {**prices("2.5", "10"), Meter.CACHE_READ: Decimal("1.25")}
    book = book_with(quote(usd_per_mtok=cached))
    used = Usage(input_tokens=1000, cache_read_tokens=4000, output_tokens=200, reasoning_tokens=300)
    expected = Decimal("0.0025") + Decimal("0.005") + Decimal("0.002") + Decimal("0.003")
    assert book.cost_usd(CHEAP, used, START + 1) == expected


def test_validity_holds_to_the_second() -> None:
    promo = quote(usd_per_mtok=prices("0.5", "1"), valid_until=START + 100)
    book = book_with(quote(usd_per_mtok=prices("1", "2")), promo)
    assert book.prices(CHEAP, START + 99)[Meter.INPUT] == Decimal("0.5")
    assert book.prices(CHEAP, START + 100)[Meter.INPUT] == Decimal("1")
    assert book.next_change_at([CHEAP], START) == START + 100


def test_a_scheduled_price_is_a_forecast_until_the_feed_confirms_it() -> None:
    book = book_with(quote(usd=2.0))
    raised = quote(usd=3.0, seen_at=START + 10, valid_from=START + 1000)
    (shift,) = book.absorb(raised, START + 10)
    assert shift.kind == "price.held"
    assert "announced" in book.held()[0].reason
    assert book.prices(CHEAP, START + 2000)[Meter.INPUT] == Decimal("2.0")
    confirmed = quote(usd=3.0, seen_at=START + 2000, valid_from=START + 1000)
    book.absorb(confirmed, START + 2000)
    assert book.prices(CHEAP, START + 2000)[Meter.INPUT] == Decimal("3.0")


def test_the_next_change_is_the_next_edge_of_a_window() -> None:
    book = book_with(v4_pro())
    monday = at("2026-08-17T00:30:00")
    assert book.next_change_at([CHEAP], monday) == at("2026-08-17T01:00:00")


def test_no_bad_quote_of_the_wild_reaches_routing() -> None:
    verdicts = bad_quotes()
    assert len(verdicts) >= 100
    assert [verdict.name for verdict in verdicts if not verdict.ok] == []


def test_real_moves_are_accepted_within_three_polls_or_at_once_by_two_feeds() -> None:
    moves = list(real_moves())
    assert len(moves) == 167
    assert sum(one.ok for one, _ in moves) >= 0.95 * len(moves)
    assert sum(two.ok for _, two in moves) >= 0.95 * len(moves)


def test_deep_moves_of_a_single_list_are_believed_in_the_stated_time() -> None:
    moves = list(moves_of_lists())
    assert len(moves) >= 45
    assert [move for move in moves if not move.ok] == []


def test_a_fall_waits_for_three_polls_and_a_rise_does_not() -> None:
    book = book_with(quote(usd=1.0))
    assert book.absorb(quote(usd=4.0, seen_at=START + 1), START + 1)[0].kind == "price.shifted"
    book = book_with(quote(usd=1.0))
    kinds = []
    for poll in (1, 2, 3):
        shifts = book.absorb(quote(usd=0.3, seen_at=START + poll), START + poll)
        kinds.append([shift.kind for shift in shifts])
    assert kinds == [["price.held"], [], ["price.released"]]


def test_a_second_feed_releases_a_held_quote_even_one_that_sells_the_model_elsewhere() -> None:
    for is_indirect in (False, True):
        book = book_with(quote(usd=1.0))
        book.absorb(quote(usd=0.1, seen_at=START + 1), START + 1)
        assert book.held()[0].needs is None
        second = quote(usd=0.1, feed="other", seen_at=START + 2, is_indirect=is_indirect)
        (shift,) = book.absorb(second, START + 2)
        assert shift.kind in ("price.released", "price.shifted")
        assert book.prices(CHEAP, START + 3)[Meter.INPUT] == Decimal("0.1")


def test_an_indirect_quote_alone_sets_no_price() -> None:
    book = PriceBook()
    book.absorb(quote(usd=1.0, is_indirect=True), START)
    assert book.in_force(CHEAP, START) is None
    assert book.status(CHEAP, START).reason == "no feed quotes a price"


def test_a_bill_releases_a_held_quote() -> None:
    book = book_with(quote(usd=1.0))
    book.absorb(quote(usd=0.1, seen_at=START + 1), START + 1)
    used = Usage(input_tokens=1_000_000, output_tokens=0)
    assert book.confirm_bill(CHEAP, used, Decimal("0.9"), START + 2, START + 2) == []
    (shift,) = book.confirm_bill(CHEAP, used, Decimal("0.1"), START + 3, START + 3)
    assert shift.kind == "price.released"


def test_a_person_approves_or_rejects() -> None:
    book = book_with(quote(usd=1.0))
    book.absorb(quote(usd=0.1, seen_at=START + 1), START + 1)
    book.rule(book.held_quote(CHEAP, "sheet"), START + 2, is_believed=False)
    assert book.absorb(quote(usd=0.1, seen_at=START + 3), START + 3) == []
    assert book.held() == []
    book.absorb(quote(usd=0.01, seen_at=START + 4), START + 4)
    (shift,) = book.rule(book.held_quote(CHEAP, "sheet"), START + 5, is_believed=True)
    assert shift.kind == "price.released"
    assert book.prices(CHEAP, START + 6)[Meter.INPUT] == Decimal("0.01")


def test_a_price_in_force_lately_may_come_back_at_once() -> None:
    book = book_with(quote(usd=1.0))
    book.absorb(quote(usd=4.0, seen_at=START + 60), START + 60)
    (shift,) = book.absorb(quote(usd=1.0, seen_at=START + 120), START + 120)
    assert shift.kind == "price.shifted"


def test_a_less_trusted_feed_does_not_overrule_and_a_more_trusted_one_does() -> None:
    book = PriceBook()
    book.absorb(quote(usd=1.0, feed="list", trust=0.7), START)
    (told,) = book.absorb(quote(usd=1.2, feed="late", trust=0.5), START + 1)
    assert told.kind == "price.disputed"
    assert (
        book.absorb(quote(usd=1.1, feed="owner", trust=0.9), START + 2)[0].kind == "price.shifted"
    )
    assert book.absorb(quote(usd=1.0, feed="list", trust=0.7), START + 3) == []
    assert book.prices(CHEAP, START + 4)[Meter.INPUT] == Decimal("1.1")


def test_an_equal_price_only_refreshes_the_age() -> None:
    book = book_with(quote(usd=1.0))
    version = book.version
    assert book.absorb(quote(usd=1.0, seen_at=START + 50), START + 50) == []
    assert book.version == version
    assert book.status(CHEAP, START + 60).age_s == 10
    assert len(book.history(CHEAP, 0, START + 100)) == 1


def test_uncertainty_widens_with_age_and_a_day_makes_it_stale() -> None:
    book = book_with(quote(usd=1.0))
    fresh, old = book.status(CHEAP, START + 60), book.status(CHEAP, START + 90_000)
    assert not fresh.is_stale
    assert old.is_stale
    assert old.uncertainty > fresh.uncertainty


def test_every_past_moment_has_its_price() -> None:
    steps = [quote(usd=float(n), seen_at=START + 100 * n) for n in (1, 2, 3)]
    book = book_with(*steps)
    found = [book.prices(CHEAP, START + t) for t in (50, 150, 250, 350)]
    assert found[0] is None
    assert [str(flat[Meter.INPUT]) for flat in found[1:]] == ["1.0", "2.0", "3.0"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0.9, 1.1)), min_size=1, max_size=8)
)
def test_what_is_in_force_was_always_said_by_somebody_and_is_never_held(statements) -> None:
    book = PriceBook()
    said = set()
    for i, (feed, price) in enumerate(statements):
        stated = quote(usd=round(price, 3), feed=feed, seen_at=START + i)
        said.add(stated.usd_per_mtok[Meter.INPUT])
        book.absorb(stated, START + i)
    assert book.prices(CHEAP, START + 100)[Meter.INPUT] in said
