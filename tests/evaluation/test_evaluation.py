"""Evaluation of another policy on a log: known truths, changed prices, and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.builders import deployment, request
from tests.command import windsock
from tests.evaluation.logs import (
    dearer,
    logged,
    policy_toml,
    reconsider,
    small,
    truth_of,
)
from windsock.cli.evaluate import evaluate
from windsock.core.model.catalog import Catalog
from windsock.core.model.exclusions import OF_THE_REQUEST, exclusion_of
from windsock.core.model.requests import Preferences
from windsock.core.policies.baselines import Fixed, Uniform
from windsock.errors import ConfigError
from windsock.evaluation import report
from windsock.evaluation.estimators import (
    ArmColumns,
    Estimate,
    Sample,
    difference,
    effective_samples,
    estimates,
)
from windsock.evaluation.evaluation import evaluation
from windsock.evaluation.labels import labels_of
from windsock.evaluation.repricing import repriced
from windsock.evaluation.samples import plain_sample
from windsock.simulation.engines import runner
from windsock.simulation.engines.contenders import Contender, chosen
from windsock.simulation.results.measures import summarize
from windsock.simulation.world.world import World

EVENLY = Contender(make=lambda *_: Uniform())
MINI, FLAGSHIP = "openai/gpt-4o-mini", "openai/gpt-4o"
UNPRICED = "openai/never-listed"


def bandit(rng: np.random.Generator, n: int, model: float) -> tuple[Sample, float]:
    """Two arms, of which the logged policy takes the better one every tenth time.

    model   what it expects of every answer
    """
    p, pi, q = np.array([0.9, 0.1]), np.array([0.2, 0.8]), np.array([0.4, 0.7])
    taken = (rng.random(n) < p[1]).astype(int)
    y = (rng.random(n) < q[taken]).astype(float)
    guess = np.full(n, model)
    ratio = np.tile(pi / p, n)
    variance = np.tile(pi**2 / p * (q * (1 - q) + (q - model) ** 2), n)
    drawn = variance * np.tile(1 - p, n)
    arms = ArmColumns(ratio=ratio, noise=variance, drawn=drawn, doubt=np.tile(pi, n))
    sample = Sample(w=(pi / p)[taken], seen=np.ones(n), y=y, taken=guess, expected=guess, arms=arms)
    return sample, float(pi @ q)


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "switch_dr"])
@pytest.mark.parametrize("model", [0.0, 0.6])
def test_intervals_hold_the_truth_as_often_as_they_say(name, model) -> None:
    """95 % of 1000 logs of 400 requests; 2 % is three standard errors of that count."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        sample, truth = bandit(rng, 400, model)
        found = estimates(sample)[name]
        held += found.low <= truth <= found.high
    assert held >= 930


@pytest.mark.parametrize("chance", [0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2])
def test_requests_that_are_all_alike_hide_no_error(n, chance) -> None:
    """All went where the new policy sends all, at a thirtieth of what the model expects: nothing
    is saved, which is sure only where they could go nowhere else."""
    ones, noise = np.ones(n), np.full(n, 189.0**2 / chance)
    sample = Sample(
        w=ones / chance, seen=ones, y=ones * 6, taken=ones * 195, expected=ones * 195,
        arms=ArmColumns(ratio=ones / chance, noise=noise, drawn=noise * (1 - chance),
                        doubt=ones * 400),
    )  # fmt: skip
    log, new = estimates(plain_sample([6.0] * n))["snips"], estimates(sample)["switch_dr"]
    found = difference(log, new, effective_samples(sample.w))
    assert found.low <= 0 <= found.high
    assert (found.low == found.high) is (chance == 1.0)


def test_a_model_that_knows_takes_the_noise_of_weights_away() -> None:
    rng = np.random.default_rng(6)
    errors = {"ips": 0.0, "dr": 0.0}
    for _ in range(200):
        sample, truth = bandit(rng, 400, 0.6)
        found = estimates(sample)
        for name in errors:
            errors[name] += (found[name].mean - truth) ** 2
    assert errors["dr"] < 0.6 * errors["ips"]


def test_effective_samples_are_all_where_the_policies_agree() -> None:
    assert effective_samples(np.ones(50)) == 50
    assert effective_samples(np.array([0.0, 0.0, 9.0])) == 1
    assert effective_samples(np.zeros(3)) == 0


