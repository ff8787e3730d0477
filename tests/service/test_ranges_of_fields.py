"""Numbers out of range and wishes that cannot be kept to are refused, naming field and mend."""

import json

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream

TURN = {"messages": [{"role": "user", "content": "hi"}]}
ASK = {"model": "auto", **TURN}


def fine(body: dict) -> Answer:
    return Answer(events=stream_of(["hi"])) if body.get("stream") else Answer(completion())


OUT_OF_RANGE = [
    ("max_tokens", "-5"),
    ("max_tokens", "0"),
    ("max_tokens", "1" + "0" * 30),
    ("max_tokens", '"12"'),
    ("max_tokens", "1.5"),
    ("max_completion_tokens", "-1"),
    ("max_completion_tokens", "1e30"),
    ("n", "0"),
    ("n", "1000000000"),
    ("n", "true"),
    ("temperature", "-0.1"),
    ("temperature", "2.5"),
    ("temperature", "1e999"),
    ("temperature", "[]"),
    ("top_p", "1.01"),
    ("top_p", "-1"),
    ("top_k", "-2"),
    ("min_p", "2"),
    ("frequency_penalty", "-3"),
    ("presence_penalty", "2.01"),
    ("repetition_penalty", "-1"),
    ("top_logprobs", "21"),
    ("seed", "1" + "0" * 30),
]

UNKEPT = [
    ("sort", 7),
    ("sort", "fastest"),
    ("sort", {"by": "speed"}),
    ("sort", ["price"]),
    ("sort", {"by": "price", "partition": "none"}),
    ("max_price", 3),
    ("max_price.prompt", -1),
    ("max_price.completion", "cheap"),
    ("max_price.prompt", "NaN"),
    ("max_price", {"audio": 1}),
    ("order", "acme"),
    ("only", [1]),
    ("allow_fallbacks", "no"),
    ("preferred_max_latency", -1),
    ("preferred_max_latency", "fast"),
    ("preferred_max_latency", {"p98": 1}),
    ("preferred_min_throughput", 0),
    ("data_collection", "deny"),
    ("data_collection", "perhaps"),
    ("zdr", True),
    ("require_parameters", "yes"),
    ("enforce_distillable_text", True),
    ("quantizations", ["fp8"]),
    ("srot", "price"),
]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/completions"])
async def test_a_number_out_of_its_range_is_refused_in_every_format(tmp_path, path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        for field, value in OUT_OF_RANGE:
            rest = json.dumps({**ASK, "prompt": "hi"})[1:]
            answer = await it.http.post(path, content=f'{{"{field}": {value}, {rest}')
            assert answer.status_code == 400, (field, value)
            assert field in answer.json()["error"]["message"] or "1e999" in value
        assert acme.seen == []


async def test_a_refused_number_is_told_with_its_range(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        answer = await it.http.post("/v1/chat/completions", json={**ASK, "n": 0})
        error = answer.json()["error"]
        assert error["param"] == "n"
        assert error["message"].startswith("n must be a whole number from 1 to 128")
        ask = {"model": "auto", "input": "hi", "max_output_tokens": -5}
        answer = await it.http.post("/v1/responses", json=ask)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith("max_output_tokens must be a whole")
        ask = {"model": "auto", "input": "hi", "dimensions": 0}
        answer = await it.http.post("/v1/embeddings", json=ask)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "dimensions"


async def test_the_ends_of_a_range_and_null_are_in_it(tmp_path) -> None:
    ends = [("max_tokens", 1), ("max_tokens", 2**31 - 1), ("temperature", 0), ("temperature", 2),
            ("top_p", 1), ("n", 1), ("n", None), ("top_k", -1), ("seed", -1)]  # fmt: skip
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        for field, value in ends:
            answer = await it.http.post("/v1/chat/completions", json={**ASK, field: value})
            assert answer.status_code == 200, (field, value)
            assert acme.seen[-1][field] == value


async def test_what_provider_asks_for_is_kept_to_or_refused(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        for path, value in UNKEPT:
            name, _, part = path.partition(".")
            wishes = {name: {part: value} if part else value}
            answer = await it.http.post("/v1/chat/completions", json={**ASK, "provider": wishes})
            assert answer.status_code == 400, (path, value)
            assert answer.json()["error"]["param"] == f"provider.{path}"
            assert f"provider.{path}" in answer.json()["error"]["message"]
        assert "did you mean 'sort'" in answer.json()["error"]["message"]
        harmless = {"zdr": False, "data_collection": "allow", "require_parameters": False,
                    "quantizations": [], "sort": {"by": "price"}, "order": None,
                    "max_price": {"prompt": "5"}}  # fmt: skip
        answer = await it.http.post("/v1/chat/completions", json={**ASK, "provider": harmless})
        assert answer.status_code == 200


async def test_fields_beside_provider_are_kept_to_or_refused(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        for field, value in (("transforms", ["middle-out"]), ("route", "cheapest")):
            answer = await it.http.post("/v1/chat/completions", json={**ASK, field: value})
            assert answer.status_code == 400
            assert answer.json()["error"]["param"] == field
        ask = {**ASK, "transforms": [], "route": "fallback", "usage": {"include": True}}
        answer = await it.http.post("/v1/chat/completions", json=ask)
        assert answer.json()["usage"]["cost"] > 0
        assert acme.seen == [{**ASK, "model": "m"}]


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}])
async def test_usage_include_brings_the_usage_of_a_stream(tmp_path, options) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        ask = {**ASK, "stream": True, "usage": {"include": True}, **options}
        answer = await it.http.post("/v1/chat/completions", json=ask)
        assert b'"cost":' in answer.content
        assert acme.seen[0]["stream_options"] == {"include_usage": True}


async def test_no_time_may_be_below_zero(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        for text in ("-1", "0", "nan", "inf"):
            headers = {"x-windsock-timeout": text}
            answer = await it.http.post("/v1/chat/completions", json=ASK, headers=headers)
            assert answer.status_code == 400
            assert "seconds above 0" in answer.json()["error"]["message"]


async def test_who_leaves_a_field_out_is_not_asked_where_all_are_required(tmp_path) -> None:
    takes = '[providers.acme.parameters]\nleave_out = ["seed"]\nrename = {max_tokens = "m"}\n'
    async with upstream(fine) as model:
        text = config_of(("acme", model.url, 0.01), ("bolt", model.url, 9.0)) + takes
        async with running(text, tmp_path) as it:
            ask = {**ASK, "seed": 1, "max_tokens": 5, "provider": {"require_parameters": True}}
            for _ in range(5):
                answer = await it.http.post("/v1/chat/completions", json=ask)
                assert answer.headers["x-windsock-deployment"] == "bolt/m"
            answer = await it.http.post("/v1/chat/completions", json={**ask, "model": "acme/m"})
            assert answer.status_code == 422
            assert "does not take seed" in answer.json()["error"]["message"]
            del ask["seed"]
            answer = await it.http.post("/v1/chat/completions", json={**ask, "model": "acme/m"})
            assert answer.status_code == 200


async def test_models_may_stand_without_a_model(tmp_path) -> None:
    async with upstream(fine) as acme, running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
        ask = {"models": ["gone", "auto"], **TURN}
        answer = await it.http.post("/v1/chat/completions", json=ask)
        assert answer.status_code == 200
        assert acme.seen == [{"model": "m", **TURN}]
        for empty in ({}, {"models": []}, {"model": "", "models": None}):
            answer = await it.http.post("/v1/chat/completions", json={**empty, **TURN})
            assert answer.status_code == 400
            assert answer.json()["error"]["param"] == "model"
