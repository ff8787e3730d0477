"""The list of models says what is so, to whoever may call one."""

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, NotFoundError

from tests.running import Running, config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.requests import Unsupported
from windsock.core.model.ticks import ModelFacts
from windsock.service.auth import new_key
from windsock.store.keys import VirtualKey, add_key

MORE = """aliases = ["gpt-4o", "claude-*"]
[deployments."acme/m".capabilities]
context_tokens = 1000
max_output_tokens = 100
tools = false
[deployments."bolt/m".capabilities]
context_tokens = 8000
vision = true
[deployments."bolt/m".parameters]
leave_out = ["seed"]
"""


def config(url: str) -> str:
    return config_of(("acme", url, 1.0), ("bolt", url, 2.0)) + MORE


async def listed(it: Running) -> dict[str, dict]:
    return {each["id"]: each for each in (await it.http.get("/v1/models")).json()["data"]}


async def test_a_route_is_told_by_what_its_candidates_hold_cost_and_take(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        models = await listed(it)
        assert list(models) == ["auto", "gpt-4o", "acme/m", "bolt/m"]
        auto = models["auto"]
        assert auto["context_length"] == 8000
        assert auto["pricing"]["prompt"] == "0.000002"
        assert auto["pricing"]["request"] is None
        assert auto["candidates"] == ["acme/m", "bolt/m"]
        assert auto["architecture"]["input_modalities"] == ["text", "image"]
        assert {"tools", "temperature"} <= {*auto["supported_parameters"]}
        assert "seed" not in auto["supported_parameters"]
        assert "tools" not in models["acme/m"]["supported_parameters"]
        assert "seed" in models["acme/m"]["supported_parameters"]
        assert models["acme/m"]["max_output_tokens"] == 100
        assert models["bolt/m"]["owned_by"] == "bolt"


async def test_what_a_deployment_refused_is_listed_no_more(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        facts = [Unsupported(field="top_p"), Unsupported(field="temperature", value=0.3)]
        now = it.service.clock.now()
        it.service.router.catalog.unsupported.observe("acme/m", facts, now)
        models = await listed(it)
        for name in ("acme/m", "auto"):
            assert "top_p" not in models[name]["supported_parameters"]
            assert "temperature" in models[name]["supported_parameters"]


async def test_created_is_the_release_that_a_feed_states_or_the_start_of_the_list(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        facts = ModelFacts(provider="acme", model="m", feed="f", released_at=1_700_000_000.0)
        it.service.router.catalog.learn("acme/m", facts)
        models = await listed(it)
        assert models["acme/m"]["created"] == 1_700_000_000
        assert 0 < models["bolt/m"]["created"] <= it.service.clock.now()
        assert models["auto"]["created"] == models["bolt/m"]["created"]
        assert await listed(it) == models


@pytest.mark.parametrize("name", ["auto", "gpt-4o", "acme/m", "m", "claude-opus-4", "auto:floor"])
async def test_one_model_is_told_by_any_name_it_is_asked_by(tmp_path, name) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        client = AsyncOpenAI(base_url=f"{it.url}/v1", api_key="none", max_retries=0)
        async with client:
            assert (await client.models.retrieve(name)).id == name
            with pytest.raises(NotFoundError, match="did you mean 'acme/m'"):
                await client.models.retrieve("acme/n")


@pytest.mark.parametrize(("scope", "status"), [("infer", 200), ("read", 200), ("feedback", 403)])
async def test_who_may_call_may_see_what(tmp_path, scope, status) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        running(config(model.url), tmp_path) as it,
    ):
        key, public, digest = new_key()
        record = VirtualKey(id=public, name="n", sha256=digest, namespace="default",
                            scopes=(scope,), created_at=1.0)  # fmt: skip
        add_key(it.service.engine, record)
        await it.service.housekeeping.read_keys()
        it.http.headers["authorization"] = f"Bearer {key}"
        for path in ("/v1/models", "/v1/models/acme/m"):
            assert (await it.http.get(path)).status_code == status
        assert (await it.http.get("/v1/deployments")).status_code == (
            200 if scope == "read" else 403
        )


async def test_anthropics_clients_are_told_with_its_fields(tmp_path) -> None:
    """Claude Code and Anthropic's SDKs read `display_name`, and pages until there are no more."""
    async with running(config("http://127.0.0.1:9/v1"), tmp_path) as it:
        client = AsyncAnthropic(base_url=it.url, api_key="none", max_retries=0)
        async with client:
            models = [each async for each in client.models.list(limit=1000)]
            one = await client.models.retrieve(models[0].id)
    assert models and one == models[0]
    assert {each.type for each in models} == {"model"}
    assert all(each.display_name and each.created_at.tzinfo for each in models)
