"""A drift common to all tasks of a deployment, and priors from what other cells have earned."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest

from windsock.core.beliefs.beliefs import DEFAULTS, Beliefs
from windsock.core.beliefs.drift.common_drift import MAX_RECENT_REWARDS, RecentRewards
from windsock.core.beliefs.route_beliefs import RouteBeliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.requests import Cell
from windsock.core.routing.kept.state_upgrades import upgraded

CHAT, SQL = Cell("default", "auto", "chat"), Cell("default", "auto", "sql")
PLAIN = BeliefSettings(follows_drift=False)
SOLO = BeliefSettings(watches_drift=False)


def rewarded(beliefs: Beliefs, cell: Cell, rewards: int, rate: float, *, since: float) -> Beliefs:
    """0/1 rewards of deployment m, evenly spread, one a second."""
    for i in range(rewards):
        is_right = int((i + 1) * rate + 1e-9) > int(i * rate + 1e-9)
        beliefs.observe(cell, "m", float(is_right), now=since + i)
    return beliefs


def settled(settings: BeliefSettings = SOLO) -> Beliefs:
    beliefs = Beliefs(settings)
    for cell, since in ((CHAT, 0.0), (SQL, 600.0)):
        rewarded(beliefs, cell, 600, 0.9, since=since)
    return beliefs


def mean(beliefs: Beliefs, cell: Cell) -> float:
    a, b = beliefs.posterior(cell, "m")
    return a / (a + b)


def test_a_loss_at_one_task_is_feared_at_the_others() -> None:
    beliefs, plain = settled(), settled(BeliefSettings(watches_drift=False, follows_drift=False))
    for each in (beliefs, plain):
        rewarded(each, CHAT, 80, 0.5, since=1200.0)
    assert mean(plain, SQL) == pytest.approx(0.9, abs=0.01)
    assert mean(beliefs, SQL) < 0.8
    assert beliefs.drift(SQL, "m") == pytest.approx(mean(beliefs, SQL) - mean(plain, SQL))
    assert plain.drift(SQL, "m") == 0.0


def test_what_chance_explains_moves_nothing() -> None:
    beliefs = settled()
    assert beliefs.drift(CHAT, "m") == 0.0
    rewarded(beliefs, CHAT, 10, 0.8, since=1200.0)
    assert beliefs.drift(CHAT, "m") == 0.0


def test_what_the_tasks_have_learnt_is_no_drift_any_more() -> None:
    beliefs = settled()
    rewarded(beliefs, CHAT, 80, 0.5, since=1200.0)
    feared = beliefs.drift(SQL, "m")
    for cell, since in ((CHAT, 1300.0), (SQL, 4000.0)):
        rewarded(beliefs, cell, 2500, 0.5, since=since)
    assert feared < -0.1
    assert beliefs.drift(SQL, "m") == pytest.approx(0.0, abs=0.02)
    assert mean(beliefs, SQL) == pytest.approx(0.5, abs=0.03)


def test_a_deployment_that_was_not_rewarded_lately_keeps_its_belief() -> None:
    beliefs = settled()
    for i in range(300):
        beliefs.observe(CHAT, "other", 0.9, now=float(i))
    before = beliefs.posterior(CHAT, "other")
    rewarded(beliefs, SQL, 80, 0.5, since=1200.0)
    after = beliefs.posterior(CHAT, "other")
    assert after[0] / sum(after) == pytest.approx(before[0] / sum(before), abs=0.005)


def test_an_alarm_starts_the_last_rewards_anew() -> None:
    beliefs = settled(DEFAULTS)
    i = 0
    while not (shifts := beliefs.quality.drain()):
        beliefs.observe(CHAT, "m", 0.0, now=1200.0 + i)
        i += 1
    assert shifts[0].facts["finding"] == "worse"
    assert beliefs.drift(CHAT, "m") == 0.0
    assert beliefs.quality.undo("default", "auto", "m")
    assert beliefs.drift(CHAT, "m") == 0.0


def test_last_rewards_survive_in_the_state() -> None:
    beliefs = settled(DEFAULTS)
    rewarded(beliefs, CHAT, 20, 0.5, since=1200.0)
    other = Beliefs()
    other.from_state(json.loads(json.dumps(beliefs.to_state())))
    assert other.drift(CHAT, "m") == beliefs.drift(CHAT, "m") != 0.0
    for each in (beliefs, other):
        rewarded(each, SQL, 30, 0.5, since=1300.0)
    assert other.posterior(CHAT, "m") == beliefs.posterior(CHAT, "m")
    assert json.dumps(other.to_state()) == json.dumps(beliefs.to_state())


def test_a_state_without_last_rewards_is_read() -> None:
    beliefs = settled(PLAIN)
    state = beliefs.to_state()
    for group in state["groups"]:
        del group["recents"]
        del group["judging"]["cells"]
    other = Beliefs()
    other.from_state(upgraded({"beliefs": state, "policies": {}})["beliefs"])
    assert other.posterior(CHAT, "m") == beliefs.posterior(CHAT, "m")


def test_last_rewards_that_an_earlier_version_kept_by_task_all_count() -> None:
    counts, totals, moments = [6.0, 40.0, 62.0], [1.5, 30.0, 61.0], [10.0, 900.0, 1000.25]
    last = RecentRewards.from_state([108.0, ["a", "b", "c"], counts, totals, moments], 1e9)
    found = [(row.count, row.total, row.at) for row in last.rows.values()]
    assert found == list(zip(counts, totals, moments, strict=True))
    for number in range(100):
        last.observe("b", 1.0, 1.0, 2000.0 + number)
    assert list(last.rows) == ["b"]


def test_no_more_than_the_last_rewards_are_remembered() -> None:
    last = RecentRewards(DEFAULTS.half_life_s)
    for i in range(1000):
        last.observe("chat" if i % 3 else "sql", 1.0, 1.0, float(i))
        assert sum(row.count for row in last.rows.values()) <= MAX_RECENT_REWARDS + 1e-6
    last.merge_task("chat", "sql")
    assert list(last.rows) == ["chat"]
    assert last.rows["chat"].count == pytest.approx(MAX_RECENT_REWARDS, rel=0.1)


def test_the_last_rewards_are_the_same_in_whatever_order_they_were_heard() -> None:
    heard = [(str(i % 3), 1.0, float(i % 4 > 0), i / 7.0) for i in range(2000)]
    first, second = (RecentRewards(DEFAULTS.half_life_s) for _ in range(2))
    for each in heard:
        first.observe(*each)
    for each in random.Random(3).sample(heard, len(heard)):
        second.observe(*each)
    assert first.rows.keys() == second.rows.keys()
    for task, row in first.rows.items():
        for part in ("count", "total", "at"):
            assert getattr(second.rows[task], part) == pytest.approx(getattr(row, part), rel=1e-9)
    later = RecentRewards.from_state(first.to_state(), DEFAULTS.half_life_s)
    assert later.to_state() == first.to_state()


def test_the_own_rewards_of_a_cell_are_not_its_prior() -> None:
    """Counted twice, five right answers of one task would look like many."""
    group = RouteBeliefs(SOLO)
    group.learn("sql", "other", 40.0, 30.0, 30.0, 0.0)
    group.touch(0.0)
    group.refresh_pool()
    unknown = group.beta("chat", "m")
    group.learn("chat", "m", 5.0, 5.0, 5.0, 1.0)
    group.touch(1.0)
    group.refresh_pool()
    a, b = group.beta("chat", "m")
    assert a - 5.0 == pytest.approx(unknown[0], abs=0.3)
    assert b == pytest.approx(unknown[1], abs=0.3)
    assert group.beta("sql", "m")[0] > unknown[0] + 0.1


def test_a_cell_without_rewards_has_the_prior_of_one_that_was_never_seen() -> None:
    group, seen = RouteBeliefs(SOLO), RouteBeliefs(SOLO)
    for each in (group, seen):
        each.learn("sql", "m", 40.0, 33.0, 33.0, 0.0)
        each.learn("chat", "other", 30.0, 12.0, 12.0, 0.0)
        each.touch(0.0)
    seen.open("chat", "m")
    for each in (group, seen):
        each.refresh_pool()
    assert seen.beta("chat", "m") == group.beta("chat", "m")


def test_a_lesson_taken_back_leaves_the_last_rewards_alone() -> None:
    beliefs = settled()
    beliefs.seed(SQL, "m", 0.9, rewards=200.0, now=1200.0)
    rewarded(beliefs, CHAT, 80, 0.5, since=1200.0)
    before = beliefs.drift(SQL, "m")
    beliefs.add_to_start(SQL, "m", (-200.0, -180.0, -162.0), 1200.0)
    assert beliefs.drift(SQL, "m") == pytest.approx(before, abs=0.01)
    assert before < -0.05


@pytest.mark.parametrize("looks_every", [1, 7, 13])
def test_what_was_read_in_part_is_what_is_read_as_a_whole(looks_every: int) -> None:
    """The columns of a fit are kept from look to look; a restored copy reads all of them."""
    dice, beliefs = random.Random(looks_every), Beliefs(SOLO)
    cells = [Cell("default", "auto", f"task {i}") for i in range(4)]
    drifts: list[float] = []
    for i in range(800):
        cell, name = dice.choice(cells), dice.choice("abc")
        rate = 0.4 if name == "a" and i > 500 else 0.95
        beliefs.observe(cell, name, float(dice.random() < rate), now=float(i))
        drifts.append(beliefs.drift(cell, name) if i % looks_every == 0 else 0.0)
        if i % 90 == 50:
            beliefs.retract(cell, name, 1.0, observed_at=float(i))
        if i == 300:
            beliefs.quality.age("b", keep=4.0)
        if i == 500:
            beliefs.merge_task(cells[0], "task 3")
        if i % looks_every == 0:
            other = Beliefs(SOLO)
            other.from_state(beliefs.to_state())
            for each in cells:
                assert other.posterior(each, name) == beliefs.posterior(each, name)
    assert min(drifts) < 0


def test_of_one_task_alone_a_loss_is_not_common() -> None:
    beliefs = rewarded(Beliefs(SOLO), CHAT, 600, 0.9, since=0.0)
    plain = rewarded(Beliefs(replace(SOLO, follows_drift=False)), CHAT, 600, 0.9, since=0.0)
    for each in (beliefs, plain):
        rewarded(each, CHAT, 80, 0.5, since=600.0)
    assert beliefs.drift(CHAT, "m") == 0.0
    assert mean(beliefs, CHAT) == mean(plain, CHAT)
    gained = rewarded(Beliefs(SOLO), CHAT, 600, 0.5, since=0.0)
    rewarded(gained, CHAT, 80, 0.9, since=600.0)
    assert gained.drift(CHAT, "m") > 0.0