def test_eight_logs_and_the_truth_of_the_new_policy(tmp_path) -> None:
    """Of sixteen intervals at most one misses; two hundred logs: `tests.benchmarks.eval_truth`."""
    held = []
    for seed in range(8):
        world = World(small(hours=0.9), seed)
        engine = logged(world, tmp_path, EVENLY)
        found = reconsider(world, engine, floor=0.9)
        engine.dispose()
        verdict, truth = evaluation(found), truth_of(found, world)
        assert verdict.new is not None, verdict.refusal
        for estimate, true in (
            (verdict.new.success, truth.success),
            (verdict.new.usd, truth.usd),
        ):
            held.append(estimate.low <= true <= estimate.high)
    assert sum(held) >= 15


def test_a_dearer_model_estimated_and_really_run_agree_within_two_percent(tmp_path) -> None:
    scenario = small(hours=1.5)
    world = World(scenario, 3)
    engine = logged(world, tmp_path, EVENLY)
    found = reconsider(world, engine, floor=0.8, prices=(f"{FLAGSHIP}=x1.3",), names=(FLAGSHIP,))
    engine.dispose()
    new = evaluation(found).new
    assert new is not None
    real = World(dearer(scenario, FLAGSHIP, 1.3), 3)
    run = summarize(runner.run(real, "flagship", chosen(real, ["flagship"])["flagship"], 3), real)
    assert new.usd.mean == pytest.approx(run.spend_usd / run.requests, rel=0.02)
    assert new.success.low < run.success < new.success.high


def test_the_same_calls_at_other_prices_cost_exactly_that(tmp_path) -> None:
    world = World(small(hours=0.8), 4)
    engine = logged(world, tmp_path, EVENLY)
    found = reconsider(
        world, engine, floor=0.8, prices=("openai/*=x2", f"{MINI}=x3"), names=(MINI,)
    )
    engine.dispose()
    factor = {FLAGSHIP: 2, MINI: 3, "deepseek/deepseek-chat": 1}
    for row in found.rows:
        expected = row.cost_usd * factor[row.decision.deployment]
        assert row.repriced_usd == pytest.approx(expected, rel=1e-9)


def test_a_price_change_moves_the_new_weights_as_it_would_the_service(tmp_path) -> None:
    world = World(small(hours=1), 5)
    engine = logged(world, tmp_path, EVENLY)
    plain = reconsider(world, engine, floor=0.8)
    dear = reconsider(world, engine, floor=0.8, prices=("deepseek/*=x20",))
    engine.dispose()

    def share(found):
        return np.mean([row.of_taken(row.weights) for row in found.rows
                        if row.decision.deployment == "deepseek/deepseek-chat"])  # fmt: skip

    assert share(dear) < share(plain) / 2


def test_answers_nobody_judged_are_no_failures(tmp_path) -> None:
    """A third is judged, at random: the logged success is the true one, within four errors."""
    world = World(small(hours=1.5, feedback_share=0.33), 6)
    engine = logged(world, tmp_path, EVENLY)
    verdict = evaluation(reconsider(world, engine, floor=0.8, names=(MINI,)))
    engine.dispose()
    qualities = [
        world.quality(name, ask.task, ask.at) for ask in world.asks for name in world.names
    ]
    assert verdict.logged is not None
    success = verdict.logged.success
    assert abs(success.mean - np.mean(qualities)) < 2 * (success.high - success.low) / 2
    assert success.mean > 0.8
    assert all(0.1 < cell.feedback_rate < 0.6 for cell in verdict.cells)


def test_where_the_log_never_went_nothing_is_said(tmp_path) -> None:
    world = World(small(hours=0.8), 7)
    engine = logged(world, tmp_path, Contender(make=lambda *_: Fixed(FLAGSHIP)))
    verdict = evaluation(reconsider(world, engine, floor=0.8, names=(MINI,)))
    engine.dispose()
    assert verdict.refusal is not None
    assert "where the log never went" in verdict.refusal
    assert verdict.new is None


