"""Conversations stay where their prompt is cached, as long as that is worth it, no longer."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, deployment, quote, request, router
from windsock.core.model.calls import CallKind
from windsock.core.model.catalog import CacheTraits
from windsock.core.model.requests import Preferences
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.baselines import RoundRobin
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.core.routing.what_if import what_if, what_if_it_goes_on
from windsock.errors import BadRequest

PREFIX = 50_000


def say(wind: Router, name: str, usd: float, cached: float | None, at: float = START) -> None:
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    if cached is not None:
        prices[Meter.CACHE_READ] = Decimal(str(cached))
    for feed in ("sheet", "list"):
        wind.absorb(quote(name, usd_per_mtok=prices, seen_at=at, feed=feed), at)


def fresh(
    usd: float = 1.0,
    cached: float | None = 0.1,
    *,
    other: tuple[float, float | None] | None = None,
    cache: CacheTraits | None = None,
    keeps_answers: bool = False,
    **facts,
) -> Router:
    """A router just installed, over CHEAP and MID: nobody has judged anything, a floor of .90."""
    traits = {"cache": cache or CacheTraits(), "keeps_answers": keeps_answers}
    places = [replace(deployment(n), **traits) for n in (CHEAP, MID)]
    aim = Objective(kind="cost_per_success", quality_floor=0.9)
    wind = router(prices={}, deployments=tuple(places), objective=aim, **facts)
    say(wind, CHEAP, usd, cached)
    say(wind, MID, *(other or (usd, cached)))
    return wind


class Talk:
    """A client that goes on with one conversation, at providers that cache for five minutes."""

    def __init__(self, wind: Router, session: str = "s", prefix: int = PREFIX, **asks) -> None:
        self.wind, self.asks, self.prompt = wind, {"session_id": session, **asks}, prefix
        self.held: dict[str, tuple[int, float]] = {}
        self.last = None

    def open(self, now: float):
        return self.wind.open(request(prompt_tokens=self.prompt, **self.asks), now)

    def turn(self, now: float, *, hits: bool = True) -> str:
        self.last = exchange = self.open(now)
        attempt = exchange.next_attempt(now)
        tokens, until = self.held.get(attempt.deployment, (0, 0.0))
        read = tokens if hits and now < until else 0
        usage = Usage(input_tokens=self.prompt - read, cache_read_tokens=read, output_tokens=200)
        exchange.report(answered(attempt, usage=usage), now)
        exchange.next_attempt(now)
        outcome = exchange.outcome(now)
        self.held[attempt.deployment] = self.prompt, now + 300.0
        self.prompt += 300
        assert outcome.served is not None
        return outcome.served

    def turns(self, count: int, now: float = START, gap_s: float = 60.0, **facts) -> list[str]:
        return [self.turn(now + gap_s * i, **facts) for i in range(count)]


def seat(exchange, name: str):
    return exchange.decision.conversation.seat(name)


def test_on_a_fresh_install_no_conversation_moves_without_a_reason() -> None:
    wind = fresh()
    homes = {tuple(Talk(wind, f"s{n}").turns(11)) for n in range(30)}
    assert all(len(set(asked)) == 1 for asked in homes)
    assert len(homes) == 2, "equals share the conversations"


def test_nor_does_a_short_one_or_one_whose_provider_states_no_price_of_a_cached_read() -> None:
    for wind, prefix in ((fresh(), 200), (fresh(cached=None), PREFIX)):
        for n in range(20):
            assert len(set(Talk(wind, f"s{n}", prefix).turns(11))) == 1


def test_nor_one_that_is_known_by_its_user_or_by_the_key_of_a_cache() -> None:
    wind = fresh()
    for n in range(20):
        assert len(set(Talk(wind, f"s{n}", is_session_shared=True).turns(11))) == 1


def test_requests_without_a_session_are_drawn_as_ever() -> None:
    wind = fresh()
    Talk(wind).turn(START)
    table = wind.open(request(prompt_tokens=PREFIX), START).table
    assert "stays" not in table.note and min(table.weights) > 0.4


def test_the_probability_of_staying_is_that_of_a_table_and_one_table_serves_all() -> None:
    wind = fresh()
    talk, other = Talk(wind, "a"), Talk(wind, "b")
    home = talk.turn(START)
    while other.turn(START) != home:
        other = Talk(wind, f"{id(other)}")
    exchanges = [talk.open(START + 0.1), other.open(START + 0.1), talk.open(START + 0.2)]
    assert {each.decision.propensity for each in exchanges} == {1.0}
    assert {each.decision.deployment for each in exchanges} == {home}
    assert len({each.decision.table_version for each in exchanges}) == 1
    assert all(each.table.version == each.decision.table_version for each in exchanges)
    assert "prompt cache" in exchanges[0].table.note


def test_a_price_that_rises_beyond_what_the_cache_saves_ends_a_stay_at_once() -> None:
    wind = fresh(other=(1.2, 0.12))
    talk = Talk(wind)
    assert set(talk.turns(5)) == {CHEAP}
    now = START + 300.0
    say(wind, CHEAP, 4.0, 0.4, now)
    moved = talk.open(now)
    assert moved.decision.deployment == MID and moved.decision.propensity == 1.0
    assert f"leaves {CHEAP} for {MID}" in moved.table.note
    say(wind, CHEAP, 1.0, 0.1, now + 1)
    back = talk.open(now + 1)
    assert back.decision.deployment == CHEAP, "a price that comes back finds it where it was"


def test_a_price_that_rises_by_less_than_the_cache_saves_does_not() -> None:
    wind = fresh(other=(1.2, 0.12))
    talk = Talk(wind)
    talk.turns(5)
    say(wind, CHEAP, 1.3, 0.13, START + 300.0)
    assert talk.turn(START + 300.0) == CHEAP


def test_small_questions_that_an_agent_asks_beside_its_work_change_nothing() -> None:
    wind = fresh()
    talk = Talk(wind)
    home = talk.turns(3)[0]
    aside = Talk(wind, prefix=3000)
    aside.held = {home: (0, 0.0)}
    assert aside.turn(START + 130.0) == home
    found = seat(talk.open(START + 180.0), home)
    assert found.held_tokens > PREFIX and found.hit_rate == 1.0


def test_what_is_cached_is_worth_nothing_once_it_is_dropped() -> None:
    wind = fresh(other=(1.1, 0.11))
    talk = Talk(wind)
    talk.turns(5)
    say(wind, CHEAP, 1.25, 0.125, START + 250.0)
    now = START + 241.0
    warm, cold = talk.open(now + 10), talk.open(START + 240.0 + 301.0)
    assert warm.decision.deployment == CHEAP
    assert seat(warm, CHEAP).held_tokens > 0 and seat(cold, CHEAP).held_tokens == 0
    assert cold.decision.deployment == MID


def test_a_cache_that_is_kept_for_an_hour_is_known_by_what_was_written() -> None:
    wind = fresh()
    talk = Talk(wind)
    exchange = talk.open(START)
    usage = Usage(input_tokens=100, cache_write_1h_tokens=PREFIX, output_tokens=10)
    exchange.report(answered(exchange.next_attempt(START), usage=usage), START)
    exchange.next_attempt(START)
    home = exchange.outcome(START).served
    for after_s, held in ((299.0, PREFIX + 100), (3599.0, PREFIX + 100), (3601.0, 0)):
        talk.prompt = PREFIX + 500
        found = seat(talk.open(START + after_s), home).held_tokens
        assert found == min(held, talk.open(START + after_s).decision.conversation.prompt_tokens)


def test_a_cache_that_claims_to_hold_and_never_hits_is_found_out() -> None:
    wind = fresh(0.9, 0.09, other=(1.0, 0.1))
    for n in range(3):
        Talk(wind, f"s{n}").turns(6, START + 1000 * n, hits=False)
    rates = {
        s.deployment: s.hit_rate
        for s in Talk(wind, "x").open(START + 3000).decision.conversation.seats
    }
    assert min(rates.values()) < 0.15
    asked = Talk(wind, "y").open(START + 3000)
    assert asked.decision.deployment == MID, "the other one's claim has not been tried yet"


def test_a_deployment_that_is_down_is_left_and_returned_to_while_it_still_holds_the_prompt() -> (
    None
):
    wind = fresh(other=(2.0, 0.2))
    talk = Talk(wind)
    talk.turns(3)
    now = START + 130.0
    while wind.availability.can_take(CHEAP, now):
        bad = wind.open(request(preferences=Preferences(only=(CHEAP,))), now)
        while (attempt := bad.next_attempt(now)) is not None:
            bad.report(replace(answered(attempt), kind=CallKind.SERVER_ERROR, usage=None), now)
        bad.outcome(now)
    assert not wind.availability.can_take(CHEAP, START + 131.0)
    assert talk.turn(START + 131.0) == MID
    later = START + 290.0
    assert wind.availability.can_take(CHEAP, later)
    assert talk.open(later).decision.deployment == CHEAP


def test_a_turn_that_its_home_fails_is_drawn_anew_as_the_policy_draws() -> None:
    """Of two others one is known to be bad and comes last in the catalog."""
    wind = router(prices={CHEAP: 1.0, MID: 1.0, FLAGSHIP: 1.0})
    for name, value in ((CHEAP, 1.0), (MID, 1.0), (FLAGSHIP, 0.1)) * 60:
        exchange = wind.open(request(), START)
        wind.learn(exchange.decision, name, Reward(value=value), START)
    found = []
    for n in range(40):
        talk, now = Talk(wind, f"s{n}"), START + 10 + 400 * n
        home = talk.turn(now)
        exchange = talk.open(now + 1)
        attempt = exchange.next_attempt(now + 1)
        assert attempt.deployment == home
        limited = replace(answered(attempt), kind=CallKind.RATE_LIMITED, usage=None)
        refused = replace(limited, retry_after_s=5.0)
        exchange.report(refused, now + 1)
        found.append(exchange.next_attempt(now + 1).deployment)
        assert found[-1] != home
    assert found.count(FLAGSHIP) < 5


def test_a_dearer_model_is_not_left_for_a_cheaper_one_that_is_known_to_be_worse() -> None:
    wind = fresh(5.0, 0.5, other=(0.1, 0.01))
    for _ in range(60):
        for name, value in ((CHEAP, 1.0), (MID, 0.2)):
            exchange = wind.open(request(), START)
            wind.learn(exchange.decision, name, Reward(value=value), START)
    asked = [Talk(wind, f"s{n}").turns(8, START + 10) for n in range(30)]
    assert all(len(set(each)) == 1 for each in asked)
    assert sum(each[0] == CHEAP for each in asked) >= 24, "as often as the floor of .90 asks for"


def test_a_cheaper_one_as_good_takes_over_what_is_left_of_a_long_conversation() -> None:
    wind = fresh(1.0, 0.1, other=(1.0, 0.1))
    talk = Talk(wind)
    home = talk.turn(START)
    other = MID if home == CHEAP else CHEAP
    say(wind, other, 0.2, 0.02, START + 5)
    assert talk.open(START + 10).decision.deployment == other


def test_a_doubted_answer_that_was_asked_again_moves_nobody() -> None:
    """The next turn begins at the cheap one again, and both hold the prompt."""
    wind = fresh(0.1, 0.01, other=(5.0, 0.5), cascade=Cascade(escalate_below=0.9, to=(MID,)))
    ask = request(session_id="s", prompt_tokens=PREFIX, preferences=Preferences(order=(CHEAP,)))
    exchange = wind.open(ask, START)
    first = exchange.next_attempt(START)
    usage = Usage(input_tokens=PREFIX, output_tokens=100)
    exchange.report(answered(first, usage=usage, confidence=0.1), START)
    second = exchange.next_attempt(START)
    assert (first.deployment, second.deployment) == (CHEAP, MID)
    exchange.report(answered(second, usage=usage), START)
    exchange.next_attempt(START)
    assert exchange.outcome(START).served == MID
    found = wind.conversations.memory.find(("default", "auto", "s"), START)
    assert (found.home, found.answered_by) == (CHEAP, MID)
    assert found.held(CHEAP, START + 1) == found.held(MID, START + 1) == PREFIX


def test_other_policies_draw_their_own_way() -> None:
    wind = fresh(other=(2.0, 0.2))
    route = replace(wind.routes["auto"], policy=RoundRobin())
    wind.adopt(wind.catalog.deployments.values(), {"auto": route})
    asked = Talk(wind).turns(6)
    assert len(set(asked)) == 2


def test_a_caller_s_own_order_stands_above_it() -> None:
    wind = fresh()
    talk = Talk(wind)
    home = talk.turn(START)
    other = MID if home == CHEAP else CHEAP
    talk.asks["preferences"] = Preferences(order=(other,))
    assert talk.turn(START + 10) == other


def test_conversations_of_others_are_not_looked_at() -> None:
    wind = fresh()
    Talk(wind, "s", namespace="a").turn(START)
    theirs = Talk(wind, "s", namespace="b").open(START + 1).decision.conversation
    assert theirs.home is None and theirs.turn == 1


@pytest.mark.parametrize("keeps_answers", [True, False])
def test_an_answer_that_is_kept_leads_to_its_conversation_by_its_id(keeps_answers: bool) -> None:
    wind = fresh(keeps_answers=keeps_answers)
    exchange = wind.open(request(session_id="first turns", prompt_tokens=PREFIX), START)
    attempt = exchange.next_attempt(START)
    usage = Usage(input_tokens=PREFIX, output_tokens=9)
    exchange.report(answered(attempt, usage=usage, response_id="resp_1"), START)
    exchange.next_attempt(START)
    exchange.outcome(START)
    ask = request(session_id="digest", continues="resp_1", prompt_tokens=PREFIX + 40)
    found = wind.open(ask, START + 5).decision.conversation
    led = ("first turns", 2, attempt.deployment) if keeps_answers else ("digest", 1, None)
    assert (found.session, found.turn, found.home) == led
    unknown = wind.open(replace(ask, continues="resp_2"), START + 5).decision.conversation
    assert (unknown.session, unknown.home) == ("digest", None)


def test_what_is_imagined_for_a_conversation_is_what_it_would_be_drawn_from() -> None:
    wind = fresh(other=(1.2, 0.12))
    talk = Talk(wind)
    talk.turns(5)
    now = START + 300.0
    ask = request(session_id="s", prompt_tokens=0)
    dear = {CHEAP: {"input": 4.0, "cache_read": 0.4, "output": 16.0}}
    found = what_if_it_goes_on(wind, ask, dear, now)
    assert found.weights_now[CHEAP] == 1.0 and found.weights_then[MID] == 1.0
    assert found.usd_now < found.usd_then
    plain = what_if(wind, "default", "auto", "default", dear, now)
    assert plain.weights_now != found.weights_now
    say(wind, CHEAP, 4.0, 0.4, now)
    table = talk.open(now).table
    assert dict(zip(table.deployments, table.weights, strict=True)) == found.weights_then
    with pytest.raises(BadRequest, match="no conversation 'nobody'"):
        what_if_it_goes_on(wind, replace(ask, session_id="nobody"), dear, now)


def test_looking_changes_nothing() -> None:
    wind = fresh(other=(1.2, 0.12))
    talk = Talk(wind)
    talk.turns(3)
    before = wind.conversations.to_state()
    ask = request(session_id="s")
    for _ in range(3):
        what_if_it_goes_on(wind, ask, {MID: {"input": 0.01}}, START + 200)
        talk.open(START + 200)
        wind.table("default", "auto", "default", START + 200)
    assert wind.conversations.to_state() == before


def test_a_seat_survives_a_restart_by_the_snapshot_and_by_what_came_after_it() -> None:
    wind, again = fresh(), fresh()
    talk = Talk(wind)
    home = talk.turn(START)
    again.from_state(wind.to_state())
    assert again.conversations.to_state() == wind.conversations.to_state()
    assert Talk(again, prefix=talk.prompt).open(START + 60).decision.deployment == home
    third = fresh()
    third.learn_outcome(talk_outcome(wind), START)
    assert third.conversations.memory.find(("default", "auto", "t"), START + 60) is not None


def talk_outcome(wind: Router):
    exchange = wind.open(request(session_id="t", prompt_tokens=PREFIX), START)
    attempt = exchange.next_attempt(START)
    exchange.report(answered(attempt), START)
    exchange.next_attempt(START)
    return exchange.outcome(START)


def test_states_of_before_conversations_were_kept_are_taken_over() -> None:
    wind = fresh()
    Talk(wind).turn(START)
    state = {**wind.to_state(), "version": 3}
    del state["conversations"]
    wind.from_state(state)
    empty = {"memory": [], "answerers": [], "habits": [], "hits": []}
    assert wind.conversations.to_state() == empty


def test_a_decision_tells_what_the_conversation_costs_where() -> None:
    wind = fresh(other=(1.2, 0.12))
    talk = Talk(wind)
    talk.turns(3)
    exchange = talk.open(START + 180)
    facts = exchange.decision.conversation
    home, other = facts.seats
    assert (facts.turn, facts.home, facts.kind) == (4, CHEAP, "session_id")
    assert home.deployment == CHEAP and home.held_tokens == PREFIX + 600
    assert home.held_until == START + 120 + 300
    assert other.held_tokens == 0 and other.held_until is None
    assert home.turn_usd < home.next_usd * 1.1 < other.turn_usd
    assert home.saved_usd > 0 and facts.turns_left > 3


def test_three_may_be_told_apart_and_unlimited_ones_only_are_moved_to() -> None:
    wind = router(prices={CHEAP: 0.1, MID: 1.0, FLAGSHIP: 5.0})
    table = Talk(wind).open(START).table
    assert sum(table.weights) == pytest.approx(1.0)
