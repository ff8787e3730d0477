"""What the book answers whoever asks for a price, its age, its past, or what it holds back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, quote
from windsock.core.model.ticks import Quote, Tier, Vanished, Window
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.rules import DEFAULT_RULES, GuardRules
from windsock.core.pricing.state import quote_of_state, quote_state
from windsock.core.pricing.validation import Held

HOUR, DAY = 3600.0, 86_400.0
MILLION = Decimal(1_000_000)
USED = Usage(input_tokens=1_000_000, output_tokens=500_000)
"""Worth 3 dollars where input costs 1 and output 4."""


def priced(*quotes: Quote, rules: GuardRules | None = None) -> PriceBook:
    book = PriceBook(rules=rules)
    book.restore(quotes)
    return book


def say(book: PriceBook, at: float, usd: float, **facts: object) -> list[str]:
    told = quote(usd=usd, seen_at=at, **facts)  # type: ignore[arg-type]
    return [shift.kind for shift in book.absorb(told, at)]


def usd(book: PriceBook, at: float, name: str = CHEAP, **facts: object) -> Decimal | None:
    flat = book.prices(name, at, **facts)  # type: ignore[arg-type]
    return None if flat is None else flat[Meter.INPUT]


def test_a_tier_of_service_has_its_price_and_any_other_the_base() -> None:
    flex = {"flex": {Meter.INPUT: Decimal("0.5")}}
    book = priced(quote(usd=1.0, service_tiers=flex))
    assert usd(book, START) == 1
    assert usd(book, START, service_tier="flex") == Decimal("0.5")
    assert usd(book, START, service_tier="unheard") == 1
    assert book.cost_usd(CHEAP, USED, START) == 3
    assert book.cost_usd(CHEAP, USED, START, service_tier="flex") == Decimal("2.5")


def test_a_long_prompt_has_its_price_from_its_bound_on() -> None:
    long = Tier(min_prompt_tokens=1, is_strict=False, usd_per_mtok={Meter.INPUT: Decimal(7)})
    book = priced(quote(usd=1.0, tiers=(long,)))
    mix = {Meter.INPUT: 1_000_000.0}
    assert usd(book, START) == 1
    assert usd(book, START, prompt_tokens=1) == 7
    assert book.effective_usd(CHEAP, mix, START) == 1
    assert book.effective_usd(CHEAP, mix, START, prompt_tokens=1) == 7
    assert book.cost_usd(CHEAP, USED, START) == 9, "as long as the prompt that was used"


def test_what_a_usual_request_costs_is_by_its_use_at_this_moment() -> None:
    book = priced(quote(usd=1.0), quote(usd=2.0, seen_at=START + HOUR))
    mix = {Meter.INPUT: 500_000.0, Meter.OUTPUT: 250_000.0}
    assert book.effective_usd(CHEAP, mix, START) == Decimal("1.5")
    assert book.effective_usd(CHEAP, mix, START + HOUR) == 3
    book.restore([quote(MID, usd_per_mtok={Meter.INPUT: Decimal(1)})])
    assert book.effective_usd(MID, mix, START) is None, "what it answers has no price"


@pytest.mark.parametrize("name", ["never/heard", MID])
def test_without_a_price_nothing_has_a_cost(name: str) -> None:
    book = priced(quote(usd=1.0))
    book.absorb(Vanished(deployment=MID, feed="sheet", feed_model=MID, seen_at=START), START)
    assert book.prices(name, START) is None
    assert book.cost_usd(name, USED, START) is None
    assert book.effective_usd(name, {Meter.INPUT: 1.0}, START) is None
    assert book.quoted(name, START) == (None, None)
    assert not book.knows(name)
    assert book.knows(CHEAP)
    status = book.status(name, START)
    assert (status.quote, status.age_s, status.uncertainty) == (None, None, 1.0)
    assert status.reason == "no feed quotes a price"
    assert not status.is_stale


def test_a_price_ages_from_when_it_was_last_said_and_is_stale_after_a_day() -> None:
    book = priced(quote(usd=1.0))
    say(book, START + HOUR, 1.0)
    found, age_s = book.quoted(CHEAP, START + 3 * HOUR)
    assert found == book.in_force(CHEAP, START + 3 * HOUR)
    assert age_s == 2 * HOUR
    assert not book.is_stale(None)
    assert not book.is_stale(DAY)
    assert book.is_stale(DAY + 1.0)


def test_the_thresholds_are_those_the_book_was_made_with() -> None:
    strict = GuardRules(stale_s=60.0)
    book = priced(quote(usd=1.0), rules=strict)
    assert book.rules is strict
    assert book.is_stale(61.0)
    assert book.status(CHEAP, START + 61.0).is_stale
    assert PriceBook().rules == GuardRules()


def test_the_next_change_by_the_clock_is_the_earliest_of_any_that_is_asked_for() -> None:
    night = Window(start_minute=0, end_minute=60, usd_per_mtok={Meter.INPUT: Decimal("0.5")})
    book = priced(
        quote(usd=1.0, valid_until=START + 5 * HOUR),
        quote(MID, usd=1.0),
        quote(MID, usd=2.0, seen_at=START + 1.0, valid_from=START + 2 * HOUR),
        quote(FLAGSHIP, usd=1.0, windows=(night,)),
    )
    midnight = START + DAY - START % DAY
    assert book.next_change_at([CHEAP], START) == START + 5 * HOUR
    assert book.next_change_at([CHEAP, MID], START) == START + 2 * HOUR
    assert book.next_change_at([MID], START + 2 * HOUR) == math.inf
    assert book.next_change_at([FLAGSHIP, "never/heard"], START) == midnight
    assert book.next_change_at([], START) == math.inf
    book.redirect(MID, CHEAP, START)
    assert book.next_change_at([MID], START) == START + 5 * HOUR


def test_a_price_that_is_replaced_changes_nothing_by_the_clock_any_more() -> None:
    night = Window(start_minute=0, end_minute=60, usd_per_mtok={Meter.INPUT: Decimal("0.5")})
    book = priced(quote(usd=1.0, windows=(night,)), quote(usd=1.1, seen_at=START + 60.0))
    assert book.next_change_at([CHEAP], START + 60.0) == math.inf


def test_the_past_of_a_price_is_what_was_believed_between_two_moments() -> None:
    book = PriceBook()
    moments = [START, START + HOUR, START + 2 * HOUR]
    for i, at in enumerate(moments):
        say(book, at, 1.0 + 0.25 * i)
    found = book.history(CHEAP, START + HOUR, START + 2 * HOUR)
    assert [each.usd_per_mtok[Meter.INPUT] for each in found] == [Decimal("1.25")]
    assert [each.seen_at for each in book.history(CHEAP, START, START + DAY)] == moments
    assert book.history("never/heard", START, START + DAY) == []


def test_what_a_person_decides_is_told_and_counted_as_a_change() -> None:
    book = priced(quote(usd=1.0))
    assert say(book, START + 1.0, 0.01) == ["price.held"]
    (held,), version = book.held(), book.version
    assert held.quote.feed == "sheet"
    (shift,) = book.rule(book.held_quote(CHEAP, "sheet"), START + 60.0, is_believed=True)
    assert (shift.kind, shift.deployment, shift.at) == ("price.released", CHEAP, START + 60.0)
    assert shift.facts["feed"] == "sheet"
    assert book.changed_since(version, [CHEAP])
    assert usd(book, START + 60.0) == Decimal("0.01")


def test_what_a_person_rejects_stays_dropped_and_is_no_change() -> None:
    book = priced(quote(usd=1.0))
    say(book, START + 1.0, 0.01)
    version = book.version
    assert book.rule(book.held_quote(CHEAP, "sheet"), START + 2.0, is_believed=False) == []
    assert book.held() == []
    assert book.version == version
    for i in range(10):
        assert say(book, START + 60.0 * i + 3.0, 0.01) == []
    assert usd(book, START + DAY) == 1
    with pytest.raises(KeyError):
        book.rule(book.held_quote(CHEAP, "sheet"), START + DAY, is_believed=False)


def test_what_a_person_rejects_is_taken_back_where_one_more_poll_had_it_believed() -> None:
    one, two = (priced(quote(usd=1.0)) for _ in range(2))
    polls = DEFAULT_RULES.fall_polls
    for poll in range(1, polls + 1):
        for book in (one, two)[poll == polls :]:
            say(book, START + 60.0 * poll, 0.45)
    assert usd(two, START + 60.0 * polls) == Decimal("0.45")
    now = START + 60.0 * polls + 1.0
    rejected = one.held_quote(CHEAP, "sheet")
    for book in (one, two):
        version = book.version
        assert book.rule(rejected, now, is_believed=False) == []
        assert book.version == version + 1  # of the one a fall was awaited, no more is
    for poll in range(2 * polls):
        for book in (one, two):
            assert say(book, now + 60.0 * poll, 0.45) == []
            assert usd(book, now + 60.0 * poll) == 1
            assert book.held() == []


def test_what_is_believed_is_taken_back_by_a_person_and_stays_dropped_until_one_approves() -> None:
    book = priced(quote(usd=1.0))
    assert say(book, START + 1.0, 3.0) == ["price.shifted"]
    book.rule(book.said_by(CHEAP, "sheet"), START + 2.0, is_believed=False)
    for i in range(10):
        assert say(book, START + 60.0 * i + 3.0, 3.0) == []
        assert usd(book, START + 60.0 * i + 4.0) == 1
    book.rule(book.said_by(CHEAP, "sheet"), START + DAY, is_believed=True)
    assert usd(book, START + DAY) == 3
    say(book, START + DAY + 60.0, 3.0)
    assert usd(book, START + DAY + 60.0) == 3


def test_an_approval_is_taken_back() -> None:
    book = priced(quote(usd=1.0))
    say(book, START + 1.0, 0.01)
    book.rule(book.held_quote(CHEAP, "sheet"), START + 2.0, is_believed=True)
    assert usd(book, START + 2.0) == Decimal("0.01")
    book.rule(book.said_by(CHEAP, "sheet"), START + 3.0, is_believed=False)
    say(book, START + 60.0, 0.01)
    assert usd(book, START + 61.0) == 1


def test_what_is_no_number_stays_dropped_whoever_has_read_it() -> None:
    one, two = (priced(quote(usd=1.0)) for _ in range(2))
    for book in (one, two):
        say(book, START + 1.0, math.nan)
    rejected = quote_of_state(quote_state(one.held_quote(CHEAP, "sheet")))
    for book in (one, two):
        book.rule(rejected, START + 2.0, is_believed=False)
        assert book.held() == []
        assert say(book, START + 60.0, math.nan) == []
        assert book.held() == []


def test_whoever_approves_what_is_no_price_is_told_why_not() -> None:
    book = priced(quote(usd=1.0))
    say(book, START + 1.0, -1.0)
    with pytest.raises(ValueError, match=r"^what sheet says of acme/small is no price"):
        book.rule(book.held_quote(CHEAP, "sheet"), START + 2.0, is_believed=True)


def bill(book: PriceBook, amount: str, at: float = START, now: float | None = None) -> list[str]:
    found = book.confirm_bill(CHEAP, USED, Decimal(amount), at, at if now is None else now)
    return [shift.kind for shift in found]


@pytest.mark.parametrize(("amount", "is_near"), [("3.06", True), ("2.94", True), ("3.07", False)])
def test_a_bill_within_two_hundredths_confirms_the_price_in_force(amount, is_near) -> None:
    book = priced(quote(usd=1.0))
    assert bill(book, amount, START + HOUR) == []
    assert book.quoted(CHEAP, START + 2 * HOUR)[1] == (HOUR if is_near else 2 * HOUR)


@pytest.mark.parametrize("amount", ["0", "-3"])
def test_what_is_no_amount_confirms_nothing(amount: str) -> None:
    book = priced(quote(usd=1.0))
    assert bill(book, amount, START + HOUR) == []
    assert book.quoted(CHEAP, START + HOUR)[1] == HOUR


def test_a_bill_speaks_for_what_is_held_once_it_is_due_and_while_it_holds() -> None:
    for facts, is_released in (
        ({}, True),
        ({"valid_from": START + 30.0}, True),
        ({"valid_from": START + 60.0}, True),
        ({"valid_from": START + 61.0}, False),
        ({"valid_until": START + 61.0}, True),
        ({"valid_until": START + 60.0}, False),
    ):
        book = priced(quote(usd=1.0))
        assert say(book, START + 1.0, 0.1, **facts)[:1] == ["price.held"], facts
        version = book.version
        kinds = bill(book, "0.3", START + 60.0)
        assert bool(kinds) is is_released, facts
        assert book.changed_since(version, [CHEAP]) is is_released


def test_a_bill_of_another_model_or_an_unknown_one_speaks_for_nothing() -> None:
    book = priced(quote(usd=1.0), quote(MID, usd=2.0))
    assert book.confirm_bill("never/heard", USED, Decimal(3), START, START) == []
    book.redirect(CHEAP, MID, START)
    assert bill(book, "3", START + HOUR) == []
    book.redirect(CHEAP, CHEAP, START + HOUR)
    assert book.quoted(CHEAP, START + 2 * HOUR)[1] == 2 * HOUR


def test_a_bill_is_held_against_the_price_of_when_the_call_began() -> None:
    book = priced(quote(usd=1.0), quote(usd=2.0, seen_at=START + HOUR))
    assert bill(book, "3", START + HOUR - 1.0, now=START + 2 * HOUR) == []
    assert book.quoted(CHEAP, START + 2 * HOUR)[1] == 0.0


def test_a_free_price_is_confirmed_by_no_bill() -> None:
    book = priced(quote(usd=0.0, zero_reason="promo"))
    assert bill(book, "0.001", START + HOUR) == []
    assert book.quoted(CHEAP, START + HOUR)[1] == HOUR


def test_a_redirect_tells_both_prices_and_moves_every_table() -> None:
    book = priced(quote(usd=1.0), quote(MID, usd=2.0))
    version = book.version
    (shift,) = book.redirect(CHEAP, MID, START)
    assert (shift.deployment, shift.at) == (CHEAP, START)
    prices = {name: quote(usd=each).usd_per_mtok for name, each in (("one", 1.0), ("two", 2.0))}
    assert shift.facts == {
        "served": MID,
        "usd_per_mtok": prices["two"],
        "before": prices["one"],
    }
    assert book.changed_since(version, ["any/other"])
    (shift,) = book.redirect(CHEAP, "never/heard", START)
    assert (shift.facts["usd_per_mtok"], shift.facts["before"]) == (None, prices["two"])
    (shift,) = book.redirect(CHEAP, CHEAP, START)
    assert (shift.facts["usd_per_mtok"], shift.facts["before"]) == (prices["one"], None)
    assert book.redirect(CHEAP, CHEAP, START) == []


def test_what_is_forgotten_has_no_price_and_its_tables_are_made_anew() -> None:
    book = priced(quote(usd=1.0), quote(MID, usd=2.0))
    version = book.version
    book.forget(CHEAP)
    assert book.prices(CHEAP, START) is None
    assert usd(book, START, MID) == 2
    assert book.changed_since(version, [CHEAP])
    assert not book.changed_since(version, [MID])
    book.forget("never/heard")


def test_what_a_store_kept_is_taken_over_in_the_order_of_time_and_as_it_was_held() -> None:
    old, new = quote(usd=1.0), quote(usd=2.0, seen_at=START + HOUR)
    waiting = Held(quote=quote(usd=0.1, feed="list"), reason="falls", since=START)
    book = PriceBook()
    version = book.version
    book.restore([new, old], [waiting])
    assert book.changed_since(version, ["any/other"])
    assert book.history(CHEAP, 0.0, math.inf) == [old, new]
    assert (usd(book, START), usd(book, START + HOUR)) == (1, 2)
    assert book.quoted(CHEAP, START + 2 * HOUR)[1] == HOUR
    assert book.held() == [waiting]
    assert say(book, START + 30.0, 1.0, feed="list", trust=0.95) == []
    assert usd(book, START + HOUR) == 2, "later ticks count from what was kept"


def test_a_restart_keeps_prices_redirects_and_rules_and_moves_every_table() -> None:
    book = priced(quote(usd=1.0), quote(MID, usd=2.0))
    book.redirect(CHEAP, MID, START)
    state = json.loads(json.dumps(book.to_state()))
    assert list(state) == ["pages", "redirects"]
    again = priced(quote(FLAGSHIP, usd=9.0), rules=GuardRules(stale_s=60.0))
    version = again.version
    again.from_state(state)
    assert again.changed_since(version, ["any/other"])
    assert usd(again, START) == 2
    assert usd(again, START, FLAGSHIP) is None, "in place of what was known"
    assert again.to_state() == book.to_state()
    assert again.status(CHEAP, START + 61.0).is_stale, "by the rules of today"


def test_of_a_new_book_nothing_has_changed() -> None:
    book = PriceBook()
    assert book.version == 0
    assert not book.changed_since(0, [CHEAP])
    say(book, START, 1.0)
    assert book.changed_since(0, [CHEAP])
    assert not book.changed_since(0, [MID])
    assert not book.changed_since(book.version, [CHEAP])


def test_a_late_statement_is_a_change_if_it_moves_the_price() -> None:
    book = PriceBook()
    say(book, START, 1.0)
    say(book, START + HOUR, 1.1)
    version = book.version
    late = quote(usd=1.0, seen_at=START + 60.0)
    book.absorb(late, START + HOUR)
    assert not book.changed_since(version, [CHEAP])
    trusted = replace(late, usd_per_mtok=quote(usd=4.0).usd_per_mtok, feed="list", trust=0.95)
    book.absorb(trusted, START + HOUR)
    moved = usd(book, START + HOUR) != Decimal("1.1")
    assert book.changed_since(version, [CHEAP]) is moved is True
    assert not book.changed_since(version, [MID])


def test_the_same_moment_again_is_no_clock_set_back() -> None:
    book = PriceBook()
    say(book, START, 1.0)
    version = book.version
    book.absorb(quote(usd=1.0, seen_at=START - HOUR), START)
    assert not book.changed_since(version, ["any/other"])
    book.absorb(quote(usd=1.0, seen_at=START - HOUR), START - 1.0)
    assert book.changed_since(version, ["any/other"])
