"""The parts of the rule: what caches are worth, how conversations go on, what is remembered."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, router
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.catalog import CacheTraits
from windsock.core.model.decisions import CascadeFacts, WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage
from windsock.core.routing.conversations.cache_hits import HALF_LIFE_S, CacheHits
from windsock.core.routing.conversations.costs import (
    KnownRates,
    Outlook,
    PromptCache,
    Turn,
    outlook,
    rates_of,
    use_of,
)
from windsock.core.routing.conversations.habits import MAX_TURNS, OVER_S, Habits, RouteHabits
from windsock.core.routing.conversations.law import (
    Choice,
    conversation_weights,
    stay_share,
)
from windsock.core.routing.conversations.memory import (
    FORGET_S,
    MAX_CONVERSATIONS,
    MAX_KEPT,
    MAX_SEATS,
    Conversation,
    ConversationMemory,
    Seat,
)
from windsock.core.routing.conversations.outlooks import USE_S, KnownUses
from windsock.core.routing.conversations.tables import cascades_of

KEY = (CHEAP, False)
TRAITS = CacheTraits()
PRICES = {
    Meter.INPUT: Decimal(1),
    Meter.CACHE_READ: Decimal("0.1"),
    Meter.CACHE_WRITE: Decimal("1.25"),
    Meter.CACHE_WRITE_1H: Decimal(2),
    Meter.OUTPUT: Decimal(4),
}
MIX = {Meter.INPUT: 10_000.0, Meter.OUTPUT: 100.0, Meter.REQUEST: 1.0}
CACHE = PromptCache(
    min_tokens=1024, ttl_s=300.0, held_tokens=0, hit_rate=1.0, write_share=0.0, within=1.0
)
TURN = Turn(prompt_tokens=10_000, growth_tokens=0, turns_left=0.0)


def seen(cache: PromptCache = CACHE, turn: Turn = TURN, prices=PRICES) -> Outlook:
    rates = rates_of(prices)
    found = outlook(CHEAP, turn, use_of(MIX, rates), rates, cache)
    assert found is not None
    return found


def test_a_turn_costs_what_its_tokens_do_held_or_not() -> None:
    assert seen().turn_usd == pytest.approx(0.01 + 0.0004)
    assert seen(replace(CACHE, held_tokens=8000)).turn_usd == pytest.approx(0.002 + 0.0008 + 0.0004)
    half = replace(CACHE, held_tokens=8000, hit_rate=0.5)
    assert seen(half).turn_usd == pytest.approx(0.006 + 0.0004 + 0.0004)
    assert seen(replace(CACHE, held_tokens=99_000)).turn_usd == pytest.approx(0.001 + 0.0004)


def test_what_is_written_costs_its_premium_as_often_as_it_is_written() -> None:
    assert seen(replace(CACHE, write_share=1.0)).turn_usd == pytest.approx(0.0125 + 0.0004)
    assert seen(replace(CACHE, write_share=0.5)).turn_usd == pytest.approx(0.01125 + 0.0004)
    hour = replace(CACHE, write_share=1.0, ttl_s=3600.0)
    assert seen(hour).turn_usd == pytest.approx(0.02 + 0.0004)
    short = {meter: usd for meter, usd in PRICES.items() if meter is not Meter.CACHE_WRITE_1H}
    assert seen(hour, prices=short).turn_usd == pytest.approx(0.0125 + 0.0004)


def test_later_turns_find_this_prompt_if_they_come_in_time() -> None:
    turn = replace(TURN, growth_tokens=1000, turns_left=3.0)
    found = seen(turn=turn)
    assert found.next_usd == pytest.approx(0.001 + 0.001 + 0.0004)
    assert found.total_usd == pytest.approx(found.turn_usd + 3 * found.next_usd)
    assert found.saved_usd == pytest.approx(3 * 0.009)
    late = seen(replace(CACHE, within=0.0), turn)
    assert late.next_usd == pytest.approx(0.011 + 0.0004) and late.saved_usd == pytest.approx(0.0)


def test_prompts_below_the_least_are_not_held() -> None:
    cache = replace(CACHE, min_tokens=20_000, held_tokens=9000)
    found = seen(cache, replace(TURN, turns_left=5.0))
    assert found.held_tokens == 0 and found.saved_usd == pytest.approx(0.0)


@pytest.mark.parametrize(
    "left_out", [Meter.INPUT, Meter.OUTPUT], ids=["no price of input", "no price of output"]
)
def test_without_a_price_nothing_is_known(left_out) -> None:
    prices = {meter: usd for meter, usd in PRICES.items() if meter is not left_out}
    rates = rates_of(prices)
    assert outlook(CHEAP, TURN, use_of(MIX, rates), rates, CACHE) is None


def test_without_a_price_of_a_cached_read_nothing_is_saved_and_one_of_0_saves_all() -> None:
    cache = replace(CACHE, held_tokens=8000, write_share=0.5)
    plain = {Meter.INPUT: Decimal(1), Meter.OUTPUT: Decimal(4)}
    assert seen(cache, prices=plain).turn_usd == pytest.approx(0.01 + 0.0004)
    assert seen(cache, prices=plain).saved_usd == 0.0
    free = seen(cache, prices={**plain, Meter.CACHE_READ: Decimal(0)})
    assert free.turn_usd == pytest.approx(0.002 + 0.0004)


def test_rates_are_those_of_the_list_in_force_and_made_once_for_equal_ones() -> None:
    known = KnownRates()
    first = known.of(CHEAP, PRICES)
    assert first == rates_of(PRICES)
    assert first[Meter.REASONING] == first[Meter.OUTPUT] == pytest.approx(4e-6)
    assert known.of(CHEAP, dict(PRICES)) is first
    dearer = {**PRICES, Meter.INPUT: Decimal(3)}
    assert known.of(CHEAP, dearer) == rates_of(dearer)
    assert known.of("another", PRICES) == first == known.of(CHEAP, PRICES)


def test_what_a_request_takes_is_told_by_the_token_of_its_prompt_whatever_its_length() -> None:
    rates = rates_of(PRICES)
    half_read = {Meter.INPUT: 500.0, Meter.CACHE_READ: 500.0, Meter.OUTPUT: 100.0}
    use = use_of(half_read, rates)
    assert use is not None and use.token_usd == pytest.approx(0.55e-6)
    assert use.rest_usd == pytest.approx(0.0004)
    free = use_of({Meter.REQUEST: 1.0}, rates)
    assert free is not None and free.token_usd == rates[Meter.INPUT] and not free.rest_usd
    found = outlook(CHEAP, replace(TURN, prompt_tokens=2000), use, rates, CACHE)
    assert found is not None and found.plain_usd == pytest.approx(0.0011 + 0.0004)


def test_use_is_reckoned_anew_soon_after_more_is_counted_and_at_once_when_prices_move() -> None:
    beliefs, cell, rates = Beliefs(), Cell("default", "auto", "default"), rates_of(PRICES)
    uses = KnownUses(beliefs)
    assert uses.of(cell, {CHEAP: rates}, START)[CHEAP] is not None
    beliefs.observe_usage(cell, CHEAP, Usage(input_tokens=100, output_tokens=1000), START)
    first = uses.of(cell, {CHEAP: rates}, START)[CHEAP]
    assert first is not None and first.rest_usd == pytest.approx(0.004), "the first count, at once"
    beliefs.observe_usage(cell, CHEAP, Usage(input_tokens=100, output_tokens=3000), START)
    assert uses.of(cell, {CHEAP: rates}, START + 0.9 * USE_S)[CHEAP] is first
    more = uses.of(cell, {CHEAP: rates}, START + 1.1 * USE_S)[CHEAP]
    assert more is not None and more.rest_usd == pytest.approx(0.008)
    assert uses.of(cell, {CHEAP: rates}, START + 9 * USE_S)[CHEAP] is more, "for nothing is new"
    dearer = rates_of({**PRICES, Meter.OUTPUT: Decimal(8)})
    moved = uses.of(cell, {CHEAP: dearer}, START + 1.1 * USE_S)[CHEAP]
    assert moved is not None and moved.rest_usd == pytest.approx(0.016)
    back = uses.of(cell, {CHEAP: rates}, START + 1.1 * USE_S)[CHEAP]
    assert back == more


def test_a_claim_is_believed_until_it_is_tried_and_found_out_within_a_few_turns() -> None:
    hits = CacheHits()
    assert hits.shares(KEY, TRAITS, START)[0] == 1.0
    for n in range(4):
        hits.observe(KEY, 1000, Usage(input_tokens=1200), START + n)
    assert hits.shares(KEY, TRAITS, START + 4)[0] == pytest.approx(0.2, abs=0.01)
    assert hits.shares((CHEAP, True), TRAITS, START + 4)[0] == 1.0
    later = START + 6 * HALF_LIFE_S
    assert hits.shares(KEY, TRAITS, later)[0] > 0.9, "after days it is worth another try"


def test_hits_are_counted_against_what_could_be_hit() -> None:
    hits = CacheHits()
    hits.observe(KEY, 0, Usage(input_tokens=5000), START)
    assert hits.shares(KEY, TRAITS, START)[0] == 1.0, "a first turn tells nothing"
    hits.observe(KEY, 5000, Usage(input_tokens=200, cache_read_tokens=800), START)
    assert hits.shares(KEY, TRAITS, START)[0] == pytest.approx((1 + 0.8) / 2)
    hits.observe(KEY, 100, Usage(input_tokens=0, cache_read_tokens=1000), START)
    assert hits.shares(KEY, TRAITS, START)[0] == pytest.approx((1 + 0.8 + 1) / 3)


def test_what_is_written_is_counted_against_what_was_not_read() -> None:
    hits = CacheHits()
    assert hits.shares(KEY, replace(TRAITS, write_share=0.5), START)[1] == 0.5
    usage = Usage(input_tokens=100, cache_read_tokens=9000, cache_write_tokens=300,
                  cache_write_1h_tokens=600)  # fmt: skip
    hits.observe(KEY, 9000, usage, START)
    assert hits.shares(KEY, TRAITS, START)[1] == pytest.approx(0.9 / 2)


def test_what_was_measured_survives() -> None:
    hits, again = CacheHits(), CacheHits()
    hits.observe(KEY, 1000, Usage(input_tokens=1200), START)
    again.from_state(hits.to_state())
    assert again.to_state() == hits.to_state()
    assert again.shares(KEY, TRAITS, START) == hits.shares(KEY, TRAITS, START)


ROUTE = ("default", "auto")


def went_on(habits: Habits, turns: int, at: float = START, gap_s: float = 60.0) -> Conversation:
    talk = Conversation(home=CHEAP)
    for n in range(turns):
        talk.turns, talk.at = n + 1, at + n * gap_s
        habits.observe(ROUTE, talk, gap_s if n else 0.0)
    return talk


def test_the_more_turns_there_were_the_more_are_still_to_come() -> None:
    known = Habits().of(ROUTE)
    left = [known.turns_left(n) for n in (1, 2, 5, 10)]
    assert left == sorted(left) and 8 < left[0] < 16
    assert known.turns_left(10 * MAX_TURNS) == known.turns_left(MAX_TURNS)


def test_how_long_conversations_are_is_learnt_when_they_have_fallen_silent() -> None:
    habits = Habits()
    for n in range(200):
        went_on(habits, 4, START + n * 1000.0)
    known = habits.of(ROUTE)
    assert [round(known.turns_left(n)) for n in (1, 2, 3, 4)] == [3, 2, 1, 0]
    assert Habits().of(ROUTE).turns_left(1) == habits.of(("default", "other")).turns_left(1)


def test_what_is_known_of_later_turns_stands_while_earlier_ones_are_counted() -> None:
    known, rng = RouteHabits(), Random(1)
    for _ in range(300):
        turns, asked = rng.randrange(1, MAX_TURNS + 3), rng.randrange(1, MAX_TURNS + 3)
        known.count(turns, rng.choice((0.0, 1.0)), rng.choice((0.0, 1.0, -1.0)))
        anew = RouteHabits(went_on=[*known.went_on], ended=[*known.ended])
        assert known.turns_left(asked) == anew.turns_left(asked)


def test_one_that_goes_on_after_a_long_silence_had_not_ended() -> None:
    habits = Habits()
    talk = went_on(habits, 3)
    went_on(habits, 1, START + 10 * OVER_S)
    assert talk.is_over and habits.of(ROUTE).ended[3] == 1.0
    talk.turns, talk.at = 4, START + 10 * OVER_S + 1
    habits.observe(ROUTE, talk, 9 * OVER_S)
    assert not talk.is_over and habits.of(ROUTE).ended[3] == 0.0


def test_how_likely_the_next_turn_comes_in_time_is_learnt_from_pauses() -> None:
    habits = Habits()
    usual = habits.of(ROUTE).within(300.0, None)
    assert 0.7 < usual < 0.95
    for n in range(50):
        went_on(habits, 10, START + n * 7000.0, gap_s=600.0)
    known = habits.of(ROUTE)
    assert known.within(300.0, None) < 0.15 and known.within(3600.0, None) > 0.9
    quick = Conversation(home=CHEAP, turns=10, gap_s=5.0)
    assert known.within(300.0, quick) > known.within(300.0, None)


def test_habits_survive() -> None:
    habits, again = Habits(), Habits()
    went_on(habits, 5)
    again.from_state(habits.to_state())
    assert again.to_state() == habits.to_state()
    assert again.of(ROUTE).turns_left(3) == habits.of(ROUTE).turns_left(3)


def test_only_the_last_conversations_are_remembered_and_fewer_in_a_snapshot() -> None:
    memory = ConversationMemory()
    for n in range(MAX_CONVERSATIONS + 5):
        memory.keep(("default", "auto", f"s{n}"), Conversation(home=CHEAP, at=START))
        memory.link("default", f"r{n}", f"s{n}")
    assert len(memory) == MAX_CONVERSATIONS
    assert memory.find(("default", "auto", "s4"), START) is None
    assert memory.session_of("default", "r4") is None
    assert memory.session_of("default", "r5") == "s5"
    assert memory.session_of("other", "r5") is None
    assert len(memory.to_state()) == MAX_KEPT


def test_a_conversation_ends_when_nobody_goes_on_and_nothing_is_held() -> None:
    memory = ConversationMemory()
    key = ("default", "auto", "s")
    memory.keep(key, Conversation(home=CHEAP, at=START, seats={CHEAP: Seat(5, START + 9e4, 9e4)}))
    assert memory.find(key, START + FORGET_S + 1) is not None
    assert memory.find(key, START + 1e5) is None


def test_only_so_many_caches_of_one_conversation_are_remembered() -> None:
    talk = Conversation(home=CHEAP)
    for n in range(MAX_SEATS + 2):
        talk.take_seat(f"p{n}/m", Seat(10, START + n, 300.0), START)
    assert set(talk.seats) == {f"p{n}/m" for n in range(2, MAX_SEATS + 2)}


def test_a_short_prompt_beside_a_long_one_takes_nothing_of_what_is_held() -> None:
    talk = Conversation(home=CHEAP)
    talk.take_seat(CHEAP, Seat(50_000, START + 300, 300.0), START)
    talk.take_seat(CHEAP, Seat(700, START + 500, 300.0), START + 200)
    assert talk.held(CHEAP, START + 299) == 50_000 and talk.held(CHEAP, START + 301) == 0
    talk.take_seat(CHEAP, Seat(700, START + 700, 300.0), START + 400)
    assert talk.held(CHEAP, START + 500) == 700
    talk.take_seat(CHEAP, Seat(650, START + 800, 300.0), START + 500)
    assert talk.held(CHEAP, START + 750) == 650


@pytest.mark.parametrize(("estimated", "expected"), [(1000, 1500), (2000, 3000), (0, 0)])
def test_a_prompt_is_taken_for_what_the_last_one_was_counted_as(estimated, expected) -> None:
    talk = Conversation(home=CHEAP, estimated_tokens=1000, counted_tokens=1500)
    assert talk.prompt_tokens(estimated) == expected
    assert Conversation(home=CHEAP).prompt_tokens(estimated) == estimated


@pytest.mark.parametrize(
    ("weight", "before", "share"),
    [(0.5, 0.5, 1.0), (0.9, 0.5, 1.0), (0.41, 0.5, 1.0), (0.25, 0.5, 0.5), (0.0, 0.5, 0.0),
     (0.01, 0.5, 0.0), (0.3, 0.0, 1.0)],
)  # fmt: skip
def test_a_home_is_left_as_often_as_it_has_lost_weight(weight, before, share) -> None:
    assert stay_share(weight, before) == share


ORDER = (CHEAP, MID, FLAGSHIP)


def weighed(*weights: float, cascades=None, success=(0.9, 0.9, 0.9), value_usd=0.01) -> WeightTable:
    """A table over CHEAP, MID and FLAGSHIP with these weights."""
    table = router().table("default", "auto", "default", START)
    arms = tuple(
        replace(
            next(arm for arm in table.arms if arm.deployment == name),
            success_mean=mean, expected_usd=0.01, limits=(), weight=weight,
        )
        for name, mean, weight in zip(ORDER, success, weights, strict=True)
    )  # fmt: skip
    return replace(
        table, deployments=ORDER, weights=weights, arms=arms, cascades=cascades, value_usd=value_usd
    )


def choice(table: WeightTable, *usd: float, home: int | None = 0, **facts) -> Choice:
    """A conversation that costs so much at each for all its turns, at a home it was drawn to."""
    each = [
        replace(seen(), deployment=n, total_usd=t, plain_usd=0.01, saved_usd=0.5 * t)
        for n, t in zip(ORDER, usd, strict=True)
    ]
    weight = table.weights[home] if home is not None else 0.0
    defaults = {"home_weight": weight, "is_shared": False, "turns": 10.0, "is_judged": True}
    return Choice(
        table=table, outlooks=tuple(each), home=home, leans=(0.0,) * 3, **{**defaults, **facts}
    )


def test_it_stays_while_no_other_is_cheaper_and_moves_to_the_cheapest_as_good() -> None:
    table = weighed(0.2, 0.3, 0.5)
    assert conversation_weights(choice(table, 1.0, 1.0, 1.0)) == (1.0, 0.0, 0.0)
    assert conversation_weights(choice(table, 1.0, 0.985, 1.0)) == (1.0, 0.0, 0.0), "below 2 %"
    assert conversation_weights(choice(table, 1.0, 0.9, 0.8)) == (0.0, 0.0, 1.0)


def test_it_does_not_move_to_a_worse_one_however_cheap() -> None:
    table = weighed(0.2, 0.3, 0.5, success=(0.9, 0.8, 0.6))
    assert conversation_weights(choice(table, 1.0, 0.5, 0.1)) == (1.0, 0.0, 0.0)
    unjudged = choice(table, 1.0, 0.5, 0.9, is_judged=False)
    assert conversation_weights(unjudged) == (0.0, 1.0, 0.0), "answers alone judge nobody"
    published = replace(unjudged, leans=(0.1, 0.0, 0.1))
    assert conversation_weights(published) == (0.0, 0.0, 1.0)


def test_a_home_that_the_policy_wants_no_more_is_left_for_those_worth_the_move() -> None:
    table = weighed(0.1, 0.3, 0.6, success=(0.5, 0.9, 0.95))
    found = conversation_weights(choice(table, 1.0, 1.01, 1.3, home_weight=0.8))
    assert found == pytest.approx((0.125 - 0.125, 1.0, 0.0)) or sum(found) == pytest.approx(1.0)
    assert found[0] <= 0.125
    same = conversation_weights(choice(table, 1.0, 1.01, 1.3, home_weight=0.1))
    assert same[0] == 1.0 or same[1] == 1.0


@pytest.mark.parametrize("limit", ["young", "provisional price", "quality in doubt"])
def test_nobody_moves_to_one_whose_weight_is_held_down(limit) -> None:
    table = weighed(0.2, 0.3, 0.5)
    arms = (table.arms[0], replace(table.arms[1], limits=(limit,)), table.arms[2])
    held = replace(table, arms=arms)
    assert conversation_weights(choice(held, 1.0, 0.1, 1.0)) == (1.0, 0.0, 0.0)
    floor = replace(table, arms=(arms[0], replace(arms[1], limits=("floor",)), arms[2]))
    assert conversation_weights(choice(floor, 1.0, 0.1, 1.0)) == (0.0, 1.0, 0.0)


def test_at_its_beginning_equals_give_way_to_the_cheapest_but_for_trials() -> None:
    table = weighed(0.4, 0.4, 0.2)
    found = conversation_weights(choice(table, 1.0, 1.1, 2.0, home=None))
    assert sum(found) == pytest.approx(1.0)
    assert 0.0 < found[1] <= 0.1 and 0.0 < found[2] <= 0.01
    assert found[1] * 0.1 + found[2] * 1.0 <= 0.02, "what trials cost"
    better = weighed(0.4, 0.4, 0.2, success=(0.8, 0.9, 0.95))
    assert conversation_weights(choice(better, 1.0, 1.1, 2.0, home=None)) == better.weights
    worse = weighed(0.4, 0.4, 0.2, success=(0.95, 0.9, 0.8))
    assert conversation_weights(choice(worse, 1.0, 1.1, 2.0, home=None)) == worse.weights
    unjudged = choice(worse, 1.0, 1.1, 2.0, home=None, is_judged=False)
    assert conversation_weights(unjudged)[0] > 0.85, "nobody would judge what is tried"


def test_where_caches_save_nothing_the_policy_begins_as_ever() -> None:
    it = choice(weighed(0.4, 0.4, 0.2), 1.0, 1.1, 2.0, home=None)
    plain = tuple(replace(each, saved_usd=0.0) for each in it.outlooks if each)
    assert conversation_weights(replace(it, outlooks=plain)) == it.table.weights


def test_unrelated_prompts_of_one_key_are_tried_elsewhere_as_far_as_that_costs_little() -> None:
    table = weighed(0.4, 0.4, 0.2)
    found = conversation_weights(choice(table, 1.0, 1.5, 5.0, is_shared=True))
    assert found[0] > 0.9 and found[1] > 0.0 and found[2] > 0.0
    assert sum(found) == pytest.approx(1.0)


def test_where_no_value_is_put_on_success_better_ones_alone_are_worth_more_money() -> None:
    table = weighed(0.1, 0.3, 0.6, success=(0.5, 0.5, 0.9), value_usd=None)
    found = conversation_weights(choice(table, 1.0, 1.5, 9.0, home_weight=0.8))
    assert found[1] == 0.0 and found[2] > 0.8


def test_costs_that_are_not_known_move_nobody() -> None:
    it = choice(weighed(0.2, 0.3, 0.5), 1.0, 0.1, 0.1)
    for unknown in ((None, *it.outlooks[1:]), (it.outlooks[0], None, None)):
        assert conversation_weights(replace(it, outlooks=unknown)) == (1.0, 0.0, 0.0)


def facts_of(to: str, weight: float, name: str = CHEAP) -> CascadeFacts:
    return CascadeFacts(
        deployment=name, to=to, weight=weight, success_mean=0.9, expected_usd=0.01, escalated=0.2,
        unsure=0.0, wrong_found=0.5, right_passed=0.9, judged=100.0, gain=0.05,
    )  # fmt: skip


def test_a_cascade_keeps_its_part_of_its_deployments_weight() -> None:
    cascades = (facts_of(MID, 0.2), facts_of(FLAGSHIP, 0.1), facts_of(FLAGSHIP, 0.3, MID))
    moved = cascades_of(weighed(0.4, 0.6, 0.0, cascades=cascades), (1.0, 0.0, 0.0))
    assert moved is not None
    assert [each.weight for each in moved] == pytest.approx([0.5, 0.25, 0.0])
    (still,) = (
        cascades_of(weighed(0.0, 1.0, 0.0, cascades=(facts_of(MID, 0.0),)), (0.5, 0.5, 0)) or ()
    )
    assert still.weight == 0.0
    assert cascades_of(weighed(1.0, 0.0, 0.0), (1.0, 0.0, 0.0)) is None
