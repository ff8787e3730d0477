"""Which price is in force where feeds differ: what most trust speaks for, in whatever order."""

import itertools
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, START, quote
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook

HOUR, DAY = 3600.0, 86400.0
TRUST = {"a": 0.95, "b": 0.7, "c": 0.6, "d": 0.5, "e": 0.4}


def says(feed: str, usd_in: str, usd_out: str, at: float = START, **facts) -> Quote:
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    return quote(
        feed=feed, usd_per_mtok=prices, seen_at=at, **{"trust": TRUST.get(feed, 0.5), **facts}
    )


def book_of(*quotes: Quote) -> PriceBook:
    book = PriceBook()
    for each in quotes:
        book.absorb(each, each.seen_at)
    return book


def usd(book: PriceBook, at: float = START + 1000 * DAY) -> Decimal:
    quoted = book.in_force(CHEAP, at)
    assert quoted is not None
    return quoted.usd_per_mtok[Meter.INPUT]


def both(book: PriceBook, at: float = START + 1000 * DAY) -> tuple[Decimal, ...]:
    """Of input and output."""
    quoted = book.in_force(CHEAP, at)
    assert quoted is not None
    return tuple(quoted.usd_per_mtok.values())


@pytest.mark.parametrize("order", list(itertools.permutations("abcd")))
def test_three_lists_outvote_a_fourth_whoever_speaks_first(order) -> None:
    words = {"a": (".16", "1.3"), "b": (".3", "2.5"), "c": (".3", "2.5"), "d": (".3", "2.5")}
    book = book_of(*(says(feed, *words[feed], START + i) for i, feed in enumerate(order)))
    assert usd(book) == Decimal(".3")
    stands = {each.quote.feed: each.stands for each in book.statements(CHEAP, START + 10)}
    assert stands == {"a": "dissents", "b": "agrees", "c": "agrees", "d": "agrees"}


BEFORE = (2, 8)
SLIPS = {
    "ten times": ("20", "80"),
    "a tenth": ("0.2", "0.8"),
    "in yuan": ("14", "56"),
    "a hundred times": ("200", "800"),
    "input as cached input": ("0.2", "8"),
    "output as input": ("2", "2"),
}


def copied(slip: tuple[str, str], honest: tuple[str, ...], joined: int, **facts) -> PriceBook:
    """All say 2 and 8 for two months; then one slips, others say as it does, the rest restates."""
    wrong = ["c", *(f"copy{i}" for i in range(joined))]
    feeds = [*honest, *wrong]
    book = book_of(
        *(says(f, "2", "8", START + d * DAY + i) for d in (0, 30, 61) for i, f in enumerate(feeds))
    )
    for hour in range(24):
        for i, feed in enumerate(feeds[: len(honest) + hour + 1]):
            at = START + 62 * DAY + hour * HOUR + i
            takes_over = facts if feed not in ("c", *honest) else {}
            words = ("2", "8") if feed in honest else slip
            book.absorb(says(feed, *words, at, **takes_over), at)
    return book


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_that_lists_took_over_from_one_outvotes_nobody(slip: str) -> None:
    assert both(copied(SLIPS[slip], ("b", "d"), 1)) == BEFORE  # not known to copy, but fewer
    assert both(copied(SLIPS[slip], ("e",), 3, copies=("c",))) == BEFORE
    assert both(copied(SLIPS[slip], ("e",), 3, copies=("c", "other"))) == BEFORE
    book = copied(SLIPS[slip], (), 3, copies=("c",))
    assert both(book) == BEFORE
    assert {held.quote.feed for held in book.held()} == {"c", "copy0", "copy1", "copy2"}


@pytest.mark.parametrize("slip", SLIPS)
def test_two_lists_of_their_own_prove_a_move_that_looks_like_a_slip(slip: str) -> None:
    moved = tuple(Decimal(each) for each in SLIPS[slip])
    assert both(copied(SLIPS[slip], (), 1)) == moved
    assert both(copied(SLIPS[slip], ("e",), 2)) == moved


@pytest.mark.parametrize("slip", [*SLIPS.values(), ("6", "24"), ("0.7", "2.8")])
def test_no_list_leads_the_seller_s_own(slip: tuple[str, str]) -> None:
    assert both(copied(slip, ("acme",), 3)) == BEFORE


@pytest.mark.parametrize("now", ["0.25", "0.7", "6", "20"])
def test_lists_that_are_late_at_the_first_sight_outvote_no_seller_s_own(now: str) -> None:
    late = [says(feed, "2", "8") for feed in "bcd"]
    assert usd(book_of(*late, says("acme", now, str(4 * Decimal(now))))) == Decimal(now)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("now", ["0", "0.002", "0.02", "14", "100"])
def test_a_new_list_of_a_seller_s_name_is_not_followed_far_from_all_others(now, first) -> None:
    own = says("acme", now, str(4 * Decimal(now)), START + 2 - first, zero_reason="promo")
    others = [says(feed, "2", "8", START + 1 + i / 8) for i, feed in enumerate("bcd")]
    assert usd(book_of(*([own, *others] if first else [*others, own]))) == 2


