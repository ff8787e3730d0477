"""Conversations in a simulated world: turns, pauses, and caches that depend on who was asked."""

from itertools import groupby, pairwise

import pytest

from windsock.errors import ConfigError
from windsock.resources import room
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.world.scenario import checked, load_scenario
from windsock.simulation.world.world import World

FOLDER = room("simulations") / "warm-conversations"


def world(**facts) -> World:
    return World(load_scenario(FOLDER).model_copy(update={"hours": 1.0, "shocks": (), **facts}), 1)


def by_session(asks):
    in_order = sorted(asks, key=lambda ask: (ask.session, ask.at))
    return {name: list(turns) for name, turns in groupby(in_order, key=lambda ask: ask.session)}


def test_a_conversation_grows_by_turns_and_pauses_as_told() -> None:
    found = by_session(world().asks)
    whole = [turns for turns in found.values() if len(turns) == 20]
    assert len(whole) > 10
    for turns in whole:
        sizes = [turn.prompt_tokens for turn in turns]
        assert {b - a for a, b in pairwise(sizes)} == {500}
    pauses = [(turns[-1].at - turns[0].at) / 19 for turns in whole]
    assert 45 < sum(pauses) / len(pauses) < 75


def test_requests_of_a_task_without_turns_are_what_they_were() -> None:
    scenario = load_scenario(FOLDER)
    task = scenario.tasks["agent"].model_copy(update={"turns": 1})
    alone, talking = world(tasks={"agent": task}).asks, world().asks
    assert {ask.session for ask in alone} == {None}
    assert [ask.at for ask in alone] == [ask.at for ask in talking]
    assert [list(ask.luck) for ask in alone] == [list(ask.luck) for ask in talking]


def test_what_is_cached_depends_on_who_was_asked_and_is_billed_as_such() -> None:
    it = world()
    engine = ExactEngine(it, "windsock", chosen(it, ["windsock"])["windsock"], 1)
    outcomes = [outcome for ask in it.asks if (outcome := engine.step(ask)) is not None]
    asked = {ask.session for ask in it.asks}
    usages = [outcome.usage for outcome in outcomes]
    cold = sum(usage.cache_read_tokens == 0 for usage in usages)
    assert len(asked) <= cold < 1.2 * len(asked), "the first turn alone, or hardly any more"
    share = sum(u.cache_read_tokens for u in usages) / sum(u.prompt_tokens for u in usages)
    assert share > 0.85


def test_the_batch_engine_has_no_conversations_and_says_so(tmp_path) -> None:
    body = load_scenario(FOLDER).model_dump(mode="json")
    with pytest.raises(ConfigError, match=r"tasks\.agent\.turns needs engine 'exact'"):
        checked(tmp_path, {**body, "engine": "batch"}, type(load_scenario(FOLDER)))
