"""What a source's word is worth: capped without labels, measured with them, whoever came first."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.evidence.sources import judge_voice
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router

CELL = Cell("default", "auto", "chat")


class Answer:
    """One answer, and all that is said of it."""

    def __init__(self, it: Router, task: str = "chat") -> None:
        exchange = it.open(request(task=task), START)
        exchange.report(answered(exchange.next_attempt(START)), START)
        exchange.next_attempt(START)
        self._it, self.decision = it, exchange.decision
        self.served = str(exchange.outcome(START).served)
        self._said: dict[tuple[str, str | None], Feedback] = {}

    def say(
        self, value: float, source: str = "explicit", key: str | None = None, at: float = START
    ) -> None:
        reward = Reward(value=value, source=source, key_id=key)
        said = tuple(self._said.values())
        credit = self._it.learn(self.decision, self.served, reward, at, said=said)
        self._said.pop((source, key), None)
        self._said[source, key] = Feedback(
            decision_id=self.decision.id, reward=reward, at=at, weight=credit.said
        )


def alone(**weights: float) -> Router:
    return router(prices={CHEAP: 1.0}, source_weights=weights)


def sure(it: Router, deployment: str = CHEAP, cell: Cell = CELL) -> tuple[float, float]:
    """Mean success, and what it is worth in rewards."""
    a, b = it.beliefs.posterior(cell, deployment)
    return a / (a + b), a + b


@pytest.mark.parametrize(
    ("source", "weight"),
    [("judge", 0.1), ("judge", 1.0), ("judge", 50.0), ("eval-bot", 0.9), ("check", 1.0)],
)
def test_a_thousand_judged_answers_never_outvote_a_hundred_true_labels(source, weight) -> None:
    it = alone(**{source: weight})
    for number in range(1000):
        Answer(it).say(float(number % 20 > 0), source)
    for number in range(100):
        Answer(it).say(float(number % 5 == 0))
    mean, rewards = sure(it)
    assert mean == pytest.approx(0.2, abs=0.08)
    assert rewards > 90


@pytest.mark.parametrize("share", [0, 2, 6])
def test_a_thousand_failed_checks_never_outvote_a_hundred_labels(share: int) -> None:
    it = alone(check=1.0)
    for number in range(1000):
        Answer(it).say(float(number % 20 < share), "check")
    assert it.beliefs.words(CELL, CHEAP)["check"].say < sure(it)[1] + 1
    for number in range(100):
        Answer(it).say(float(number % 5 > 0))
    assert sure(it)[0] > 0.6


def test_a_thousand_scores_alone_count_for_a_dozen_labels() -> None:
    it = alone()
    for number in range(1000):
        Answer(it).say(float(number % 5 > 0), "judge")
    mean, rewards = sure(it)
    assert 0.74 < mean < 0.8
    assert 8 < rewards < 20
    assert it.beliefs.words(CELL, CHEAP)["judge"].say < 0.16 / 0.12**2


@pytest.mark.parametrize("source", ["judge", "grader", "check"])
def test_labels_correct_a_judge_that_flatters(source: str) -> None:
    it = alone()
    for number in range(200):
        answer = Answer(it)
        answer.say(0.9, source)
        if number < 30:
            answer.say(float(number % 2))
    mean, _ = sure(it)
    word = it.beliefs.words(CELL, CHEAP)[source]
    assert mean == pytest.approx(0.5, abs=0.08)
    assert word.bias == pytest.approx(-0.4, abs=0.1)


@pytest.mark.parametrize("source", ["judge", "check"])
def test_deployments_that_pass_every_time_are_believed_to(source: str) -> None:
    for it in (alone(), router()):
        for _ in range(60):
            served = (answer := Answer(it)).served
            answer.say(1.0, source)
            assert sure(it, served)[0] > 0.7


def test_labels_elsewhere_correct_a_judge_here() -> None:
    """A deployment that it flatters in three tasks, it is taken to flatter in the fourth."""
    it = alone()
    for task, number in itertools.product(("a", "b", "c", "d"), range(60)):
        answer = Answer(it, task)
        answer.say(float(number % 10 > 0), "judge")
        if task != "d":
            answer.say(float(number % 10 > 2))
    blind = alone()
    for number in range(60):
        Answer(blind, "d").say(float(number % 10 > 0), "judge")
    word, trusting = (
        each.beliefs.words(Cell("default", "auto", "d"), CHEAP)["judge"] for each in (it, blind)
    )
    assert trusting.mean == pytest.approx(0.9)
    assert word.mean == pytest.approx(0.7, abs=0.06)
    assert word.say > trusting.say


def test_a_judge_that_says_anything_at_all_ends_without_a_say() -> None:
    rng = np.random.default_rng(3)
    it, plain = alone(), alone()
    for _ in range(300):
        label = float(rng.random() < 0.3)
        for each in (it, plain):
            answer = Answer(each)
            answer.say(label)
        Answer(it).say(float(rng.random() < 0.9), "judge")
        answer = Answer(it)
        answer.say(float(rng.random() < 0.9), "judge")
        answer.say(label)
        Answer(plain).say(label)
    mean, _ = sure(it)
    assert mean == pytest.approx(sure(plain)[0], abs=0.01)


Said = list[tuple[int, float, str, str | None]]
MATTERS = [
    ("explicit", "k"),
    ("explicit", "other"),
    ("judge", None),
    ("judge", "k"),
    ("check", None),
]


def test_whoever_speaks_first_counts_no_more_for_it() -> None:
    said = [(n, float((n + i) % 3 > 0), *MATTERS[i]) for n in range(4) for i in (0, 2, 4)]
    states = []
    for turn in range(8):
        it = alone()
        answers = [Answer(it) for _ in range(4)]
        for number, value, source, key in np.random.default_rng(turn).permutation(
            np.array(said, dtype=object)
        ):
            answers[number].say(value, source, key)
        states.append((*sure(it), it.beliefs.words(CELL, CHEAP)["judge"].mean))
    for state in states[1:]:
        assert state == pytest.approx(states[0], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 1.0]), st.sampled_from(MATTERS)),
        max_size=12,
    )
)
def test_what_is_overwritten_leaves_nothing_behind(said) -> None:
    """Whatever was said in between, only the last word of each matter is in the sums."""
    it, plain = alone(), alone()
    answers, others = ([Answer(each) for _ in range(4)] for each in (it, plain))
    last: dict[tuple[int, tuple[str, str | None]], float] = {}
    for number, value, matter in said:
        answers[number].say(value, *matter)
        last[number, matter] = value
    for (number, matter), value in last.items():
        others[number].say(value, *matter)
    assert sums(it) == pytest.approx(sums(plain), abs=1e-9)


def sums(it: Router) -> list[float]:
    """What every proxy has said, and the labels beside, as one list."""
    known = it.operator.how_known(CELL, CHEAP).proxies
    return [part for name in ("check", "judge") for part in known.get(name, [0.0] * 9)]


def test_scores_fade_with_the_half_life_of_beliefs() -> None:
    it = alone()
    half_life_s = it.beliefs.settings.half_life_s
    for _ in range(8):
        Answer(it).say(1.0, "judge")
    Answer(it).say(0.0, "judge", at=START + half_life_s)
    known = it.operator.how_known(CELL, CHEAP).proxies["judge"]
    assert known.judged == pytest.approx(8 / 2 + 1)
    assert known.total == pytest.approx(8 / 2)


@pytest.mark.parametrize("source", ["judge", "check"])
def test_a_deployment_that_suddenly_fails_its_checks_is_soon_known_by_it(source: str) -> None:
    it, again = alone(check=1.0), alone(check=1.0)
    for number in range(300):
        Answer(it).say(float(number % 10 > 0), source)
    before = sure(it)[0]
    again.from_state(json.loads(json.dumps(it.to_state())))
    for each in (it, again):
        for _ in range(40):
            Answer(each).say(0.0, source)
    after = sure(it)[0]
    (event,) = it.drain_shifts()
    assert after < before - 0.3
    assert (event.kind, event.facts["finding"], event.facts["source"]) == (
        "quality.drifted", "worse", source
    )  # fmt: skip
    assert sure(again)[0] == pytest.approx(after, abs=1e-9)


def test_scores_that_the_one_that_judges_forgets_are_forgotten_by_all() -> None:
    one, other = (Replica(alone(check=1.0), name) for name in ("one", "other"))
    other.router.beliefs.quality.is_judge = False
    for number in range(340):
        Answer(one.router).say(float(number < 300 and number % 10 > 0), "check")
        if number % 50 == 49:
            assert other.absorb(one.cut(START), START)
    assert [event.kind.value for event in one.router.drain_shifts()] == ["quality.drifted"]
    assert other.absorb(one.cut(START), START)
    assert other.router.drain_shifts() == []
    assert sure(other.router) == pytest.approx(sure(one.router), abs=1e-9)


def test_a_judge_that_is_biased_but_steady_tells_of_no_change() -> None:
    rng = np.random.default_rng(4)
    it = alone()
    for _ in range(1500):
        answer = Answer(it)
        answer.say(float(rng.random() < 0.6), "judge")
        if rng.random() < 0.2:
            answer.say(float(rng.random() < 0.85))
    assert {each.kind for each in it.drain_shifts()} <= {"evidence.disagrees"}


def test_a_key_that_is_taken_out_takes_its_scores_and_labels_along() -> None:
    it, plain = alone(), alone()
    for number in range(20):
        for each in (it, plain):
            answer = Answer(each)
            answer.say(float(number % 3 > 0), "judge", "good")
        Answer(it).say(0.0, "thumbs", "bad")
    it.operator.silence_key("default", "bad", is_silent=True, now=START)
    assert sure(it) == pytest.approx(sure(plain))


def test_answers_whose_labels_do_not_count_are_scored_like_any_other() -> None:
    it, plain = alone(), alone()
    for number in range(30):
        for each in (it, plain):
            (answer := Answer(each)).say(float(number % 3 > 0), "judge", "good")
            if each is it and number % 2:
                answer.say(0.0, "explicit", "bad")
    it.operator.silence_key("default", "bad", is_silent=True, now=START)
    assert sums(it) == pytest.approx(sums(plain))
    assert sure(it) == pytest.approx(sure(plain))


def test_labels_of_what_a_judge_marks_down_do_not_praise_the_rest() -> None:
    """However much longer labels are remembered than scores, they are not taken off those."""
    it = alone()
    for number in range(2000):
        (answer := Answer(it)).say(0.2 if (is_low := number % 10 == 0) else 0.8, "judge", "j")
        if is_low:
            answer.say(0.0, "explicit", "k")
    known = it.operator.how_known(CELL, CHEAP).proxies["judge"]
    assert known.total / known.judged == pytest.approx(0.8, abs=0.01)
    assert known.both == pytest.approx(200)


@pytest.mark.parametrize("labeller", [None, "k"])
def test_labels_outlive_the_scores_of_a_judge_that_has_changed(labeller: str | None) -> None:
    it = alone()
    for number in range(300):
        (answer := Answer(it)).say(float(number % 10 > 0), "judge")
        if number < 40:
            answer.say(1.0, "explicit", labeller)
    for _ in range(40):
        Answer(it).say(0.0, "judge")
    known = it.operator.how_known(CELL, CHEAP).proxies["judge"]
    assert known.both == pytest.approx(40)
    assert known.judged < 60


def test_a_key_that_scores_the_opposite_of_all_others_is_not_heard() -> None:
    it, plain = alone(), alone()
    for number in range(240):
        key, score = f"user {number % 4}", float(number % 12 >= 4)
        Answer(it).say(score, "thumbs", key)
        Answer(plain).say(score, "thumbs", key)
        if number % 4 == 0:
            Answer(it).say(0.0, "thumbs", "liar")
    assert sure(it)[0] == pytest.approx(sure(plain)[0], abs=0.01)


def test_what_proxies_have_said_survives_a_restart_to_the_bit() -> None:
    it, again = router(), router()
    for number in range(30):
        answer = Answer(it)
        answer.say(float(number % 4 > 0), "judge", "k")
        if number % 3 == 0:
            answer.say(float(number % 2), "explicit", "k")
    again.from_state(json.loads(json.dumps(it.to_state())))
    for name in (CHEAP, MID, FLAGSHIP):
        assert again.beliefs.posterior(CELL, name) == it.beliefs.posterior(CELL, name)
    assert again.to_state()["rewards"] == it.to_state()["rewards"]


def test_scores_told_to_another_replica_count_there_as_here() -> None:
    it, other = alone(), alone()
    here, there = Replica(it, "here"), Replica(other, "there")
    for number in range(30):
        answer = Answer(it)
        answer.say(float(number % 4 > 0), "judge", "k")
        if number % 3 == 0:
            answer.say(float(number % 2), "explicit", "k")
    delta = here.cut(START)
    assert delta is not None and there.absorb(delta, START)
    assert sums(other) == pytest.approx(sums(it), abs=1e-6)
    assert other.beliefs.words(CELL, CHEAP)["judge"].bias == pytest.approx(
        it.beliefs.words(CELL, CHEAP)["judge"].bias
    )


def test_ten_poor_proxies_do_not_pass_for_a_good_one() -> None:
    one, many = alone(), alone()
    for number in range(100):
        Answer(one).say(float(number % 5 > 0), "judge")
        answer = Answer(many)
        for name in range(10):
            answer.say(float(number % 5 > 0), f"judge {name}")
    assert sure(many)[1] == pytest.approx(sure(one)[1], rel=0.01)


@pytest.mark.parametrize(
    ("source", "weights", "is_heard_as_label"),
    [
        ("explicit", {}, True),
        ("owner", {"owner": 1.0}, True),
        ("owner", {"owner": 0.9}, False),
        ("somebody", {}, False),
        ("judge", {"judge": 1.0}, False),
        ("check", {"check": 2.0}, False),
    ],
)
def test_a_source_is_a_proxy_unless_its_route_says_that_it_knows(
    source, weights, is_heard_as_label
) -> None:
    it = alone(**weights)
    for number in range(50):
        Answer(it).say(float(number % 4 > 0), source)
    known = it.operator.how_known(CELL, CHEAP)
    assert (known.counted == pytest.approx(50), source in known.labels) == (
        is_heard_as_label,
        is_heard_as_label,
    )
    assert (source in known.words) is not is_heard_as_label


def test_a_proxy_of_no_weight_is_not_heard() -> None:
    it = alone(judge=0.0)
    before = sure(it)
    Answer(it)
    for _ in range(50):
        Answer(it).say(0.0, "judge")
    assert sure(it)[0] == pytest.approx(before[0], abs=0.01)


def test_habits_say_nothing_before_labels_have_told_what_they_are_worth() -> None:
    """Most conversations end though the answer was right: that is no success of two in ten."""
    it = alone()
    before = sure(it)
    said = [Answer(it) for _ in range(200)]
    for number, each in enumerate(said):
        each.say(float(number % 5 == 0), "use:left")
    assert sure(it) == before
    for each in said[:40]:
        each.say(1.0)
    assert sure(it)[0] > 0.9


def test_a_judge_is_heard_where_many_keys_have_spoken_before_and_their_habits_are_not() -> None:
    it = alone()
    for number in range(300):
        Answer(it).say(0.0, "use:left", f"user {number}")
    before = sure(it)
    assert before == sure(alone())
    for number in range(50):
        Answer(it).say(float(number % 5 > 0), "judge")
    assert it.beliefs.words(CELL, CHEAP).keys() == {"judge"}
    known = it.operator.how_known(CELL, CHEAP).proxies
    assert known["judge"].judged == pytest.approx(50)
    assert known["use:left"].judged == pytest.approx(300)


def test_names_without_end_are_neither_kept_nor_heard() -> None:
    it = alone()
    for number in range(320):
        (answer := Answer(it)).say(0.0, f"source {number}", "k")
        if number % 8 == 0:
            answer.say(0.0, "judge")
    known = it.operator.how_known(CELL, CHEAP)
    assert len(known.proxies) < 300
    assert len(known.words) <= 16 and "judge" in known.words and "(others)" not in known.words


def test_what_users_do_is_no_judgement_of_an_answer() -> None:
    it = alone()
    for number in range(20):
        (answer := Answer(it)).say(1.0, "use:left")
        answer.say(1.0, "check:json")
        if number < 5:
            answer.say(1.0, "judge")
            answer.say(1.0)
    assert it.feedback_rate(CELL, CHEAP) == pytest.approx(5 / 20)


def test_parts_of_a_check_fail_what_is_wrong_and_a_family_is_weighed_by_one_name() -> None:
    with_parts, weighed = alone(), alone(check=0.0)
    for it in (with_parts, weighed):
        for _ in range(40):
            Answer(it).say(0.0, "check:json")
    assert sure(with_parts)[0] < 0.2
    assert sure(weighed) == sure(alone())


def test_a_family_may_be_said_to_know_and_a_check_may_not() -> None:
    it = alone(langfuse=1.0, check=5.0)
    rules = it.operator.how_known
    Answer(it).say(1.0, "langfuse:correct")
    Answer(it).say(1.0, "check:json")
    Answer(it).say(1.0, "otel:correct")
    assert rules(CELL, CHEAP).labels == {"langfuse:correct"}


def judged_by(it: Router, model: str, **weights: float) -> None:
    """As an edit of the configuration has it."""
    route = it.routes["auto"]
    route = replace(route, judge=model, source_weights={**route.source_weights, **weights})
    it.adopt(it.catalog.deployments.values(), {"auto": route})


def test_a_judge_in_anothers_place_inherits_nothing_and_that_one_is_known_when_it_is_back() -> None:
    it = alone()
    judged_by(it, "a/strict")
    nothing, strict = sure(it), judge_voice("a/strict")
    for number in range(40):
        answer = Answer(it)
        answer.say(float(number % 4 == 0), "judge", strict)
        if number % 4 == 0:
            answer.say(1.0)
    known, labels = sure(it), it.operator.how_known(CELL, CHEAP).proxies["judge"].both
    assert labels == 10 and it.operator.how_known(CELL, CHEAP).words["judge"].say > 0
    judged_by(it, "b/kind")
    assert it.operator.how_known(CELL, CHEAP).proxies["judge"].scored()[0] == 0
    assert sure(it)[0] > nothing[0], "by its labels alone"
    Answer(it).say(1.0, "judge", judge_voice("b/kind"))
    assert it.operator.how_known(CELL, CHEAP).proxies["judge"].scored() == (1, 1, 1)
    again = alone()
    judged_by(again, "b/kind")
    again.from_state(json.loads(json.dumps(it.to_state())))
    assert again.operator.how_known(CELL, CHEAP).proxies["judge"].scored() == (1, 1, 1)
    judged_by(it, "a/strict")
    assert sure(it) == pytest.approx(known)


def test_what_an_edit_says_a_source_counts_holds_from_then_on() -> None:
    it = alone(grader=0.5)
    for _ in range(20):
        Answer(it).say(1.0, "grader")
    assert it.operator.how_known(CELL, CHEAP).words["grader"].say > 0
    judged_by(it, "", grader=0.0)
    assert "grader" not in it.operator.how_known(CELL, CHEAP).words
    judged_by(it, "", grader=1.0)
    Answer(it).say(1.0, "grader")
    assert it.operator.how_known(CELL, CHEAP).counted == 1