@pytest.mark.parametrize("now", ["1", "0.7", "6"])
def test_a_seller_s_list_that_fell_silent_follows_a_day_later(now: str) -> None:
    lists = ("acme", "b", "c")
    book = book_of(*(says(f, "2", "8", START + i) for i, f in enumerate(lists)))
    followed_at = None
    for hour in range(1, 40):
        for i, feed in enumerate("bc"):
            book.absorb(says(feed, now, str(4 * Decimal(now)), at := START + hour * HOUR + i), at)
        if followed_at is None and usd(book, at) == Decimal(now):
            followed_at = hour
    assert followed_at == 24
    book.absorb(says("acme", "2", "8", at := START + 40 * HOUR), at)
    assert usd(book) == 2  # it speaks again


@pytest.mark.parametrize("slip", SLIPS)
def test_lists_that_fell_silent_speak_against_no_move(slip: str) -> None:
    book = book_of(*(says(f, "2", "8", START + i) for i, f in enumerate("abcde")))
    for hour in (12, 36):
        for i, feed in enumerate("de"):
            book.absorb(says(feed, *SLIPS[slip], at := START + hour * HOUR + i), at)
        assert (both(book, at) == BEFORE) == (hour == 12)


@pytest.mark.parametrize("facts", [{"copies": ("c",)}, {"trust": 0.1}])
def test_a_list_is_trusted_and_copies_as_it_is_now(facts) -> None:
    trust, words = {"b": 0.7, "e": 0.1}, {"b": "2", "c": "3", "d": "3", "e": "2"}
    said = {feed: says(feed, usd, str(4 * int(usd))) for feed, usd in words.items()}
    said |= {feed: replace(said[feed], trust=each) for feed, each in trust.items()}
    book = book_of(*said.values())
    assert usd(book) == 3
    again = PriceBook()
    again.from_state(json.loads(json.dumps(book.to_state())))
    again.absorb(replace(said["d"], seen_at=START + 1, **facts), START + 1)
    assert usd(again) == 2


def test_of_lists_that_copy_one_another_a_first_price_stays_that_of_one_list() -> None:
    book = book_of(says("c", "2", "8"), says("d", "2", "8", copies=("c",)))
    assert book.standing(CHEAP).is_alone
    again = PriceBook()
    again.from_state(json.loads(json.dumps(book.to_state())))
    assert again.standing(CHEAP) == book.standing(CHEAP)


FIRST = st.dictionaries(
    st.sampled_from(sorted(TRUST)), st.sampled_from(["0.5", "0.505", "0.8", "1", "3", "10"])
)
SOLD = st.sampled_from([None, "0.6", "8"])


@settings(max_examples=150, deadline=None)
@given(FIRST.filter(bool), SOLD, st.randoms(use_true_random=False))
def test_the_order_in_which_feeds_speak_changes_nothing(words, elsewhere, dice) -> None:
    told = [(feed, price, False) for feed, price in words.items()]
    told += [("x", elsewhere, True)] * (elsewhere is not None)
    seen = set()
    for _ in range(4):
        dice.shuffle(told)
        book = PriceBook()
        for i, (feed, price, is_indirect) in enumerate(told):
            book.absorb(says(feed, price, price, START + i, is_indirect=is_indirect), START + i)
        standing = book.standing(CHEAP)
        seen.add((book.in_force(CHEAP, START + 9).usd_per_mtok[Meter.INPUT], standing))
    assert len(seen) == 1


