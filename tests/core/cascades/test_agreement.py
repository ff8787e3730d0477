"""Two cheap answers that agree: used where their measured gain is surely one, else only tried."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.cascades.agreement import Offer, PairTally, best_mixture, pair_arm
from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.core.model.calls import AttemptReason, CallKind, Outcome
from windsock.core.model.decisions import CascadeFacts
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.replicas.contributions import Contribution, Kind
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.kept.state_upgrades import VERSION
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Agreement, Cascade
from windsock.store.codec import decode, encode

PRICES = {CHEAP: 0.1, MID: 0.15, FLAGSHIP: 5.0}
RIGHT = {CHEAP: 0.8, MID: 0.8, FLAGSHIP: 0.97}
CELL = Cell("default", "auto", "default")
SETTINGS = BeliefSettings()
NUMBER = Canonical(form=Form.NUMBER)


def wind(trial: float = 0.3, **facts: Any) -> Router:
    aim = Objective(kind="quality_floor", quality_floor=0.93)
    by = Agreement(second=MID, canonical=NUMBER, trial=trial)
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,), agreement=by)
    return router(prices=PRICES, objective=aim, cascade=cascade, **facts)


def serve(exchange: Exchange, rng: np.random.Generator, copies: bool, now: float) -> Outcome:
    """Drive one request; the facts that its answers are right go to its outcome's notes.

    copies  the second says what the first says; else they are right apart, and never wrong alike
    """
    right = {name: rng.random() < share for name, share in RIGHT.items()}
    while (attempt := exchange.next_attempt(now)) is not None:
        second = exchange.second(now)
        if second is not None:
            agrees = copies or bool(right[CHEAP] and right[MID])
            exchange.drop(answered(second, agrees=agrees), now)
        exchange.report(answered(attempt), now)
    outcome = exchange.outcome(now)
    assert outcome.served is not None
    judged = right[outcome.served]
    return replace(outcome, results=(replace(outcome.results[-1], note=str(int(judged))),))


def play(made: Router, requests: int, *, copies: bool = False, judged: bool = True) -> list[Any]:
    """Many requests within seconds: (decision, served, right) of each."""
    rng, seen = np.random.default_rng(5), []
    for i in range(requests):
        now = START + i / 1000
        exchange = made.open(request(), now)
        outcome = serve(exchange, rng, copies, now)
        assert outcome.served is not None
        value = float(outcome.results[0].note)
        if judged:
            made.learn(exchange.decision, outcome.served, Reward(value=value), now)
        seen.append((exchange.decision, outcome, value))
    return seen


def facts_of(made: Router, now: float = START + 5000) -> CascadeFacts:
    return (made.table("default", "auto", "default", now).cascades or ())[0]


def test_agreement_that_tells_right_from_wrong_comes_into_use_and_holds_the_floor_for_less() -> (
    None
):
    made = wind()
    seen = play(made, 1500)
    facts = facts_of(made)
    assert (facts.second, facts.to) == (MID, FLAGSHIP)
    assert facts.gain_error is not None and facts.gain > facts.gain_error
    assert facts.weight > 0.5
    assert facts.escalated == pytest.approx(1 - 0.64, abs=0.05)
    last = seen[-500:]
    assert np.mean([right for *_, right in last]) > 0.93
    dollars = float(np.mean([float(outcome.cost_usd) for _, outcome, _ in last]))
    floor_share = (0.93 - 0.8) / (0.97 - 0.8)
    arms = {arm.deployment: arm for arm in made.table(*CELL[:3], START + 5000).arms}
    mixture = (1 - floor_share) * arms[CHEAP].expected_usd + floor_share * arms[
        FLAGSHIP
    ].expected_usd
    assert dollars < 0.7 * mixture


def test_a_second_that_repeats_the_first_is_only_ever_tried() -> None:
    made = wind(trial=0.1)
    seen = play(made, 1200, copies=True)
    facts = facts_of(made)
    assert facts.gain <= (facts.gain_error or 0.0)
    assert 0 < facts.weight <= 0.1
    tried = [decision for decision, *_ in seen if decision.escalates_to]
    assert 0 < len(tried) < 0.13 * len(seen)


def test_without_judgements_it_stays_on_trial() -> None:
    made = wind()
    play(made, 400, judged=False)
    pairs = made.to_state()["confidences"]["pairs"]
    assert pairs and pairs[0][-1][1] > 10, "pairs were seen"
    facts = facts_of(made)
    assert facts.judged == 0 and 0 < facts.weight <= 0.3


def test_trials_take_no_larger_part_of_the_dollars_than_of_the_requests() -> None:
    made = wind(trial=0.02)
    play(made, 300, judged=False)
    facts, table = facts_of(made), made.table(*CELL[:3], START + 5000)
    cheap = next(arm for arm in table.arms if arm.deployment == CHEAP)
    extra = facts.weight * (facts.expected_usd - cheap.expected_usd)
    assert 0 < facts.weight <= 0.02
    assert 0 < extra <= 0.02 * table.usd * (1 + 1e-9)


def test_what_is_drawn_is_what_the_table_says() -> None:
    made = wind()
    table = made.table(*CELL[:3], START)
    (facts,) = table.cascades or ()
    whole = dict(zip(table.deployments, table.weights, strict=True))[CHEAP]
    drawn = [made.open(request(), START).decision for _ in range(3000)]
    paired = [each for each in drawn if each.escalates_to is not None]
    assert {each.propensity for each in paired} == {facts.weight}
    alone = {
        each.propensity for each in drawn if each.deployment == CHEAP and not each.escalates_to
    }
    assert alone == {whole - facts.weight}
    error = 4 * (facts.weight * (1 - facts.weight) / 3000) ** 0.5
    assert len(paired) / 3000 == pytest.approx(facts.weight, abs=error)


@pytest.mark.parametrize(
    "asked",
    [{"is_stream": True}, {"needs": frozenset({"tools"})}, {"needs": frozenset({"n"})}],
    ids=["stream", "tools", "n"],
)
def test_requests_whose_answers_cannot_be_compared_are_the_first_ones_alone(asked: Any) -> None:
    made = wind()
    table = made.table(*CELL[:3], START)
    whole = dict(zip(table.deployments, table.weights, strict=True))
    for _ in range(200):
        decision = made.open(request(**asked), START).decision
        assert decision.escalates_to is None
        assert decision.propensity == whole[decision.deployment]


def paired(made: Router) -> Exchange:
    for _ in range(5000):
        exchange = made.open(request(), START)
        if exchange.decision.escalates_to:
            return exchange
    raise AssertionError("no pair was drawn")


def begun(made: Router) -> tuple[Exchange, Any, Any]:
    exchange = paired(made)
    first = exchange.next_attempt(START)
    second = exchange.second(START)
    assert first is not None and second is not None
    assert (first.deployment, second.deployment) == (CHEAP, MID)
    assert second.reason is AttemptReason.SECOND
    return exchange, first, second


def test_where_both_say_the_same_the_first_is_given_and_both_are_paid() -> None:
    exchange, first, second = begun(wind())
    exchange.drop(answered(second, agrees=True), START)
    exchange.report(answered(first), START)
    assert exchange.next_attempt(START) is None
    outcome = exchange.outcome(START)
    assert outcome.served == CHEAP and len(outcome.results) == 2
    assert outcome.cost_usd == sum(each.cost_usd for each in outcome.results if each.cost_usd)
    assert decode(Outcome, encode(outcome)) == outcome


@pytest.mark.parametrize("agrees", [False, None])
def test_where_they_differ_or_cannot_be_compared_the_strong_one_is_asked(agrees: Any) -> None:
    exchange, first, second = begun(wind())
    exchange.drop(answered(second, agrees=agrees), START)
    exchange.report(answered(first), START)
    third = exchange.next_attempt(START)
    assert third is not None and third.deployment == FLAGSHIP
    assert third.reason is AttemptReason.ESCALATION


def test_an_answer_that_fails_a_declared_check_is_asked_again_though_both_give_it() -> None:
    exchange, first, second = begun(wind())
    exchange.drop(answered(second, agrees=True, confidence=0.0), START)
    exchange.report(answered(first, confidence=0.0), START)
    third = exchange.next_attempt(START)
    assert third is not None and third.deployment == FLAGSHIP


def test_a_first_one_that_fails_leaves_the_second_ones_answer() -> None:
    exchange, first, second = begun(wind())
    exchange.report(failed(first, CallKind.SERVER_ERROR), START)
    exchange.report(answered(second), START)
    assert exchange.next_attempt(START) is None
    assert exchange.outcome(START).served == MID


def test_a_second_one_that_fails_leaves_a_doubt() -> None:
    exchange, first, second = begun(wind())
    exchange.drop(failed(second), START)
    exchange.report(answered(first), START)
    third = exchange.next_attempt(START)
    assert third is not None and third.deployment == FLAGSHIP


def test_only_the_first_call_gets_a_second_opinion_and_only_once() -> None:
    exchange, first, second = begun(wind())
    assert exchange.second(START) is None
    exchange.drop(answered(second, agrees=False), START)
    exchange.report(answered(first), START)
    assert exchange.next_attempt(START) is not None
    assert exchange.second(START) is None


def test_rewards_teach_the_pair_alone_and_can_be_taken_back() -> None:
    made = wind()
    exchange, first, second = begun(made)
    exchange.drop(answered(second, agrees=True), START)
    exchange.report(answered(first), START)
    assert exchange.next_attempt(START) is None
    exchange.outcome(START)
    before = made.beliefs.posterior(CELL, CHEAP)
    made.learn(exchange.decision, CHEAP, Reward(value=1.0), START)
    assert made.beliefs.posterior(CELL, CHEAP) == before
    assert facts_of(made, START + 60).judged == pytest.approx(1.0)
    confidences = made.confidences
    by_agreement = {"by_agreement": True}
    assert confidences.credit_cascade(exchange.decision, CHEAP, 1.0, -1.0, START, **by_agreement)
    assert json.loads(json.dumps(confidences.to_state()))["pairs"][0][-1][4][0] == 0.0


def test_a_cascade_that_goes_by_checks_again_learns_though_pairs_are_remembered() -> None:
    made = wind()
    play(made, 50)
    by_checks = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    again = router(prices=PRICES, cascade=by_checks, objective=Objective(quality_floor=0.9))
    again.from_state(json.loads(json.dumps(made.to_state())))
    pairs = again.confidences.to_state()["pairs"]
    decision = next(each for each, *_ in play(made, 50) if each.escalates_to is not None)
    again.learn(decision, CHEAP, Reward(value=1.0), START)
    after = again.confidences.to_state()
    assert after["pairs"] == pairs != []
    assert [row[4] for row in after["rows"]] == [FLAGSHIP]


def test_what_was_measured_survives_a_restart_to_the_last_bit() -> None:
    made = wind()
    play(made, 300)
    state = json.loads(json.dumps(made.to_state()))
    other = wind()
    other.from_state(json.loads(json.dumps(state)))
    assert other.to_state()["confidences"] == state["confidences"]
    del state["confidences"]["pairs"]
    state["version"] = VERSION - 1
    older = wind()
    older.from_state(state)
    assert older.to_state()["confidences"]["pairs"] == []


def test_a_second_named_anew_starts_from_nothing() -> None:
    made = wind()
    made.confidences.from_state({"curves": [], "seen": [], "rows": [], "pairs": [
        ["default", "auto", "default", CHEAP, FLAGSHIP, PairTally("else/where").to_state()]
    ]})  # fmt: skip
    assert facts_of(made, START).judged == 0
    exchange, first, second = begun(made)
    exchange.drop(answered(second, agrees=True), START)
    exchange.report(answered(first), START)
    exchange.outcome(START)
    (kept,) = made.confidences.to_state()["pairs"]
    assert kept[-1][:2] == [MID, 1]


def test_while_the_second_cannot_be_asked_there_is_no_pair() -> None:
    made = wind()
    exchange, first, second = begun(made)
    exchange.drop(failed(second, CallKind.AUTH_FAILED), START)
    exchange.report(answered(first), START)
    table = made.table(*CELL[:3], START + 1)
    assert MID in table.ruled_out
    assert table.cascades == ()


def offer(name: str, usd: float, right: float, wrong: float) -> Offer:
    return name, usd, (right, wrong)


def one(right: bool) -> tuple[float, float, float]:
    return 1.0, float(right), float(right)


def tally_of(agreed: int, differed: int, right: int, after: int) -> PairTally:
    made = PairTally(MID, agreed=float(agreed), differed=float(differed))
    for i in range(agreed):
        made.judge(one(i < right), START, SETTINGS, is_kept=True)
    for i in range(differed):
        made.judge(one(i < after), START, SETTINGS, is_kept=False)
    return made


FIRST, SECOND = offer(CHEAP, 1.0, 80, 20), offer(MID, 1.0, 80, 20)
STRONG = offer(FLAGSHIP, 20.0, 95, 5)
PLAIN = (FIRST, SECOND, STRONG)


def arm(tally: PairTally | None, trial: float = 0.02) -> Any:
    return pair_arm(FIRST, SECOND, STRONG, tally, PLAIN, trial)


def test_the_arm_is_what_was_counted() -> None:
    made = arm(tally_of(600, 400, 590, 360))
    assert made.usd == pytest.approx(2 + 0.4 * 20, rel=0.01)
    assert made.a / (made.a + made.b) == pytest.approx(0.95, abs=0.01)
    best = best_mixture(PLAIN, made.usd)
    assert made.gain == pytest.approx(0.95 - best.mean, abs=0.01)
    assert best.mean == pytest.approx(0.8 + 0.15 * (made.usd - 1) / 19)
    assert made.pays and made.trial == 0


def test_a_gain_within_its_error_is_none() -> None:
    """The same shares of a tenth of the requests, and then of a thousandth."""
    few = arm(tally_of(6, 4, 6, 4))
    assert few.gain > 0 and not few.pays and 0 < few.trial <= 0.02
    assert arm(tally_of(60, 40, 59, 38)).pays


def test_agreement_is_taken_to_tell_nothing_until_it_was_measured() -> None:
    unknown = arm(None)
    assert unknown.gain < 0 and not unknown.pays
    unjudged = arm(PairTally(MID, agreed=500.0, differed=100.0))
    assert not unjudged.pays


def test_trials_become_rarer_where_they_found_nothing() -> None:
    seldom = arm(PairTally(MID, agreed=1000.0, differed=1000.0))
    often = arm(PairTally(MID, agreed=50.0, differed=50.0))
    assert seldom.trial == pytest.approx(often.trial / 10, rel=0.05)


def test_what_surely_loses_is_tried_a_tenth_as_often() -> None:
    losing = arm(tally_of(60, 40, 40, 20))
    assert losing.gain < -2 * losing.pair.error and not losing.pays
    assert losing.trial == pytest.approx(0.1 * arm(None).trial)


def test_the_best_mixture_is_that_of_any_two() -> None:
    middle = offer("a/b", 5.0, 94, 6)
    alone = best_mixture(PLAIN, 6.0).mean
    assert best_mixture((*PLAIN, middle), 6.0).mean > alone
    assert best_mixture(PLAIN, 50.0).mean == pytest.approx(0.95)


def test_pairs_that_are_remembered_fade_and_keep_their_shares() -> None:
    made = PairTally(MID)
    for i in range(6000):
        made.observe(float(i % 4 < 2), float(i % 4 == 2), float(i % 4 == 3))
    assert made.pairs == pytest.approx(2000)
    assert made.agreed / made.pairs == pytest.approx(0.5, abs=0.01)
    assert made.unread / made.pairs == pytest.approx(0.25, abs=0.01)


def test_replicas_know_together_what_their_pairs_were_worth() -> None:
    told: list[Contribution] = []
    here, there = wind(), wind()
    here.learner.share(lambda *each: told.append(Contribution(*each)))
    play(here, 200)
    for each in reversed(told):
        if each.kind in (Kind.COMPARED, Kind.EARNED):
            there.learner.hear(each)
    known, heard = (facts_of(each) for each in (here, there))
    assert known.judged > 5
    assert (heard.judged, heard.escalated) == pytest.approx((known.judged, known.escalated))
