"""OpenRouter's fields and suffixes: each is kept to, left out by name, or refused with the mend."""

from contextlib import asynccontextmanager

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.config.file import parse
from windsock.errors import ConfigError

ASK = {"messages": [{"role": "user", "content": "hi"}]}


@asynccontextmanager
async def serving(tmp_path, config: str, reply=lambda _: Answer(completion())):
    """A service over providers acme ($2) and bolt ($1), both at one server, and what it saw."""
    async with upstream(reply) as model:
        text = config_of(("acme", model.url, 2.0), ("bolt", model.url, 1.0))
        async with running(text + config.replace("URL", model.url), tmp_path) as it:
            yield it, model


async def asked(it, model="auto", path="/v1/chat/completions", **fields):
    return await it.http.post(path, json={**ASK, "model": model, **fields})


def served(answer) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-windsock-deployment"]


TERMS = [
    ({"zdr": True}, "zdr = true"),
    ({"data_collection": "deny"}, "collects_data = false"),
    ({"data_collection": "deny"}, "zdr = true"),
    ({"enforce_distillable_text": True}, "distillable = true"),
    ({"quantizations": ["fp8", "bf16"]}, 'quantization = "fp8"'),
]


@pytest.mark.parametrize(("wish", "stated"), TERMS)
async def test_terms_that_an_owner_states_are_a_filter(tmp_path, wish, stated) -> None:
    config = f'[deployments."acme/m"]\n{stated}\n[routes.other]\ncandidates = ["bolt/m"]\n'
    async with serving(tmp_path, config) as (it, _):
        for _ in range(6):
            assert served(await asked(it, provider=wish)) == "acme/m"
        refused = await asked(it, "other", provider=wish)
        assert refused.status_code == 422
        assert f"provider.{next(iter(wish))} demands" in refused.json()["error"]["message"]


@pytest.mark.parametrize("wish", [wish for wish, _ in TERMS[1:]])
async def test_terms_that_nobody_states_are_refused_with_the_mend(tmp_path, wish) -> None:
    async with serving(tmp_path, "") as (it, _):
        for path in ("/v1/chat/completions", "/v1/messages"):
            refused = await asked(it, path=path, max_tokens=9, provider=wish)
            assert refused.status_code == 400
            assert f"provider.{next(iter(wish))}: no deployment" in refused.text
            assert "[providers.NAME]" in refused.text


async def test_a_deployments_word_is_stronger_than_its_providers(tmp_path) -> None:
    config = '[deployments."acme/m"]\nzdr = false\n[deployments."acme/n"]\n'
    async with upstream(lambda _: Answer(completion())) as model:
        text = config_of(("acme", model.url, 2.0)).replace("price", "zdr = true\nprice")
        async with running(text + config, tmp_path) as it:
            assert (await asked(it, "acme/m", provider={"zdr": True})).status_code == 422
            assert served(await asked(it, "acme/n", provider={"zdr": True})) == "acme/n"


async def test_what_no_one_states_of_a_quantization_is_unknown(tmp_path) -> None:
    config = '[deployments."acme/m"]\nquantization = "int4"\n'
    async with serving(tmp_path, config) as (it, _):
        wish = {"quantizations": ["unknown", "fp16"]}
        assert served(await asked(it, provider=wish)) == "bolt/m"
    with pytest.raises(ConfigError, match="quantization"):
        parse('[deployments."acme/m"]\nquantization = "q4"\n', {}, source="windsock.toml")


async def test_an_order_without_fallbacks_is_all_who_are_asked(tmp_path) -> None:
    """As at OpenRouter: its members one after the other, and nobody else."""
    async with serving(tmp_path, "", lambda _: Answer({"error": "x"}, status=500)) as (it, model):
        for order, who in (
            (["acme", "bolt"], {"acme", "bolt"}),
            (["bolt"], {"bolt"}),
            (["nobody", "acme/m"], {"acme"}),
        ):
            del model.headers[:]
            wish = {"order": order, "allow_fallbacks": False}
            assert (await asked(it, provider=wish)).status_code == 502
            assert {each["authorization"].split("-")[2] for each in model.headers} == who
        nobody = await asked(it, provider={"order": ["deepinfra"], "allow_fallbacks": False})
        assert nobody.status_code == 422


