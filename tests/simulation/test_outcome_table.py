"""Tables of past outcomes: what is read, the world that follows it, and faults in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.logs import small
from windsock.core.model.calls import Attempt, AttemptReason
from windsock.errors import ConfigError
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.results.measures import summarize
from windsock.simulation.world.outcome_table import read_table
from windsock.simulation.world.outcome_world import OutcomeWorld, with_outcomes, world_of

NAMES = ("openai/gpt-4o", "openai/gpt-4o-mini", "deepseek/deepseek-chat")
HEAD = "prompt,task,deployment,reward,input_tokens,output_tokens"


def lines(prompts: int = 12) -> list[str]:
    """Two tasks; graded rewards and lengths that differ by deployment."""
    found = [HEAD]
    for i in range(prompts):
        task = ("sentiment", "sql")[i % 2]
        for k, name in enumerate(NAMES):
            found.append(
                f"p{i},{task},{name},{0.9 - 0.2 * k + 0.01 * (i % 5)},{100 + i},{20 + 10 * k}"
            )
    return found


def written(folder: Path, rows: list[str]) -> Path:
    path = folder / "outcomes.csv"
    path.write_text("\n".join(rows) + "\n" * bool(rows))
    return path


def test_a_table_gives_tasks_qualities_and_tokens_and_the_scenario_the_rest(tmp_path) -> None:
    table = read_table(written(tmp_path, lines()))
    scenario = with_outcomes(small(), table)
    assert (table.names, table.tasks) == (NAMES, ("sentiment", "sql"))
    assert scenario.tasks["sql"].share == 6
    mean = np.mean([0.7 + 0.01 * (i % 5) for i in range(1, 12, 2)])
    assert scenario.deployments["openai/gpt-4o-mini"].quality["sql"] == pytest.approx(mean)
    assert scenario.deployments["openai/gpt-4o"].input == 2.5


def test_answers_are_those_of_the_table(tmp_path) -> None:
    table = read_table(written(tmp_path, lines()))
    world = world_of(with_outcomes(small(hours=0.2), table), 1, table)
    assert isinstance(world, OutcomeWorld)
    for ask in world.asks[:40]:
        assert ask.task == ("sentiment", "sql")[(ask.prompt_tokens - 100) % 2]
        row = ask.prompt_tokens - 100
        for k, name in enumerate(NAMES):
            told = 0.9 - 0.2 * k + 0.01 * (row % 5)
            assert world.worth(name, ask, ask.at) == pytest.approx(told)
            attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
            usage = world.call(attempt, ask, ask.at).usage
            assert usage is not None
            assert (usage.input_tokens, usage.output_tokens) == (100 + row, 20 + 10 * k)


def test_the_flagship_earns_its_mean_reward_at_its_own_tokens(tmp_path) -> None:
    table = read_table(written(tmp_path, lines()))
    world = world_of(with_outcomes(small(hours=1), table), 2, table)
    run = runner.run(world, "flagship", chosen(world, ["flagship"])["flagship"], 2)
    found = summarize(run, world)
    assert found.success == pytest.approx(0.9 + 0.0192, abs=0.002)
    expected = sum((ask.prompt_tokens * 2.5 + 20 * 10) / 1e6 for ask in world.asks)
    assert found.spend_usd == pytest.approx(expected)


def test_parquet_says_the_same_as_csv(tmp_path) -> None:
    from pyarrow import csv, parquet

    path = written(tmp_path, lines())
    parquet.write_table(csv.read_csv(path), tmp_path / "outcomes.parquet")
    one, other = read_table(path), read_table(tmp_path / "outcomes.parquet")
    assert (one.names, one.tasks) == (other.names, other.tasks)
    assert np.array_equal(one.reward, other.reward)
    assert np.array_equal(one.tokens, other.tokens)


def changed(number: int, line: str | None) -> list[str]:
    rows = lines()
    if line is None:
        del rows[number]
    else:
        rows[number] = line
    return rows


GOOD = "p0,sentiment,openai/gpt-4o"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["is empty", "deployment"]),
        ([HEAD], ["holds no outcomes"]),
        (changed(0, HEAD.replace("reward", "score")), ["'reward' is missing", "score"]),
        (changed(1, f"{GOOD},nan,100,20"), [":2", "'nan'", "0 to 1"]),
        (changed(1, f"{GOOD},1.2,100,20"), [":2", "'1.2'", "0 to 1"]),
        (changed(1, f"{GOOD},,100,20"), [":2", "''", "0 to 1"]),
        (changed(1, f"{GOOD},0.5,-3,20"), [":2", "input_tokens", "'-3'"]),
        (changed(1, f"{GOOD},0.5,3,inf"), [":2", "output_tokens", "'inf'"]),
        (changed(1, f"{GOOD},0.5,3"), [":2", "output_tokens", "None"]),
        (changed(4, "p0,sentiment,openai/gpt-4o,0.5,3,3"), [":5", "two rows", "'p0'"]),
        (changed(2, "p0,sql,openai/gpt-4o-mini,0.5,3,3"), [":3", "two tasks"]),
        (changed(1, ",sentiment,openai/gpt-4o,0.5,3,3"), [":2", "prompt is empty"]),
        (changed(5, None), ["'p1' has no row of 'openai/gpt-4o-mini'"]),
    ],
)
def test_a_malformed_table_stops_with_one_sentence(rows, words, tmp_path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_table(written(tmp_path, rows))
    for word in ["outcomes.csv", *words]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_does_not_fit_the_scenario_names_the_deployment(tmp_path) -> None:
    strange = [line.replace("deepseek/deepseek-chat", "deepseek/deepseek-r9") for line in lines()]
    with pytest.raises(ConfigError, match="no deployment 'deepseek/deepseek-r9'"):
        with_outcomes(small(), read_table(written(tmp_path, strange)))
    fewer = [line for line in lines() if "deepseek" not in line]
    with pytest.raises(ConfigError, match="no row is of 'deepseek/deepseek-chat'"):
        with_outcomes(small(), read_table(written(tmp_path, fewer)))


def test_files_that_are_none_stop_with_one_sentence(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.csv: cannot be read"):
        read_table(tmp_path / "nothing.csv")
    (tmp_path / "x.parquet").write_text("no parquet")
    with pytest.raises(ConfigError, match=r"x\.parquet: is no Parquet file"):
        read_table(tmp_path / "x.parquet")
    (tmp_path / "x.csv").write_bytes(b"prompt,\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"x\.csv: is no CSV"):
        read_table(tmp_path / "x.csv")


def test_more_requests_than_can_be_stepped_are_refused_with_the_key(tmp_path) -> None:
    table = read_table(written(tmp_path, lines()))
    with pytest.raises(ConfigError, match="requests_per_hour"):
        with_outcomes(small(hours=720, requests_per_hour=83_333), table)
