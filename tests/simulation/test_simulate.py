"""The simulator itself: same seed, same bytes; and faults in one sentence."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from windsock.errors import ConfigError
from windsock.resources import folder, room
from windsock.simulation.engines.baselines import best_mixture
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.reporting import text_report
from windsock.simulation.results.measures import summarize
from windsock.simulation.sweeps.parameter_grid import cases
from windsock.simulation.sweeps.sweep import jobs_of, sweep
from windsock.simulation.world.scenario import Scenario, load_scenario
from windsock.simulation.world.world import World

PRICE_CUT = room("simulations") / "price-cut"


def short(hours: float = 0.6, **facts) -> Scenario:
    scenario = load_scenario(PRICE_CUT)
    shocks = tuple(shock.model_copy(update={"at_hour": hours / 2}) for shock in scenario.shocks)
    return scenario.model_copy(update={"hours": hours, "shocks": shocks, **facts})


def run_json(scenario: Scenario, seed: int) -> str:
    jobs = [job for job in jobs_of(cases(scenario, None), None, seed + 1) if job.seed == seed]
    found = sweep(jobs, engine="local", at_once=1, watch=lambda _: nullcontext())
    return text_report.as_json(scenario, "price-cut", found)


def test_the_same_scenario_and_seed_give_the_same_bytes() -> None:
    assert run_json(short(), 3) == run_json(short(), 3)
    assert run_json(short(), 3) != run_json(short(), 4)


def test_the_weather_does_not_depend_on_the_policy() -> None:
    scenario = short()
    world, other = World(scenario, 1), World(scenario, 1)
    ExactEngine(world, "windsock", chosen(world, ["windsock"])["windsock"], 1).run()
    assert [ask.at for ask in world.asks] == [ask.at for ask in other.asks]
    ask = world.asks[0]
    again = other.asks[0]
    assert [world.is_right(n, ask, ask.at) for n in world.names] == [
        other.is_right(n, again, again.at) for n in other.names
    ]


def test_the_oracle_mixes_two_deployments_to_meet_the_floor_exactly() -> None:
    shares = best_mixture([0.7, 0.9, 0.99], [1.0, 2.0, 50.0], 0.8)
    assert sum(s * q for s, q in zip(shares, [0.7, 0.9, 0.99], strict=True)) == pytest.approx(0.8)
    assert shares[2] == 0.0


def test_the_oracle_takes_the_best_when_the_floor_is_out_of_reach() -> None:
    assert best_mixture([0.5, 0.6], [1.0, 2.0], 0.9) == (0.0, 1.0)


def test_interrupting_leaves_a_partial_result_that_says_so() -> None:
    world = World(short(), 0)
    driver = ExactEngine(world, "cheapest", chosen(world, ["cheapest"])["cheapest"], 0)
    done = 0

    def stop_after_ten(n: int) -> None:
        nonlocal done
        done += n
        if done == 10:
            raise KeyboardInterrupt

    run = driver.run(stop_after_ten)
    assert (len(run.steps), run.is_whole) == (10, False)
    assert not summarize(run, world).is_whole


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("hours = 6", "hours = -1"), "hours"),
        (("share = 5", "share = nan"), "tasks.sentiment.share"),
        (("sql = 0.94", "sql = 1.2"), "deployments.openai/gpt-4o.quality.sql"),
        (("input = 2.5", "input = -2.5"), "deployments.openai/gpt-4o.input"),
        (('flagship = "openai/gpt-4o"', 'flagship = "openai/gpt-5"'), "openai/gpt-5"),
        (("seed = 11", "sed = 11"), "unknown key 'sed'"),
        (("hours = 6\n", ""), "hours is missing"),
        ((", sql = 0.94", ""), "lacks the task 'sql'"),
        (("[route]", "[route"), "not valid TOML"),
    ],
)
def test_a_malformed_scenario_stops_with_one_sentence(change, words, tmp_path: Path) -> None:
    text = (PRICE_CUT / "scenario.toml").read_text()
    assert change[0] in text
    (tmp_path / "scenario.toml").write_text(text.replace(*change, 1))
    with pytest.raises(ConfigError) as caught:
        load_scenario(tmp_path)
    assert words in str(caught.value)
    assert "scenario.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_scenario_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="price-cut"):
        folder("simulations", "scenario.toml", "price-cutt")


def test_an_unknown_policy_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="windsock"):
        chosen(World(short(), 0), ["bst"])
