"""A price that one list alone states is taken for what comparable models make plausible."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import START, quote, router
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.peers.model_keys import family_key, model_key
from windsock.core.pricing.peers.relevance import Relevance

DAY = 86400.0
NAME = "bolt/acme-large-4.5"


def says(name: str, usd_in: str, usd_out: str, at: float = START, **facts: object) -> Quote:
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    return quote(name, usd_per_mtok=prices, seen_at=at, **{"feed": "b", "trust": 0.7, **facts})


def book_of(*quotes: Quote) -> PriceBook:
    book = PriceBook()
    for each in quotes:
        book.absorb(each, each.seen_at)
    return book


def taken(book: PriceBook, name: str = NAME, at: float | None = None) -> float:
    """Blended dollars per million that a policy takes the price for."""
    quoted = book.in_force(name, START + 1000 * DAY)
    assert quoted is not None
    given, got = (float(quoted.usd_per_mtok[m]) for m in (Meter.INPUT, Meter.OUTPUT))
    return (3 * given + got) / 4 * (1 + book.standing(name, at).dearer_by)


def test_one_model_has_one_key_at_every_seller() -> None:
    sold_as = (
        "anthropic/claude-3-5-sonnet-20241022",
        "google-vertex/claude-3-5-sonnet@20241022",
        "bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "openrouter/anthropic/claude-3.5-sonnet",
        "agents/Claude-3.5-Sonnet",
        "helicone/claude-3.5-sonnet",
        "databricks/databricks-claude-3-5-sonnet",
        "digitalocean/anthropic-claude-3.5-sonnet",
        "vercel/anthropic/claude-sonnet-3.5",
        "bedrock/au.anthropic.claude-3-5-sonnet-v1",
    )
    assert len({model_key(name) for name in sold_as}) == 1
    assert model_key("fireworks/accounts/fireworks/models/glm-5p1") == model_key("zai/GLM-5.1-FP8")
    assert model_key("chutes/Kimi-K2.6-TEE") == model_key("moonshotai/kimi-k2.6")


@pytest.mark.parametrize(
    "one, other",
    [
        ("openai/gpt-5", "openai/gpt-5-mini"),
        ("a/llama-3.1-8b-instruct", "a/llama-3.1-70b-instruct"),
        ("x/glm-4.6", "x/glm-4.5"),
        ("x/claude-opus-4-5", "x/claude-opus-5-4"),
        ("x/deepseek-v1", "x/deepseek-v3"),
        ("openai/o4-mini", "openai/gpt-4o-mini"),
    ],
)
def test_another_model_has_another_key(one: str, other: str) -> None:
    assert model_key(one) != model_key(other)


@pytest.mark.parametrize("name", ["acme/m", "acme/deepseek-r1:free", "acme/glm-5:thinking", ""])
def test_variants_and_names_of_one_word_are_like_nothing(name: str) -> None:
    assert model_key(name) is None
    assert family_key(name) is None


def test_a_family_is_its_versions_and_neither_its_sizes_nor_its_lines() -> None:
    assert family_key("z/glm-4.6") == family_key("z/glm-5")
    assert family_key("o/gpt-5-mini") == family_key("o/gpt-4.1-mini") != family_key("o/gpt-5")
    assert family_key("q/Qwen3-30B-A3B-Instruct-2507") == family_key("q/qwen3-30b-a3b")
    assert family_key("m/llama-3.1-8b") != family_key("m/llama-3.1-70b")


KINDS = {
    "ten times": ("30", "150"),
    "a tenth": ("0.3", "1.5"),
    "in yuan": ("21", "105"),
    "output twice": ("3", "30"),
    "input at a quarter, as cached input": ("0.75", "15"),
    "both as output": ("15", "15"),
    "both as input": ("3", "3"),
    "at half, as a batch": ("1.5", "7.5"),
    "another model's": ("0.15", "0.6"),
    "per thousand for per million": ("0.003", "0.015"),
}

HELD = {
    "output ten times": ("3", "150"),
    "input at a tenth, as cached input": ("0.3", "15"),
    "input and output swapped": ("15", "3"),
    "free": ("0", "0"),
    "per token for per million": ("0.000003", "0.000015"),
}


@pytest.mark.parametrize("kind", HELD)
def test_what_can_hardly_be_a_price_is_held_before_it_is_measured(kind: str) -> None:
    book = book_of(says("s1/acme-large-4-5", "3", "15", feed="x"), says(NAME, *HELD[kind]))
    assert book.in_force(NAME, START) is None
    assert len(book.held()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_one_list_is_taken_for_what_the_model_costs_elsewhere(kind: str) -> None:
    elsewhere = [says(f"s{i}/acme-large-4-5", "3", "15", feed="x") for i in range(3)]
    book = book_of(*elsewhere, says(NAME, *KINDS[kind]))
    assert taken(book) == pytest.approx(6)
    given, got = (float(each) for each in KINDS[kind])
    assert book.standing(NAME).is_bounded == (given < 1.5 or got < 7.5)
    assert book.standing(NAME).measured_by == "the same model elsewhere"
    assert book.status(NAME, START).is_provisional


@pytest.mark.parametrize("facts", [{}, {"is_indirect": True, "feed_model": "s/acme-large-4-5"}])
def test_what_a_list_does_not_say_any_more_measures_nothing_after_a_week(facts) -> None:
    name = NAME if facts else "s0/acme-large-4-5"
    book = book_of(says(name, "3", "15", feed="x", **facts), says(NAME, "1", "5"))
    for day in range(1, 10):
        at = START + day * DAY
        book.absorb(says(name, "NaN", "15", at, feed="x", **facts), at)
        book.absorb(says(NAME, "1", "5", at + 1), at + 1)
        assert bool(book.standing(NAME).measured_by) == (day < 7)


@pytest.mark.parametrize("name", ["s0/acme-large-4-5", "bolt/acme-large-4"])
def test_a_list_that_is_read_no_more_measures_nothing_at_once(name: str) -> None:
    book, alone = book_of(says(NAME, "1", "5")), book_of(says(NAME, "1", "5"))
    book.note(name, says(name, "3", "15", feed="x"))
    version = book.version
    assert book.standing(NAME).measured_by
    book.hear_lists({"b"})
    assert book.standing(NAME) == alone.standing(NAME)
    assert book.version > version
    book.note(name, says(name, "3", "15"))
    assert book.standing(NAME).measured_by
    book.forget(name)
    assert book.standing(NAME) == alone.standing(NAME)


@pytest.mark.parametrize("times", ["0.6", "1.7", "3", "4.5"])
def test_a_price_that_comes_back_is_as_sure_as_it_was(times: str) -> None:
    asks = [says(f"s{i}/acme-large-4-5", "3", "15", feed="x") for i in range(3)]
    book, moved = book_of(*asks, says(NAME, "2", "10")), Decimal(times)
    before = book.standing(NAME)
    book.absorb(says(NAME, str(2 * moved), str(10 * moved), START + 1), START + 1)
    assert book.standing(NAME) != before
    book.absorb(says(NAME, "2", "10", START + 2), START + 2)
    assert book.standing(NAME) == before
    assert before.is_provisional


def test_a_seller_may_be_the_cheapest_by_its_own_list_and_is_no_other_seller() -> None:
    asks = [says(f"s{i}/acme-large-4-5", "3", "15", feed="x") for i in range(3)]
    assert taken(book_of(*asks, says(NAME, "2", "10"))) == pytest.approx(6)
    assert taken(book_of(*asks, says(NAME, "2", "10", feed="bolt"))) == pytest.approx(4)
    dated = says("bolt/acme-large-4-5-20260101", "3", "15", feed="x")
    assert taken(book_of(*asks[:2], dated, says(NAME, "2", "10"))) == pytest.approx(4)


@pytest.mark.parametrize("kind", KINDS)
def test_without_it_elsewhere_an_error_is_brought_within_its_family(kind: str) -> None:
    kin = [
        says(f"bolt/acme-large-{v}", *usd) for v, usd in (("4", ("3", "15")), ("3", ("4", "16")))
    ]
    book = book_of(*kin, says(NAME, *KINDS[kind]))
    assert 2.0 <= taken(book) <= 25.0
    is_raised = taken(book) > (3 * float(KINDS[kind][0]) + float(KINDS[kind][1])) / 4
    assert book.standing(NAME).is_bounded == is_raised


def test_what_lies_within_its_family_is_taken_as_stated_and_draws_what_it_likes() -> None:
    book = book_of(says("bolt/acme-large-4", "3", "15"), says(NAME, "2", "10"))
    assert taken(book) == pytest.approx(4.0)
    assert book.standing(NAME).is_provisional
    assert not book.standing(NAME).is_bounded


def test_its_own_sellers_family_goes_before_everybodys() -> None:
    other = [says(f"s{i}/acme-large-4", "300", "600", feed="x") for i in range(5)]
    book = book_of(*other, says("bolt/acme-large-4", "3", "15"), says(NAME, "3", "15"))
    assert taken(book) == pytest.approx(6.0)


def sold_by_bolt(usd_in: str, usd_out: str) -> list[Quote]:
    """Five models of other lines, at one price."""
    words = ("one", "two", "red", "of", "x")
    return [says(f"bolt/line-{word}-2", usd_in, usd_out, feed="b") for word in words]


def test_a_meter_off_the_sellers_ratio_is_taken_at_its_dearer_reading() -> None:
    book = book_of(says(NAME, "2", "40"))
    assert taken(book) == pytest.approx((3 * 4 + 40) / 4)
    book = book_of(*sold_by_bolt("4", "8"), says(NAME, "2", "40"))
    assert taken(book) == pytest.approx((3 * 40 / 6 + 40) / 4)
    assert book.standing(NAME).is_bounded


def test_what_is_far_dearer_than_all_its_seller_sells_is_taken_for_three_times_its_dearest() -> (
    None
):
    """A slip of units hides in a first listing of a line that nobody else sells."""
    book = book_of(*sold_by_bolt("0.6", "2.2"), says(NAME, "22", "89"))
    assert taken(book) == pytest.approx(3 * (3 * 0.6 + 2.2) / 4)
    assert book.standing(NAME).measured_by == "the dearest model of its seller"
    assert book.standing(NAME).is_bounded
    dear = book_of(*sold_by_bolt("0.6", "2.2"), says(NAME, "1.8", "6.6"))
    assert taken(dear) == pytest.approx(3 * (3 * 0.6 + 2.2) / 4)
    assert dear.standing(NAME).is_bounded


def test_a_price_like_no_other_is_bounded_unless_its_list_says_that_it_is_old() -> None:
    assert book_of(says(NAME, "3", "15")).standing(NAME).is_bounded
    old = says(NAME, "3", "15", quoted_at=START - 61 * DAY)
    assert not book_of(old).standing(NAME).is_bounded
    dear = [*sold_by_bolt("0.1", "0.4"), says(NAME, "15", "75")]
    assert book_of(*dear).standing(NAME).is_bounded


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_in_which_others_are_priced_changes_nothing(order: tuple[int, ...]) -> None:
    told = [
        says("s1/acme-large-4.5", "3", "15", feed="x"),
        says("s2/acme-large-4.5", "4", "16", feed="y", trust=0.9),
        says("bolt/acme-large-4", "1", "5"),
        says(NAME, "30", "150"),
    ]
    assert taken(book_of(*(told[i] for i in order))) == pytest.approx((3 * 8 + 32) / 4)


def test_others_that_are_held_measure_nothing() -> None:
    good = says("s1/acme-large-4.5", "3", "15", feed="x")
    slip = says("s1/acme-large-4.5", "0.3", "1.5", START + 60, feed="x")
    book = book_of(good, slip, says(NAME, "3", "15", START + 60))
    assert taken(book) == pytest.approx(6.0)


def test_a_new_price_elsewhere_counts_as_a_change() -> None:
    book = book_of(says(NAME, "30", "150"))
    version = book.version
    book.absorb(says("s1/acme-large-4.5", "3", "15", START + 1, feed="x"), START + 1)
    assert book.changed_since(version, [NAME])
    assert not book.changed_since(version, ["core/large"])
    version = book.version
    book.absorb(says("s1/acme-large-4.5", "3", "15", START + 2, feed="x"), START + 2)
    assert not book.changed_since(version, [NAME])


def test_a_second_list_or_a_bill_ends_it_and_half_a_year_does() -> None:
    far = says("s1/acme-large-4.5", "3", "15", feed="x")
    alone = says(NAME, "30", "150")
    assert taken(book_of(far, alone, says(NAME, "30", "150", feed="c"))) == pytest.approx(60.0)
    book = book_of(far, alone)
    book.confirm_bill(NAME, Usage(input_tokens=1000), Decimal("0.03"), START + 1, START + 1)
    assert taken(book) == pytest.approx(60.0)
    book = book_of(far, alone)
    for day in range(1, 182):
        at = START + DAY * day
        for each in (far, alone):
            book.absorb(replace(each, seen_at=at), at)
        assert taken(book) == pytest.approx(12.0 if day < 180 else 60.0)


@pytest.mark.parametrize("is_family", [False, True])
def test_of_two_lists_that_differ_the_dear_one_is_measured_though_it_is_trusted_more(
    is_family: bool,
) -> None:
    name = "bolt/acme-large-4" if is_family else "s1/acme-large-4-5"
    asks = says(name, "3", "15", feed="x")
    book = book_of(asks, says(NAME, "30", "150"), says(NAME, "3", "15", feed="c", trust=0.6))
    assert taken(book) == pytest.approx(18.0 if is_family else 12.0)
    assert book.standing(NAME).measured_by
    for day in range(1, 100):  # time alone makes it no surer
        for each in (asks, says(NAME, "30", "150"), says(NAME, "3", "15", feed="c", trust=0.6)):
            book.absorb(replace(each, seen_at=START + DAY * day), START + DAY * day)
    assert taken(book) == pytest.approx(18.0 if is_family else 12.0)


def test_of_two_lists_that_differ_the_cheap_one_is_measured_by_the_same_model_alone() -> None:
    said = (says(NAME, "0.3", "1.5"), says(NAME, "3", "15", feed="c", trust=0.6))
    elsewhere = says("s1/acme-large-4-5", "3", "15", feed="x")
    assert taken(book_of(elsewhere, *said)) == pytest.approx(3.0)
    kin = says("bolt/acme-large-4", "3", "15", feed="x")
    assert taken(book_of(kin, *said)) == pytest.approx(0.6)
    third = says(NAME, "0.3", "1.5", feed="d")
    assert taken(book_of(elsewhere, *said, third)) == pytest.approx(0.6), "two lists say so"


def test_where_lists_differ_and_none_says_less_the_dearest_is_taken_as_it_is() -> None:
    asks = says("s1/acme-large-4-5", "3", "15", feed="x")
    book = book_of(asks, says(NAME, "15", "75"), says(NAME, "20", "100", feed="c", trust=0.6))
    assert taken(book) >= 30.0


@pytest.mark.parametrize("name, usd", [(NAME, 9.0), ("bolt/acme-large-latest", 18.0)])
def test_a_rise_above_all_other_sellers_is_taken_for_the_dearest_unless_its_name_moves(
    name: str, usd: float
) -> None:
    model = name.partition("/")[2]
    asks = [says(f"s{i}/{model}", "3", "15", START + DAY, feed="x") for i in range(2)]
    asks.append(says(f"s9/{model}", "4.5", "22.5", START + DAY, feed="x"))
    book = PriceBook()
    book.restore([says(name, "3", "15", START - 90 * DAY)])
    for each in (*asks, says(name, "9", "45", START + DAY)):
        book.absorb(each, each.seen_at)
    assert taken(book, name) == pytest.approx(usd)


def test_a_cut_of_a_proven_price_is_followed_though_others_still_ask_more() -> None:
    far = says("s1/acme-large-4.5", "3", "15", feed="x")
    book = PriceBook()
    book.restore([says(NAME, "3", "15", START - 90 * DAY)])
    for each in (far, *(says(NAME, "1", "5", START + 300 * i) for i in range(3))):
        book.absorb(each, each.seen_at)
    assert taken(book) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "sellers, is_followed, usd", [(3, False, 6.0), (2, False, 1.2), (3, True, 1.2)]
)
def test_a_deep_fall_that_several_sellers_and_lists_belie_counts_as_half_until_one_follows(
    sellers: int, is_followed: bool, usd: float
) -> None:
    asks = [says(f"s{i}/acme-large-4.5", "3", "15", START, feed="x") for i in range(sellers)]
    book = PriceBook()
    book.restore([says(NAME, "3", "15", START - 90 * DAY, feed=feed) for feed in ("b", "c")])
    for each in asks:
        book.absorb(each, START)
    for at in range(1, 24):
        book.absorb(says(NAME, "0.6", "3", START + 300 * at), START + 300 * at)
        late = says(NAME, "0.6" if is_followed else "3", "3" if is_followed else "15", feed="c")
        book.absorb(replace(late, seen_at=START + 300 * at + 1), START + 300 * at + 1)
    assert taken(book, at=START + 7200) == pytest.approx(usd)
    assert book.standing(NAME, START + 7200).is_bounded == (usd > 1.2)


def test_beside_a_plausible_price_a_dearer_one_counts_as_far_as_it_is_plausible() -> None:
    asks = [says(f"s{i}/acme-large-4.5", "3", "15", feed="x") for i in range(3)]
    said = says(NAME, "3", "15"), says(NAME, "8", "40", feed="c", trust=0.6)
    assert taken(book_of(*asks, *said)) == pytest.approx(6.0)
    assert taken(book_of(asks[0], *said)) == pytest.approx(12.0)
    assert taken(book_of(*said)) == pytest.approx(16.0), "nothing measures it"


def test_a_deep_fall_of_a_single_list_counts_at_once_as_far_as_one_that_is_believed() -> None:
    book = PriceBook()
    book.restore([says(NAME, "3", "15", START - 100)])
    book.absorb(says(NAME, "1", "5", START), START)
    assert book.held()
    assert taken(book) == pytest.approx(3.0)
    book.absorb(says(NAME, "0.3", "1.5", START + 1), START + 1)
    assert taken(book) == pytest.approx(6.0), "a tenth is a slip of units and moves nothing"


def test_what_models_cost_that_nobody_uses_here_measures_too_until_it_is_old() -> None:
    book = book_of(says(NAME, "30", "150"))
    book.note("s1/acme-large-4.5", says("s1/acme-large-4.5", "3", "15", feed="x"))
    assert taken(book) == pytest.approx(12.0)
    for broken in (says("s2/acme-large-4.5", "-1", "-1"), says("s2/acme-large-4.5", "nan", "1")):
        book.note("s2/acme-large-4.5", broken)
    assert taken(book) == pytest.approx(12.0)
    later = START + 8 * DAY
    book.absorb(says(NAME, "30", "150", later), later)
    assert taken(book) == pytest.approx(60.0)


def test_what_it_is_measured_by_is_kept_over_a_restart() -> None:
    book = book_of(says("s1/acme-large-4.5", "3", "15", feed="x"), says(NAME, "30", "150"))
    again = PriceBook()
    again.from_state(json.loads(json.dumps(book.to_state())))
    assert again.standing(NAME) == book.standing(NAME)


def test_a_price_that_nothing_confirms_is_taken_for_dearer_day_by_day() -> None:
    book = book_of(says(NAME, "3", "15"), says(NAME, "3", "15", feed="c"))
    assert taken(book, at=START + DAY - 1) == pytest.approx(6.0)
    assert taken(book, at=START + 21 * DAY) == pytest.approx(6.0 * 1.042)
    assert book.next_aging_at([NAME], START) == START + DAY
    assert book.next_aging_at([NAME], START + DAY) == START + 2 * DAY
    own = book_of(says(NAME, "3", "15", feed="config", trust=1.0))
    assert taken(own, at=START + 100 * DAY) == pytest.approx(6.0)
    assert own.next_aging_at([NAME], START) == float("inf")


def test_relevance_keeps_what_may_measure_a_deployment_in_use() -> None:
    used = Relevance([NAME, "zai/glm-5"])
    kept = ("s1/acme-large-4.5", "bolt/other-9", "x/z-ai/glm-4.6")
    assert all(name in used for name in kept)
    assert "x/claude-sonnet-4" not in used
    assert "x/small" not in used


def shares(*bounded: str) -> dict[str, float]:
    """Weights of a route of four, of which these are stated by one list alone, at a tenth."""
    names = ["a/one-1", "b/two-1", "c/red-1", "d/far-1"]
    it = router(prices=dict.fromkeys(names, 1.0))
    it.book.from_state(PriceBook().to_state())
    for name in names:
        usd = ("0.1", "0.4") if name in bounded else ("1", "4")
        for feed in ("x",) if name in bounded else ("x", "y"):
            it.book.absorb(says(name, *usd, feed=feed), START)
    table = it.table("", "auto", "default", START)
    return dict(zip(table.deployments, table.weights, strict=True))


def test_one_list_alone_moves_little_and_where_most_are_such_an_equal_part() -> None:
    assert shares("a/one-1")["a/one-1"] <= 0.05 + 1e-9
    found = shares("a/one-1", "b/two-1", "c/red-1")
    assert all(found[name] <= 0.25 + 1e-9 for name in ("a/one-1", "b/two-1", "c/red-1"))
    assert found["d/far-1"] <= 0.3