def paced(body):
    """A short answer at once, or a long one: the model decides how fast it is."""
    tokens = 4000 if body["model"] == "fast" else 4
    used = {"prompt_tokens": 12, "completion_tokens": tokens, "total_tokens": 12 + tokens}
    return Answer(completion(usage=used), wait_s=0.02)


async def test_tokens_a_second_are_measured_and_asked_for(tmp_path) -> None:
    config = '[routes.pace]\ncandidates = ["acme/slow", "bolt/fast"]\n'
    async with serving(tmp_path, config, paced) as (it, _):
        for name in ("acme/slow", "bolt/fast"):
            for _ in range(11):
                await asked(it, name)
        for least in (5000, {"p50": 5000}, {"p90": 5000, "p50": 6000}):
            for _ in range(4):
                wish = {"preferred_min_throughput": least}
                assert served(await asked(it, "pace", provider=wish)) == "bolt/fast"
        assert served(await asked(it, "pace", provider={"sort": "throughput"})) == "bolt/fast"
        assert served(await asked(it, "pace:nitro")) == "bolt/fast"
        wish = {"preferred_min_throughput": 5000}
        fallen = await asked(it, "acme/slow", models=["bolt/fast"], provider=wish)
        assert served(fallen) == "bolt/fast"
        alone = await asked(it, "acme/slow", provider=wish)
        assert served(alone) == "acme/slow"
        late = {"preferred_max_latency": {"p99": 0.001, "p50": 5}}
        assert served(await asked(it, "pace", provider=late)) in ("acme/slow", "bolt/fast")


async def test_each_name_has_its_own_suffix(tmp_path) -> None:
    gift = (
        '[providers.gift]\nbase_url = "URL"\nprice = { input = 0, output = 0, reason = "own" }\n'
        '[routes.mixed]\ncandidates = ["acme/m", "gift/m"]\n'
    )
    async with serving(tmp_path, gift) as (it, _):
        assert served(await asked(it, "acme/m:free", models=["acme/m"])) == "acme/m"
        assert served(await asked(it, "mixed:free", models=["acme/m:floor"])) == "gift/m"
        assert served(await asked(it, "acme/m:free", models=["bolt/m:free", "auto:floor"])) == (
            "bolt/m"
        )
        nobody = await asked(it, "acme/m:free", models=["bolt/m:free"])
        assert nobody.status_code == 422
        assert "above the caller's $0" in nobody.json()["error"]["message"]


async def test_a_ceiling_holds_for_all_names(tmp_path) -> None:
    """The dear fallback is not asked although the first one fails."""

    async with serving(tmp_path, "", lambda _: Answer({"error": {"message": "no"}}, 500)) as (
        it,
        model,
    ):
        wish = {"max_price": {"prompt": 1.5}}
        await asked(it, "bolt/m", models=["acme/m"], provider=wish)
        assert {each["model"] for each in model.seen} == {"m"}
        assert {each["authorization"] for each in model.headers} == {
            "Bearer sk-upstream-bolt-secret"
        }


async def test_a_price_of_a_request_is_bounded_too(tmp_path) -> None:
    fee = '[providers.fee]\nbase_url = "URL"\nprice = { input = 1, output = 1, request = 5000 }\n'
    async with serving(tmp_path, fee + '[routes.x]\ncandidates = ["fee/m"]\n') as (it, _):
        assert served(await asked(it, "x", provider={"max_price": {"request": "0.005"}})) == "fee/m"
        dear = await asked(it, "x", provider={"max_price": {"request": 0.004}})
        assert dear.status_code == 422
        assert "above the caller's" in dear.json()["error"]["message"]


