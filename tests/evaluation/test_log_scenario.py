"""One's own log as a world: a scenario folder that says what was logged."""

from pathlib import Path

import pytest

from tests.evaluation.logs import logged, policy_toml, small
from windsock.cli.evaluate import write_world
from windsock.core.policies.baselines import Uniform
from windsock.errors import ConfigError
from windsock.evaluation.log_scenario import toml
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import Contender, chosen
from windsock.simulation.results.measures import summarize
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

EVENLY = Contender(make=lambda *_: Uniform())
MINI = "openai/gpt-4o-mini"


def configured(folder: Path, world: World) -> Path:
    store = folder / f"log-{world.seed}.db"
    path = folder / "windsock.toml"
    path.write_text(
        policy_toml(world.scenario, floor=0.8) + f'[store]\nurl = "sqlite:///{store}"\n'
    )
    return path


def test_the_world_of_a_log_is_the_world_that_was_logged(tmp_path) -> None:
    shock = {"at_hour": 0.5, "deployment": MINI, "input": 0.2, "output": 0.8}
    world = World(small(hours=2, shocks=[shock], requests_per_hour=1000), 1)
    logged(world, tmp_path, EVENLY).dispose()
    written = write_world(tmp_path / "mine", config=configured(tmp_path, world), environ={})
    found, true = load_scenario(written.parent), world.scenario
    assert (found.hours, found.starts_at) == (2, true.starts_at)
    assert found.requests_per_hour == pytest.approx(1000, rel=0.1)
    assert found.feedback_share == pytest.approx(0.75, abs=0.05)
    assert found.feedback_delay_s == pytest.approx(60, rel=0.15)
    assert (found.route.quality_floor, found.route.explore) == (0.8, 0.05)
    for name, place in true.deployments.items():
        mine = found.deployments[name]
        assert (mine.input, mine.output) == (place.input, place.output)
        assert mine.latency_s == pytest.approx(place.latency_s, rel=0.05)
        for task, quality in place.quality.items():
            assert mine.quality[task] == pytest.approx(quality, abs=0.12)
    (moved,) = found.shocks
    assert (moved.deployment, moved.input, moved.output) == (MINI, 0.2, 0.8)
    assert moved.at_hour == pytest.approx(0.5, abs=0.1)
    assert found.rivals.flagship == "openai/gpt-4o"
    again = World(found, 0)
    spent = [
        summarize(runner.run(each, "flagship", chosen(each, ["flagship"])["flagship"], 0), each)
        for each in (again, world)
    ]
    assert spent[0].spend_usd == pytest.approx(spent[1].spend_usd, rel=0.1)


def test_a_world_is_not_written_over_and_not_made_of_nothing(tmp_path) -> None:
    world = World(small(hours=0.05), 2)
    logged(world, tmp_path, EVENLY).dispose()
    config = configured(tmp_path, world)
    with pytest.raises(ConfigError, match="a world needs 50"):
        write_world(tmp_path / "mine", config=config, environ={})
    assert not (tmp_path / "mine").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scenario.toml").write_text("")
    with pytest.raises(ConfigError, match="is there already"):
        write_world(tmp_path / "mine", config=config, environ={})
    with pytest.raises(ConfigError, match="there is no route 'fast'"):
        write_world(tmp_path / "other", config=config, environ={}, route="fast")


def test_tables_are_written_as_toml_reads_them() -> None:
    import tomllib

    body = {
        "title": 'a "quoted" name',
        "hours": 2.0,
        "route": {"floor": 0.5},
        "rhythm": {"by_hour": [1.0, 2.0]},
        "deployments": {"a/b-1.5@eu": {"input": 0.25, "quality": {"sql": 0.5, "x y": 1.0}}},
        "shocks": [{"at_hour": 0.5, "deployment": "a/b-1.5@eu"}, {"at_hour": 1.0}],
        "none": [],
    }
    assert tomllib.loads(toml(body)) == body
