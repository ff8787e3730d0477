"""Beliefs from past evaluations, taught and taken back; the ladder; weights of a past moment."""

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.learning.outcomes_csv import read_outcomes
from windsock.errors import ConfigError

ASK = {"model": "auto", "metadata": {"task": "sql"}, "messages": [{"role": "user", "content": "x"}]}


async def cell(it, **asked):
    answer = await it.http.get("/v1/weights", params={"route": "auto", "task": "sql", **asked})
    return answer.json()["data"]


async def test_a_lesson_moves_weights_and_taking_it_back_restores_them(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.2))
        async with running(config, tmp_path) as it:
            (before,) = await cell(it)
            rates = [
                {"task": "sql", "deployment": "acme/m", "success": 0.4, "count": 200},
                {"task": "sql", "deployment": "bolt/m", "success": 0.95, "count": 200},
            ]
            lesson = await it.http.post("/v1/learn", json={"route": "auto", "results": rates})
            assert lesson.json() == {"lesson": 1, "taught": 2}
            (taught,) = await cell(it)
            assert taught["weights"]["bolt/m"] > 0.9 > before["weights"]["bolt/m"]
            assert (await it.http.delete("/v1/learn/1")).json()["taught"] == 2
            (after,) = await cell(it)
            assert after["weights"] == pytest.approx(before["weights"], abs=1e-6)
            unknown = [{**rates[0], "deployment": "nobody/m"}]
            refused = await it.http.post("/v1/learn", json={"route": "auto", "results": unknown})
            assert refused.status_code == 400


async def test_the_ladder_rises_from_cheapest_to_best(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 5.0))
        async with running(config, tmp_path) as it:
            (found,) = await cell(it, ladder=1)
            costs = [rung["expected_usd"] for rung in found["ladder"]]
            assert costs == sorted(costs)
            assert costs[0] < costs[-1]
            for rung in found["ladder"]:
                assert sum(rung["weights"].values()) == pytest.approx(1)


async def test_weights_of_a_past_moment(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.2))
        async with running(config, tmp_path) as it:
            await it.http.post("/v1/chat/completions", json=ASK)
            (now,) = await cell(it)
            await it.service.ledger.flushed()
            moment = it.service.clock.now()
            rates = [{"task": "sql", "deployment": "acme/m", "success": 0.1, "count": 200}]
            await it.http.post("/v1/learn", json={"route": "auto", "results": rates})
            (later,) = await cell(it)
            (then,) = await cell(it, at=moment)
            assert then["weights"] == now["weights"] != later["weights"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task,deployment\nsql,a\n", "header"),
        ("task,deployment,reward\n", "no outcomes"),
        ("task,deployment,reward\nsql,a,1.2\n", ":2: '1.2' is no share"),
        ("task,deployment,reward\nsql,a,nan\n", ":2: 'nan' is no share"),
        ("task,deployment,success,count\nsql,a,0.5,-1\n", ":2: '-1' is no count"),
        ("task,model\nsql,a\n", "header"),
        ("task;model;success\nsql;a;1\n", "header"),
        ("task,model,success\nsql,a,yes\n", ":2: 'yes' is no share"),
        ("task,model,success\nsql,a,\n", ":2: '' is no share"),
        ("task,model,success\nsql,a\n", ":2: None is no share"),
    ],
)
def test_a_faulty_table_of_outcomes_is_named(text, words, tmp_path) -> None:
    (tmp_path / "o.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"o\.csv") as caught:
        read_outcomes(tmp_path / "o.csv")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "task,deployment,reward\nsql,a,1\nsql,a,0\nner,a,0.5\n",
        "prompt_id,task,model,success,prompt_chars\n1,sql,a,True,9\n2,sql,a,false,9\n3,ner,a,.5,9\n",
        "\ufefftask,model,success,count\nsql,a,0.5,2\nner,a,0.5,1\n",
    ],
)
def test_rewards_per_prompt_become_rates(text, tmp_path) -> None:
    (tmp_path / "o.csv").write_text(text)
    assert read_outcomes(tmp_path / "o.csv") == [
        {"task": "sql", "deployment": "a", "success": 0.5, "count": 2.0},
        {"task": "ner", "deployment": "a", "success": 0.5, "count": 1.0},
    ]


@pytest.mark.parametrize("is_on", [True, False])
async def test_public_figures_are_priors_that_are_named_and_can_be_switched_off(
    is_on, tmp_path
) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.0))
        config += '[deployments."acme/m"]\nmodel = "gpt-4.1"\n'
        config += '[deployments."bolt/m"]\nmodel = "gpt-4.1-nano"\n'
        config += f"[learning]\npriors = {str(is_on).lower()}\n"
        async with running(config, tmp_path) as it:
            (found,) = await cell(it)
            first, second = found["candidates"]
            assert (first["success_mean"] > second["success_mean"]) == is_on
            sources = ["LiveBench 2025-05-30"] * 2 if is_on else [None, None]
            assert [first["prior"], second["prior"]] == sources