def test_a_log_without_judgements_or_decisions_is_refused(tmp_path) -> None:
    world = World(small(hours=0.8, feedback_share=0), 8)
    engine = logged(world, tmp_path, EVENLY)
    found = reconsider(world, engine, floor=0.8, names=(MINI, UNPRICED))
    alone = evaluation(reconsider(world, engine, floor=0.8, names=(UNPRICED,)))
    engine.dispose()
    verdict = evaluation(found)
    assert "no answer in this time was judged" in str(verdict.refusal)
    assert verdict.unpriced == alone.unpriced == {UNPRICED: len(found.rows)}
    assert alone.refusal == "all that was logged is left out"
    text = "\n".join(report.report_lines(alone, policy="new.toml", prices=(), width=200))
    assert f'state one in new.toml, [deployments."{UNPRICED}".price]' in text
    found.rows.clear()
    assert "no decision" in str(evaluation(found).refusal)


def test_reasons_that_lie_in_the_request_are_known_by_their_words() -> None:
    lacking = deployment("acme/m", vision=False, audio=None, tools=False, json_schema=False,
                         context_tokens=100, max_output_tokens=10)  # fmt: skip
    catalog = Catalog([lacking])
    asks = [
        *(request(needs=frozenset({need})) for need in ("vision", "audio", "tools", "json_schema")),
        request(prompt_tokens=500),
        request(prompt_tokens=1, preferences=Preferences(only=("bolt",))),
        request(prompt_tokens=1, preferences=Preferences(ignore=("acme",))),
    ]
    for ask in asks:
        reason = catalog.ruled_out("acme/m", ask, 0.0)
        assert reason is not None
        assert reason.code in OF_THE_REQUEST
        assert exclusion_of(reason.text) == reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("deepseek/*", "write PATTERN=xFACTOR"),
        ("=x2", "write PATTERN=xFACTOR"),
        ("deepseek/*=x", "'' is no number"),
        ("deepseek/*=xnan", "nan is not a price"),
        ("deepseek/*=-1/2", "-1 is not a price"),
        ("deepseek/*=1e400/2", "1e400 is not a price"),
        ("deepseek/*=1", "'' is no number"),
    ],
)
def test_a_price_that_is_none_is_one_sentence(text, words) -> None:
    with pytest.raises(ConfigError) as caught:
        repriced([text])
    assert words in str(caught.value)
    assert "--price" in str(caught.value)


def test_a_pattern_that_fits_nothing_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'openai/gpt-4o'"):
        repriced(["openai/gpt-4=x2"]).check(["openai/gpt-4o", MINI])


def configured(folder: Path, world: World) -> Path:
    path = folder / "windsock.toml"
    store = folder / f"log-{world.seed}.db"
    path.write_text(
        policy_toml(world.scenario, floor=0.8) + f'[store]\nurl = "sqlite:///{store}"\n'
    )
    return path


