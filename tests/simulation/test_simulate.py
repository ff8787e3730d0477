"""The simulator itself: same seed, same bytes; and faults in one sentence."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.views import CellView
from windsock.errors import ConfigError
from windsock.resources import folder, room
from windsock.simulation.engines.baselines import best_mixture
from windsock.simulation.engines.contenders import chosen, true_aim
from windsock.simulation.engines.exact import ExactEngine
from windsock.simulation.reporting import text_report
from windsock.simulation.results.measures import summarize
from windsock.simulation.simulate import replay
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


def test_a_report_is_there_though_its_table_was_cut_off_by_a_pipe(tmp_path, monkeypatch) -> None:
    def cut_off(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(text_report, "show", cut_off)
    with pytest.raises(BrokenPipeError):
        replay(short(0.1), "price-cut", policies=["cheapest"], report_to=tmp_path / "r.html")
    assert "</html>" in (tmp_path / "r.html").read_text()


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


CHOICES = {
    "openai/gpt-4o": {"prices": [5.0, 15.0], "quality": 0.95},
    "deepseek/deepseek-chat": {"prices": [0.5, 1.0], "quality": 0.80},
    "small/model": {"prices": [0.05, 0.1], "quality": 0.60},
}
"""Dollars a million tokens in and out; the reference is the first, for nobody else comes near."""


def wished(**route: object) -> World:
    """One task that each of CHOICES does so well."""
    first = next(iter(CHOICES))
    body = {
        "title": "wishes", "hours": 1, "requests_per_hour": 10, "route": route,
        "rivals": {"flagship": first, "otherwise": first},
        "tasks": {"sql": {"share": 1.0, "prompt_tokens": 1000, "output_tokens": 100}},
        "deployments": {
            name: {"input": each["prices"][0], "output": each["prices"][1],
                   "quality": {"sql": each["quality"]}}
            for name, each in CHOICES.items()
        },
    }  # fmt: skip
    return World(Scenario.model_validate(body), 1)


@pytest.mark.parametrize(
    ("route", "best"),
    [
        ({"objective": "quality", "quality": "economy"}, 0),
        ({"objective": "quality", "quality": "economy", "incumbent": "small/model"}, 2),
        ({"objective": "quality", "quality": "balanced", "incumbent": "small/model"}, 1),
        ({"objective": "quality", "quality": "high", "incumbent": "small/model"}, 0),
        ({"objective": "quality", "quality": "economy", "incumbent": "small/model",
          "quality_floor": 0.8}, 1),
        ({"objective": "value", "usd_per_success": 0.0001, "quality_floor": None}, 2),
        ({"objective": "value", "usd_per_success": 0.01, "quality_floor": None}, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("policy", ["oracle", "hindsight"])
def test_who_knows_the_truth_optimises_what_the_route_is_after(route, best, policy) -> None:
    world = wished(**route)
    names, rates = tuple(CHOICES), [each["quality"] for each in CHOICES.values()]
    usd = [world.usd(name, "sql", world.starts_at) for name in names]
    view = CellView(cell=Cell("default", "auto", "sql"), deployments=names, usd=tuple(usd))
    made = chosen(world, [policy])[policy].make(world, world.scenario.route, Beliefs())
    weights = made.weigh(view, world.starts_at).weights
    assert weights == tuple(float(i == best) for i in range(len(names)))
    worth = true_aim(world, world.scenario.route).worth_usd(world.starts_at)
    net = [worth * rate - cost for rate, cost in zip(rates, usd, strict=True)]
    held = [i for i, rate in enumerate(rates) if rate >= (route.get("quality_floor") or 0.0)]
    assert best == max(held, key=lambda i: net[i])


def test_a_wish_for_quality_is_worth_a_multiple_of_what_the_reference_costs() -> None:
    world = wished(objective="quality", quality="balanced", incumbent="deepseek/deepseek-chat")
    usd = world.usd("deepseek/deepseek-chat", "sql", world.starts_at)
    worth = true_aim(world, world.scenario.route).worth_usd(world.starts_at)
    assert worth == pytest.approx(100 * usd / 0.80)
    assert world.scenario.route.quality_floor is None


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