SEARCHES = '[deployments."acme/m"]\ncapabilities = { web_search = true }\n'


@pytest.mark.parametrize(
    ("model", "fields"),
    [("auto:online", {}), ("auto", {"plugins": [{"id": "web"}]}),
     ("auto", {"plugins": [{"id": "web", "enabled": True}]})],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_search_is_asked_of_who_can(tmp_path, model, fields, path) -> None:
    async with serving(tmp_path, SEARCHES) as (it, upstream):
        for _ in range(4):
            answer = await asked(it, model, path, max_tokens=9, **fields)
            assert served(answer) == "acme/m"
        assert upstream.seen[-1]["web_search_options"] == {}
        assert "plugins" not in upstream.seen[-1]
        own = {"search_context_size": "low"}
        await asked(it, model, web_search_options=own, **fields)
        assert upstream.seen[-1]["web_search_options"] == own


async def test_a_search_is_asked_only_of_the_names_that_ask_for_it(tmp_path) -> None:
    def failing(body):
        if "web_search_options" in body:
            return Answer({"error": {"message": "down"}}, status=500)
        return Answer(events=stream_of(["a"])) if body.get("stream") else Answer(completion())

    async with serving(tmp_path, SEARCHES, failing) as (it, upstream):
        for more in ({}, {"stream": True}):
            assert (await asked(it, "acme/m:online", models=["bolt/m"], **more)).status_code == 200
            assert "web_search_options" not in upstream.seen[-1]
            assert upstream.seen[-2]["web_search_options"] == {}


GATEWAY = """
[providers.gate]
preset = "openrouter"
base_url = "URL"
api_key = "k"
price = { input = 3, output = 3 }
[routes.gated]
candidates = ["acme/m", "gate/a/m"]
"""


@pytest.mark.parametrize(
    "fields",
    [{"plugins": [{"id": "file-parser", "pdf": {"engine": "native"}}]},
     {"plugins": [{"id": "web", "max_results": 3}]},
     {"tools": [{"type": "openrouter:web_search"}]}],
)  # fmt: skip
async def test_plugins_go_to_a_gateway_that_runs_them_or_are_refused(tmp_path, fields) -> None:
    async with serving(tmp_path, GATEWAY) as (it, upstream):
        assert served(await asked(it, "gated", **fields)) == "gate/a/m"
        name = next(iter(fields))
        assert upstream.seen[-1][name] == fields[name]
        assert served(await asked(it, "gated:online")) == "gate/a/m"
        assert upstream.seen[-1]["plugins"] == [{"id": "web"}]
    async with serving(tmp_path, "") as (it, _):
        refused = await asked(it, **fields)
        assert refused.status_code == 400
        assert "OpenRouter" in refused.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses",
                                  "/v1/completions"])  # fmt: skip
async def test_every_format_keeps_to_them(tmp_path, path) -> None:
    own = {"input": "hi"} if path == "/v1/responses" else {"prompt": "hi", "max_tokens": 9}
    refusals = {"transforms": ["middle-out"], "route": "cheapest", "preset": "mine",
                "debug": {"echo_upstream_body": True}, "plugins": [{"id": "response-healing"}],
                "stop_server_tools_when": {"max_calls": 1}}  # fmt: skip
    async with serving(tmp_path, "") as (it, upstream):
        for name, value in refusals.items():
            refused = await asked(it, path=path, **own, **{name: value})
            assert refused.status_code == 400, name
            assert name.partition("_")[0] in refused.text or "plugins" in refused.text
        harmless = {"transforms": [], "route": "fallback",
                    "plugins": [{"id": "x", "enabled": False}],
                    "debug": {"echo_upstream_body": False}, "usage": {"include": True},
                    "trace": {"trace_name": "mine"}}  # fmt: skip
        answer = await asked(it, path=path, **own, **harmless)
        assert "trace" in answer.headers["x-windsock-adapted"].split(", ")
        assert served(answer)
        assert not upstream.seen[-1].keys() & harmless.keys()