def test_the_verdict_is_printed_in_money_and_told_as_json(tmp_path, capsys) -> None:
    world = World(small(hours=0.9), 9)
    logged(world, tmp_path, EVENLY).dispose()
    config, new = configured(tmp_path, world), tmp_path / "new.toml"
    new.write_text(policy_toml(world.scenario, floor=0.9))
    prices = ["deepseek/*=x1.3"]
    found = evaluate(new, config=config, environ={"COLUMNS": "160"}, prices=prices)
    shown = capsys.readouterr().out
    assert "The new policy would have spent $" in shown
    assert "doubly robust" in shown
    told = json.loads(report.as_json(found, policy="new.toml", prices=prices))
    assert told["refusal"] is None
    assert set(told["estimators"]) == {"ips", "snips", "dr", "switch_dr"}
    assert told["new"]["success"]["low"] < told["new"]["success"]["mean"]
    assert told["new"] == told["estimators"]["switch_dr"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"since": "a while"}, "--since"),
        ({"prices": ["nobody/*=x2"]}, "no deployment fits 'nobody/*'"),
        ({"policy": Path("nothing.toml")}, "nothing.toml: cannot be read"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(arguments, words, tmp_path) -> None:
    world = World(small(hours=0.05), 10)
    logged(world, tmp_path, EVENLY).dispose()
    facts = {"policy": None, "config": configured(tmp_path, world), "environ": {}, **arguments}
    with pytest.raises(ConfigError) as caught:
        evaluate(facts.pop("policy"), **facts)
    assert words in str(caught.value)


def test_a_store_that_is_not_there_is_not_made(tmp_path) -> None:
    (tmp_path / "windsock.toml").write_text(
        policy_toml(small(), floor=0.8) + '[store]\nurl = "sqlite:///none.db"\n'
    )
    done = windsock("evaluate", folder=tmp_path)
    assert done.returncode == 2
    assert "there is no store at none.db" in done.stderr
    assert not (tmp_path / "none.db").exists()


def test_few_judged_answers_give_wide_intervals_that_hold_the_truth(tmp_path) -> None:
    """One of 25 is judged, some twenty answers a log: at most one interval of twelve misses."""
    held, halves = [], []
    for seed in range(6):
        world = World(small(hours=1.0, feedback_share=0.04), seed)
        engine = logged(world, tmp_path, EVENLY)
        found = reconsider(world, engine, floor=0.8, names=(MINI,))
        engine.dispose()
        verdict, truth = evaluation(found), truth_of(found, world)
        assert verdict.refusal is None
        assert verdict.labels is not None
        assert 5 <= verdict.labels.judged < 40
        for estimate, true in (
            (verdict.new.success, truth.success),
            (verdict.new.usd, truth.usd),
        ):
            held.append(estimate.low <= true <= estimate.high)
        assert 0.0 <= verdict.new.success.low < verdict.new.success.high <= 1.0
        halves.append((verdict.new.success.high - verdict.new.success.low) / 2)
    assert sum(held) >= 11
    assert min(halves) > 0.05


def test_the_log_itself_is_not_sure_of_its_success_by_three_right_answers(tmp_path) -> None:
    world = World(small(hours=0.8), 11)
    engine = logged(world, tmp_path, EVENLY)
    found = reconsider(world, engine, floor=0.8, names=(MINI,))
    engine.dispose()
    judged = [row for row in found.rows if row.reward is not None]
    for row in judged[3:]:
        row.reward = None
    for row in judged[:3]:
        row.reward = 1.0
    logged_value = evaluation(found).logged
    success = logged_value.success
    assert logged_value.usd_per_success.low == 0
    assert success.high - success.low > 0.2


def test_without_a_judgement_dollars_are_told_and_success_is_unknown(tmp_path, capsys) -> None:
    world = World(small(hours=0.8, feedback_share=0), 8)
    logged(world, tmp_path, EVENLY).dispose()
    config, new = configured(tmp_path, world), tmp_path / "new.toml"
    new.write_text(policy_toml(world.scenario, floor=0.8, names=(MINI,)))
    found = evaluate(new, config=config, environ={})
    shown = " ".join(capsys.readouterr().out.split())
    assert "The new policy would have spent $" in shown
    assert "Of success nothing can be said: no answer in this time was judged" in shown
    assert "unknown" in shown
    told = json.loads(report.as_json(found, policy="new.toml", prices=()))
    assert told["new"] is None
    assert told["logged"]["success"] is None
    assert told["saved_usd_per_request"]["low"] < told["saved_usd_per_request"]["high"]
    assert told["labels"]["more"] > 1000


def gain(mean: float, half: float) -> Estimate:
    return Estimate(mean=mean, low=mean - half, high=mean + half, parts=np.zeros(1))


@pytest.mark.parametrize(
    ("found", "more"),
    [
        (gain(0.10, 0.05), 0),  # it is better
        (gain(-0.10, 0.05), 0),  # it is worse
        (gain(0.0, 0.009), 0),  # it differs by less than a point, whichever way
        (gain(0.05, 0.10), 300),  # twice as sure takes four times the labels
        (gain(0.001, 0.02), 300),  # less than a point is not asked for
    ],
)
def test_how_many_labels_would_decide(found, more) -> None:
    assert labels_of(found, 100, requests=1000, samples=500.0).more == more


def test_without_labels_as_many_are_needed_as_the_worst_rewards_take() -> None:
    told = labels_of(None, 0, requests=1000, samples=1000.0)
    assert told.more == pytest.approx(0.25 * (1.96 / 0.01) ** 2, abs=1)
    assert labels_of(None, 0, requests=1000, samples=100.0).more == pytest.approx(10 * told.more, 1)