MOVES = st.lists(st.sampled_from(["0.8", "1", "1.2", "1.5"]), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(MOVES, st.randoms(use_true_random=False))
def test_lists_that_come_late_by_the_same_path_never_bring_an_old_price_back(path, dice) -> None:
    path = [price for price, _ in itertools.groupby(path)]
    if len(set(path)) < len(path):
        return
    book = PriceBook()
    places = dict.fromkeys("abc", -1)
    at = START
    while min(places.values()) < len(path) - 1:
        feed = dice.choice([f for f, place in places.items() if place < len(path) - 1])
        places[feed] += 1
        at += HOUR
        book.absorb(says(feed, path[places[feed]], path[places[feed]], at), at)
        assert usd(book, at) == Decimal(path[max(places.values())])


def test_a_plausible_move_of_one_feed_acts_at_once_though_others_still_say_the_old_price() -> None:
    book = book_of(*(says(feed, "1", "4") for feed in "bcd"))
    at = START + DAY
    (told,) = book.absorb(says("c", "0.7", "2.8", at), at)
    assert told.kind == "price.shifted"
    for feed in "bd":
        book.absorb(says(feed, "1", "4", at + 60), at + 60)
    assert usd(book) == Decimal("0.7")
    assert {s.quote.feed: s.stands for s in book.statements(CHEAP, at + 60)}["b"] == "lags"
    book.absorb(says("c", "1", "4", at + 120), at + 120)
    assert usd(book) == 1


def test_a_move_that_nobody_follows_for_a_week_is_outvoted_again() -> None:
    book = book_of(*(says(feed, "1", "4") for feed in "bcd"))
    for hours in range(1, 200):
        at = START + hours * HOUR
        book.absorb(says("c", "0.7", "2.8", at), at)
        for feed in "bd":
            book.absorb(says(feed, "1", "4", at + 60), at + 60)
    assert usd(book) == 1


def test_one_list_alone_is_provisional_until_a_second_a_bill_or_time_speaks_for_it() -> None:
    alone = says("b", "0.2", "0.8")
    used = Usage(input_tokens=1000, output_tokens=1000)
    book = book_of(alone)
    assert book.standing(CHEAP).is_alone
    assert book.status(CHEAP, START).is_provisional
    book.absorb(says("d", "0.2", "0.8", START + 1), START + 1)
    assert not book.standing(CHEAP).is_provisional
    book = book_of(alone)
    book.confirm_bill(CHEAP, used, Decimal("0.001"), START + 1, START + 1)
    assert not book.standing(CHEAP).is_provisional
    book = book_of(alone)
    for day in range(61):
        at = START + DAY * day
        book.absorb(replace(alone, seen_at=at), at)
        assert book.standing(CHEAP).is_provisional == (day < 60)


def test_a_provisional_price_is_taken_for_half_to_twice_what_others_sell_the_model_at() -> None:
    sold = says("x", "0.6", "2.4", is_indirect=True)
    assert book_of(sold, says("b", "0.2", "0.8")).standing(CHEAP).dearer_by == pytest.approx(0.5)
    assert book_of(sold, says("b", "0.4", "1.6")).standing(CHEAP).dearer_by == 0.0
    assert book_of(sold, says("b", "0.9", "3.6")).standing(CHEAP).dearer_by == 0.0
    dear = book_of(sold, says("b", "6", "24")).standing(CHEAP).dearer_by
    assert dear == pytest.approx(1.2 / 6 - 1)
    assert book_of(says("b", "0.2", "0.8")).standing(CHEAP).dearer_by == 0.0


def test_dissent_is_told_once_and_makes_a_provisional_price_dearer_than_stated() -> None:
    book = book_of(says("b", "1", "4"), says("c", "1", "4"))
    (told,) = book.absorb(says("d", "1.5", "6", START + 1), START + 1)
    assert (told.kind, told.facts["feed"]) == ("price.disputed", "d")
    assert book.absorb(says("d", "1.5", "6", START + 2), START + 2) == []
    assert book.standing(CHEAP).dearer_by == 0.0, "two lists say it"
    lone = book_of(says("b", "1", "4", trust=0.9), says("d", "1.5", "6"))
    assert lone.standing(CHEAP).dearer_by == pytest.approx(0.5)


def test_yuan_that_one_list_takes_for_dollars_count_last() -> None:
    book = book_of(says("a", "6", "24"), says("d", "0.85", "3.4"))
    assert usd(book) == Decimal("0.85")


@pytest.mark.parametrize("usd_in", ["0", "2000", "0.0000001"])
def test_what_the_owner_states_is_never_held_and_never_outvoted(usd_in: str) -> None:
    book = book_of(says("a", "1", "4"), says("b", "1", "4"))
    own = says("config", usd_in, usd_in, START + 1, trust=1.0, zero_reason="configured")
    book.absorb(own, START + 1)
    assert usd(book) == Decimal(usd_in)
    book.absorb(says("a", "1.1", "4", START + 2), START + 2)
    assert usd(book) == Decimal(usd_in)
    assert book.held() == []
    assert not book.standing(CHEAP).is_provisional


def test_looking_at_statements_changes_nothing() -> None:
    book = book_of(says("b", "1", "4"), says("c", "2", "4", START + 1))
    before = json.dumps(book.to_state())
    assert [s.age_s for s in book.statements(CHEAP, START + 11)] == [11, 10]
    assert book.statements("acme/unheard", START) == []
    assert json.dumps(book.to_state()) == before


def test_a_list_of_other_terms_is_late_like_any_other() -> None:
    book, at = PriceBook(), START + 1000
    terms = {"flex": {m: usd / 2 for m, usd in quote().usd_per_mtok.items()}}
    book.absorb(quote(feed="a", trust=0.5), START)
    book.absorb(quote(feed="b", trust=0.6, service_tiers=terms), START)
    dearer = {meter: 2 * usd for meter, usd in quote().usd_per_mtok.items()}
    book.absorb(quote(feed="a", trust=0.5, usd_per_mtok=dearer, seen_at=at), at)
    book.absorb(quote(feed="b", trust=0.6, service_tiers=terms, seen_at=at + 60), at + 60)
    assert book.prices(CHEAP, at + 60) == dearer
    assert {s.quote.feed: s.stands for s in book.statements(CHEAP, at + 60)}["b"] == "lags"
