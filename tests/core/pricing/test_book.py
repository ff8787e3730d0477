"""The book under attack, out of order, across a restart, and with several voices."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, MID, START, quote
from windsock.core.model.ticks import Quote, Tier, Vanished, Window
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.facets.contract import Adjustment

HOUR, DAY = 3600.0, 86400.0
LATER = START + 30 * DAY


def book_with(*quotes: Quote) -> PriceBook:
    book = PriceBook()
    book.restore(quotes)
    return book


def say(book: PriceBook, at: float, usd: float, **facts) -> list[str]:
    shifts = book.absorb(quote(usd=usd, seen_at=at, **facts), at)
    return [shift.kind for shift in shifts]


def usd(book: PriceBook, at: float) -> Decimal | None:
    flat = book.prices(CHEAP, at)
    return None if flat is None else flat[Meter.INPUT]


def stated(usd_in: str, usd_out: str, at: float, **facts) -> Quote:
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    return quote(usd_per_mtok=prices, seen_at=at, **facts)


@pytest.mark.parametrize("odd", ["-1", "-0.5", "NaN", "500000", "1e-9"])
def test_a_lesser_meter_that_can_be_no_price_takes_only_itself(odd: str) -> None:
    prices = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8), Meter.CACHE_READ: Decimal(odd)}
    book = PriceBook()
    for poll in range(3):
        book.absorb(quote(usd_per_mtok=prices, seen_at=START + poll), START + poll)
    assert book.held() == []
    assert book.in_force(CHEAP, START + 3).usd_per_mtok == {Meter.INPUT: 2, Meter.OUTPUT: 8}
    cached = Usage(input_tokens=0, cache_read_tokens=1_000_000)
    assert book.cost_usd(CHEAP, cached, START + 3) == 2, "cached tokens are billed as input"


def test_a_lesser_price_is_not_lost_for_a_slip_of_its_feed() -> None:
    prices = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8), Meter.CACHE_READ: Decimal("0.2")}
    book = PriceBook()
    book.absorb(quote(usd_per_mtok=prices), START)
    for poll in range(1, 30):
        slip = quote(usd_per_mtok=prices | {Meter.CACHE_READ: Decimal(-1)}, seen_at=START + poll)
        book.absorb(slip, START + poll)
    assert [held.is_final for held in book.held()] == [True]
    assert book.in_force(CHEAP, START + 30).usd_per_mtok == prices


def test_an_owners_meter_that_can_be_no_price_is_told() -> None:
    prices = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8), Meter.CACHE_READ: Decimal(-1)}
    book = book_with()
    book.absorb(quote(usd_per_mtok=prices, feed="price-sheet"), START)
    assert [held.is_final for held in book.held()] == [True]


@pytest.mark.parametrize(
    ("usd_in", "usd_out", "facts"),
    [
        ("0", "0", {}),
        ("-1", "-1", {}),
        ("-1000000", "-1000000", {}),
        ("NaN", "NaN", {}),
        ("sNaN", "sNaN", {}),
        ("Infinity", "1", {}),
        ("1e-12", "1e-12", {}),
        ("1e-6", "4e-6", {}),
        ("0.003", "0.012", {}),
        ("0.0031", "0.0121", {}),
        ("3000000", "12000000", {}),
        ("3000", "12000", {}),
        ("0.3", "1.2", {}),
        ("0.03", "0.12", {}),
        ("21.4", "85.4", {"currency": "CNY"}),
        ("3", "12", {"currency": "EUR"}),
        ("0.43", "1.72", {}),
        ("3", "3", {}),
    ],
)
def test_a_poisoned_feed_leaves_the_price_for_as_long_as_it_likes(usd_in, usd_out, facts) -> None:
    book = book_with(stated("3", "12", START))
    for poll in range(1, 200):
        at = START + 900 * poll
        book.absorb(stated(usd_in, usd_out, at, **facts), at)
    assert usd(book, at) == 3
    (held,) = book.held()
    assert held.polls == 199
    assert len(book.history(CHEAP, 0, at)) == 1


def test_a_poisoned_first_price_is_no_price_and_the_reason_is_told() -> None:
    book = PriceBook()
    say(book, START, 0.0)
    status = book.status(CHEAP, START)
    assert status.quote is None
    assert status.reason == "price held: sheet input is 0 without a reason"
    assert book.effective_usd(CHEAP, {Meter.INPUT: 100.0}, START) is None


def test_a_window_cannot_smuggle_in_what_the_base_price_may_not() -> None:
    book = book_with(quote(usd=3.0))
    hour = {"start_minute": 0, "end_minute": 0}
    cheap = {Meter.INPUT: Decimal("0.01"), Meter.OUTPUT: Decimal("0.04")}
    for poll in range(1, 30):
        window = Window(**hour, usd_per_mtok=cheap)
        say(book, START + 900 * poll, 3.0, windows=(window,))
    assert usd(book, LATER) == 3


def test_small_falls_do_not_add_up_to_a_big_one_within_a_day() -> None:
    book = book_with(quote(usd=1.0))
    assert say(book, LATER, 0.6) == ["price.shifted"]
    assert say(book, LATER + 1, 0.4) == ["price.held"]
    assert say(book, LATER + 2, 0.3) == ["price.held"]
    assert usd(book, LATER + 3) == Decimal("0.6")
    assert say(book, LATER + 2 * DAY, 0.36) == ["price.shifted"]


def test_flapping_between_two_proven_prices_follows_at_once() -> None:
    book = book_with(quote(usd=1.0))
    for poll in range(3):
        say(book, LATER + poll, 0.2)
    assert usd(book, LATER + 2) == Decimal("0.2")
    assert say(book, LATER + 3, 1.0) == ["price.shifted"]
    assert say(book, LATER + 4, 0.2) == ["price.shifted"]


def test_polls_must_be_in_a_row_and_of_different_moments() -> None:
    book = book_with(quote(usd=1.0))
    for at in (LATER, LATER, LATER):
        say(book, at, 0.2)
    assert usd(book, LATER + 1) == 1
    say(book, LATER + 2, 0.2)
    say(book, LATER + 3, 1.0)
    assert say(book, LATER + 4, 0.2) == ["price.held"]
    assert usd(book, LATER + 5) == 1


@pytest.mark.parametrize(("every_s", "polls"), [(3 * HOUR, 12), (900, 12), (20, 136)])
def test_a_fall_that_a_trusted_feed_keeps_denying_needs_twelve_polls_and_time(
    every_s, polls
) -> None:
    book = book_with(quote(usd=1.0, trust=0.8))
    say(book, START, 1.0, feed="other", trust=0.8)
    for poll in range(1, polls + 1):
        assert usd(book, LATER) == 1, poll
        say(book, START + every_s * poll, 0.2, trust=0.8)
        say(book, START + every_s * poll + 1, 1.0, feed="other", trust=0.8)
    assert usd(book, LATER) == Decimal("0.2")


def test_a_less_trusted_feed_that_denies_a_fall_does_not_delay_it() -> None:
    book = book_with(quote(usd=1.0, trust=0.8))
    say(book, START, 1.0, feed="late", trust=0.5)
    for poll in (1, 2, 3):
        say(book, START + 900 * poll, 0.2, trust=0.8)
        say(book, START + 900 * poll + 1, 1.0, feed="late", trust=0.5)
    assert usd(book, LATER) == Decimal("0.2")


def test_an_embedded_list_gives_way_to_two_live_feeds_that_agree() -> None:
    book = book_with(quote(usd=1.0, feed="embedded", trust=0.8))
    assert say(book, START + 1, 0.2, feed="one", trust=0.7) == ["price.disputed"]
    assert say(book, START + 2, 0.2, feed="two", trust=0.6) == ["price.shifted"]
    assert say(book, START + DAY, 1.0, feed="embedded", trust=0.8) == []
    assert usd(book, START + DAY) == Decimal("0.2")


def test_lists_met_first_after_a_restart_do_not_bring_an_old_price_back() -> None:
    book = book_with(quote(usd=1.0, trust=0.7), quote(usd=0.2, trust=0.7, seen_at=START + DAY))
    say(book, START + 2 * DAY, 0.2, trust=0.7)
    assert say(book, START + 2 * DAY + 1, 1.0, feed="late", trust=0.6) == []
    assert say(book, START + 2 * DAY + 2, 1.0, feed="later", trust=0.9) == []
    assert usd(book, START + 3 * DAY) == Decimal("0.2")


def test_a_late_list_that_reaches_an_old_price_does_not_bring_it_back() -> None:
    book = book_with(quote(usd=1.0, trust=0.6))
    say(book, START, 1.0, feed="late", trust=0.6)
    say(book, START + HOUR, 1.5, trust=0.6)
    say(book, START + 2 * HOUR, 2.0, trust=0.6)
    assert say(book, START + 3 * HOUR, 1.5, feed="late", trust=0.6) == []
    assert usd(book, START + 4 * HOUR) == 2
    assert say(book, START + 5 * HOUR, 1.5, trust=0.6) == ["price.shifted"]


def test_a_feed_that_says_less_confirms_and_takes_no_hours_away() -> None:
    peak = {Meter.INPUT: Decimal(2), Meter.OUTPUT: Decimal(8)}
    window = Window(start_minute=60, end_minute=240, usd_per_mtok=peak)
    book = book_with(quote(usd=1.0, windows=(window,), trust=0.6))
    assert say(book, START + 60, 2.0, feed="plain", trust=0.9) == []
    quoted = book.in_force(CHEAP, START + 61)
    assert quoted is not None
    assert quoted.windows == (window,)
    assert book.status(CHEAP, START + 61).age_s == 1


def test_of_two_names_of_one_feed_the_first_is_followed() -> None:
    book = PriceBook()
    say(book, START, 1.0, feed_model="m")
    for poll in range(1, 5):
        say(book, START + poll, 1.4, feed_model="m-latest")
        say(book, START + poll, 1.0, feed_model="m")
    assert usd(book, START + 9) == 1
    assert len(book.history(CHEAP, 0, LATER)) == 1
    assert say(book, START + 9 + 2 * DAY, 1.4, feed_model="m-latest") == ["price.shifted"]


def test_an_announced_price_comes_at_once_when_the_feed_confirms_it() -> None:
    book = book_with(quote(usd=1.0))
    assert say(book, START + HOUR, 0.2, valid_from=START + DAY) == ["price.held"]
    assert say(book, START + 2 * HOUR, 0.2, valid_from=START + DAY) == []
    assert usd(book, START + 2 * DAY) == 1
    assert say(book, START + DAY, 0.2) == ["price.released"]
    assert usd(book, START + DAY) == Decimal("0.2")


@pytest.mark.parametrize("trust", [0.7, 1.0])
def test_announcing_a_slip_of_units_does_not_make_it_a_price(trust: float) -> None:
    book = book_with(quote(usd=3.0))
    for poll in range(30):
        at = START + HOUR * (poll + 1)
        say(book, at, 0.003, trust=trust, valid_from=START + 5 * HOUR)
    assert usd(book, LATER) == 3


def test_a_raise_that_was_announced_and_cancelled_never_happens() -> None:
    book = book_with(stated("2", "10", START))
    book.absorb(stated("3", "15", START + 60, valid_from=START + DAY), START + 60)
    for poll in range(1, 50):
        at = START + HOUR * poll
        book.absorb(stated("2", "10", at), at)
    assert usd(book, LATER) == 2
    assert len(book.history(CHEAP, 0, LATER)) == 1


def test_the_owners_sheet_schedules_a_price_to_the_second() -> None:
    book = PriceBook()
    for poll in range(5):
        at = START + 30 * poll
        say(book, at, 1.0, trust=1.0)
        say(book, at, 3.0, trust=1.0, valid_from=START + DAY)
    assert usd(book, START + DAY - 0.001) == 1
    assert usd(book, START + DAY) == 3
    assert book.next_change_at([CHEAP], START + 200) == START + DAY
    assert len(book.history(CHEAP, 0, LATER)) == 2


def test_an_expired_statement_is_none() -> None:
    book = book_with(quote(usd=2.0))
    assert say(book, START + 60, 1.5, valid_until=START + 50) == []
    assert usd(book, START + 61) == 2


def test_a_bill_speaks_for_another_feed_against_the_one_in_force() -> None:
    book = book_with(quote(usd=4.0, trust=0.9))
    say(book, START + 1, 1.5, feed="other", trust=0.5)
    used = Usage(input_tokens=1000, output_tokens=500)
    cost = Decimal("0.0015") + Decimal("0.003")
    assert book.confirm_bill(CHEAP, used, Decimal("0.012"), START + 2, START + 2) == []
    assert book.status(CHEAP, START + 2).age_s == 0
    (shift,) = book.confirm_bill(CHEAP, used, cost, START + 3, START + 3)
    assert shift.facts["feed"] == "other"
    assert usd(book, START + 3) == Decimal("1.5")
    assert usd(book, START + 2) == 4


def test_a_bill_is_compared_at_its_hour_and_size() -> None:
    tier = Tier(
        min_prompt_tokens=1000,
        usd_per_mtok={Meter.INPUT: Decimal("0.4"), Meter.OUTPUT: Decimal("1.6")},
    )
    book = book_with(quote(usd=1.0))
    say(book, START + 1, 0.2, tiers=(tier,))
    big = Usage(input_tokens=2000, output_tokens=1000)
    assert book.confirm_bill(CHEAP, big, Decimal("0.0012"), START + 2, START + 2) == []
    (shift,) = book.confirm_bill(CHEAP, big, Decimal("0.0024"), START + 3, START + 3)
    assert shift.kind == "price.released"


def test_no_bill_and_no_person_makes_a_price_of_what_is_none() -> None:
    book = book_with(quote(usd=1.0))
    say(book, START + 1, -1.0)
    used = Usage(input_tokens=1000, output_tokens=500)
    assert book.confirm_bill(CHEAP, used, Decimal("0.1"), START + 2, START + 2) == []
    with pytest.raises(ValueError, match="no price"):
        book.rule(book.held_quote(CHEAP, "sheet"), START + 2, is_believed=True)
    with pytest.raises(KeyError):
        book.rule(book.held_quote(CHEAP, "nobody"), START + 2, is_believed=True)
    assert usd(book, START + 3) == 1


def test_a_person_may_believe_a_zero_and_it_holds_from_then_on_only() -> None:
    book = book_with(quote(usd=1.0))
    say(book, START + 1, 0.0)
    book.rule(book.held_quote(CHEAP, "sheet"), START + 100, is_believed=True)
    assert usd(book, START + 99) == 1
    assert usd(book, START + 100) == 0
    assert say(book, START + 200, 0.0) == []
    assert book.held() == []


def test_a_redirect_bills_the_model_that_answers_and_can_be_undone() -> None:
    book = book_with(quote(usd=1.0), quote(MID, usd=6.25))
    version = book.version
    (shift,) = book.redirect(CHEAP, MID, START + 1)
    assert (shift.kind, shift.facts["served"]) == ("price.shifted", MID)
    assert book.version > version
    assert usd(book, START + 2) == Decimal("6.25")
    assert book.redirect(CHEAP, MID, START + 3) == []
    book.redirect(CHEAP, "acme/unheard", START + 4)
    assert usd(book, START + 5) is None
    assert book.status(CHEAP, START + 5).reason == (
        "answers come from acme/unheard, whose price is not known"
    )
    book.redirect(CHEAP, CHEAP, START + 6)
    assert usd(book, START + 7) == 1


def test_a_vanished_row_keeps_its_price_and_is_told() -> None:
    book = book_with(quote(usd=1.0))
    gone = Vanished(deployment=CHEAP, feed="sheet", feed_model=CHEAP, seen_at=START + 5)
    assert book.absorb(gone, START + 5) == []
    assert usd(book, START + 6) == 1
    assert book.status(CHEAP, START + 6).vanished == ("sheet",)
    say(book, START + 7, 1.0)
    assert book.status(CHEAP, START + 8).vanished == ()


def test_uncertainty_shows_how_far_feeds_disagree() -> None:
    book = book_with(quote(usd=1.0, trust=0.9))
    assert book.status(CHEAP, START).uncertainty == 0
    for feed, price in (("b", 2.0), ("c", 2.2)):
        assert say(book, START, price, feed=feed, trust=0.6) == ["price.disputed"]
    assert book.status(CHEAP, START).uncertainty == pytest.approx(0.5)
    assert book.status(CHEAP, START + 5 * DAY).uncertainty == pytest.approx(0.6)


def test_a_clock_set_back_takes_no_price_away() -> None:
    book = PriceBook()
    say(book, START, 1.0)
    say(book, START + 2 * HOUR, 2.0)
    back = START + HOUR
    assert say(book, back, 2.0) == []
    assert usd(book, back) == 2
    assert say(book, back + 60, 3.0) == ["price.shifted"]
    assert usd(book, back + 60) == 3


def test_versions_grow_only_with_what_can_move_a_weight() -> None:
    book = PriceBook()
    say(book, START, 1.0)
    version = book.version
    say(book, START + 1, 1.0)
    say(book, START + 2, 0.1)
    say(book, START + 2, 0.1)
    assert book.version == version
    say(book, START + 3, 1.3, feed="late", trust=0.1)
    assert book.version > version
    version = book.version
    say(book, START + 3.5, 1.3, feed="late", trust=0.1)
    assert book.version == version
    say(book, START + 4, 1.1)
    assert book.version > version


FEEDS = {"a": 0.9, "b": 0.7, "c": 0.7}
PRICES = st.sampled_from([0.0, 0.1, 0.2, 0.4, 1.0, 1.5, 2.0, 4.0, 8.0])
STATEMENTS = st.lists(
    st.tuples(st.sampled_from(sorted(FEEDS)), PRICES, st.integers(0, 40), st.booleans()),
    min_size=1,
    max_size=14,
)


def ticks(statements) -> list[Quote]:
    return [
        quote(
            usd=price,
            feed=feed,
            trust=FEEDS[feed],
            seen_at=START + HOUR * hour,
            is_indirect=feed == "c" and odd,
        )
        for feed, price, hour, odd in statements
    ]


def facts(book: PriceBook) -> object:
    return json.dumps(book.to_state(), sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(STATEMENTS, st.randoms(use_true_random=False))
def test_ticks_in_any_order_give_the_same_book(statements, dice) -> None:
    told = ticks(statements)
    shuffled = list(told)
    dice.shuffle(shuffled)
    books = []
    for order in (sorted(told, key=lambda tick: tick.seen_at), shuffled):
        book = PriceBook()
        for tick in order:
            book.absorb(tick, LATER)
        books.append(facts(book))
    assert books[0] == books[1]


@settings(max_examples=100, deadline=None)
@given(STATEMENTS, STATEMENTS)
def test_a_book_survives_its_state_and_goes_on_alike(before, after) -> None:
    book = PriceBook()
    for tick in sorted(ticks(before), key=lambda tick: tick.seen_at):
        book.absorb(tick, tick.seen_at)
    again = PriceBook()
    again.from_state(json.loads(json.dumps(book.to_state())))
    assert facts(again) == facts(book)
    for tick in sorted(ticks(after), key=lambda tick: tick.seen_at):
        late = replace(tick, seen_at=tick.seen_at + 50 * HOUR)
        assert again.absorb(late, late.seen_at) == book.absorb(late, late.seen_at)
    assert facts(again) == facts(book)


@settings(max_examples=100, deadline=None)
@given(STATEMENTS)
def test_what_is_in_force_was_said_by_a_feed_that_may_set_it(statements) -> None:
    book = PriceBook()
    may = set()
    for tick in sorted(ticks(statements), key=lambda tick: tick.seen_at):
        book.absorb(tick, tick.seen_at)
        if not tick.is_indirect:
            may.add(tick.usd_per_mtok[Meter.INPUT])
        quoted = book.in_force(CHEAP, tick.seen_at)
        if quoted is not None:
            assert quoted.usd_per_mtok[Meter.INPUT] in may
            assert quoted.usd_per_mtok[Meter.INPUT] > 0


@settings(max_examples=100, deadline=None)
@given(STATEMENTS)
def test_every_past_moment_keeps_its_price_whatever_comes_later(statements) -> None:
    book = PriceBook()
    seen = []
    for tick in sorted(ticks(statements), key=lambda tick: tick.seen_at):
        if seen and tick.seen_at > seen[-1][0]:
            seen.append((tick.seen_at - 1, usd(book, tick.seen_at - 1)))
        book.absorb(tick, tick.seen_at)
        seen.append((tick.seen_at, None))
    assert all(usd(book, at) == was for at, was in seen if was is not None)


def test_a_change_elsewhere_is_no_change_here() -> None:
    book = PriceBook()
    book.absorb(quote("a/m", usd=1, seen_at=0.0), 0.0)
    book.absorb(quote("b/m", usd=1, seen_at=0.0), 0.0)
    version = book.version
    book.absorb(quote("b/m", usd=2, seen_at=10.0), 10.0)
    assert book.changed_since(version, ["a/m", "b/m"])
    assert not book.changed_since(version, ["a/m"])
    book.redirect("a/m", "b/m", 11.0)
    assert book.changed_since(version, ["a/m"])
    version = book.version
    book.absorb(quote("b/m", usd=3, seen_at=20.0), 20.0)
    assert book.changed_since(version, ["a/m"])


def test_a_price_that_was_just_asked_for_moves_with_the_next_statement_and_back() -> None:
    book = PriceBook()
    say(book, START, 2.0)
    assert usd(book, START) == usd(book, START + HOUR) == 2
    say(book, START + HOUR, 2.2)
    assert usd(book, START + HOUR) == Decimal("2.2")
    assert usd(book, START + HOUR - 1) == 2, "a call that began before is billed as it began"
    assert usd(book, START + 2 * HOUR) == Decimal("2.2"), "which changes nothing for later ones"
    say(book, START + 3 * HOUR, 2.0)
    assert [usd(book, START + h * HOUR) for h in (0.5, 1, 2, 3, 9)] == [
        2, Decimal("2.2"), Decimal("2.2"), 2, 2,
    ]  # fmt: skip


def test_a_price_that_the_clock_ends_is_asked_for_again_each_time() -> None:
    coming = stated("2.2", "8.8", START + 1, valid_from=START + HOUR)
    book = book_with(stated("2", "8", START), coming)
    assert (usd(book, START + 2), usd(book, START + HOUR)) == (2, Decimal("2.2"))
    assert usd(book, START + 2) == 2
    other = book_with(stated("2", "8", START), stated("1", "4", START + 1, valid_until=LATER))
    assert [usd(other, at) for at in (START, START + 1, LATER, START + 1)] == [2, 1, 2, 1]


def test_what_was_asked_for_is_billed_by_the_contract_that_holds_now() -> None:
    book = PriceBook()
    say(book, START, 2.0)
    assert usd(book, START) == 2
    book.adjust({CHEAP: [Adjustment(reason="discount", share=Decimal("-0.5"))]})
    assert usd(book, START) == 1
    book.adjust({})
    assert usd(book, START) == 2
    book.redirect(CHEAP, MID, START)
    assert usd(book, START) is None
    book.redirect(CHEAP, CHEAP, START)
    assert usd(book, START) == 2
    book.forget(CHEAP)
    assert usd(book, START) is None
