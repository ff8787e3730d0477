"""Embeddings on a fresh install: a key is all that is set, and prices are those shipped with it."""

import pytest

from tests.running import running
from tests.upstream import Answer, upstream

VECTOR = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"index": 0, "embedding": [0.25]}],
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}


@pytest.mark.parametrize(
    "model", ["text-embedding-3-small", "embeddings", "openai/text-embedding-3-small"]
)
async def test_an_embedding_is_answered_and_billed_with_nothing_configured(model, tmp_path) -> None:
    async with upstream(lambda _: Answer(VECTOR)) as openai:
        config = (
            f'[providers.openai]\nbase_url = "{openai.url}"\n'
            '[feeds]\nenabled = ["genai-prices"]\n[health]\nfree_probes = false\n'
        )
        async with running(config, tmp_path, OPENAI_API_KEY="sk-fresh") as it:
            texts = ["a longer text than most, said again and again. " * 500] * 9
            got = await it.http.post("/v1/embeddings", json={"model": model, "input": texts})
            assert got.status_code == 200, got.text
            assert got.headers["x-windsock-deployment"] == "openai/text-embedding-3-small"
            assert float(got.headers["x-windsock-cost-usd"]) == pytest.approx(0.00002)
            shown = await it.http.get("/v1/weights", params={"route": "embeddings"})
            assert shown.json()["data"][0]["weights"] == {"openai/text-embedding-3-small": 1.0}
            view = (await it.http.get("/ui/api/history", params={"route": model})).json()
            assert view["routes"][model] == ["default"]
            assert [each["weight"] for each in view["table"]["rows"]] == [1.0]
            assert openai.seen[0]["model"] == "text-embedding-3-small"
            assert (
                "openai/text-embedding-3-small" not in it.service.router.routes["auto"].candidates
            )


async def test_a_bare_name_works_beside_routes_of_ones_own(tmp_path) -> None:
    async with upstream(lambda _: Answer(VECTOR)) as openai:
        config = (
            f'[providers.openai]\nbase_url = "{openai.url}"\n'
            '[routes.chat]\ncandidates = ["openai/gpt-4o-mini"]\n'
            '[feeds]\nenabled = ["genai-prices"]\n[health]\nfree_probes = false\n'
        )
        async with running(config, tmp_path, OPENAI_API_KEY="sk-own") as it:
            for model in ("text-embedding-3-small", "openai/text-embedding-3-small"):
                got = await it.http.post("/v1/embeddings", json={"model": model, "input": "hi"})
                assert got.status_code == 200, got.text
                assert got.headers["x-windsock-deployment"] == "openai/text-embedding-3-small"
                assert float(got.headers["x-windsock-cost-usd"]) == pytest.approx(0.00002)
            routes = it.service.router.routes
            assert "openai/text-embedding-3-small" not in routes["chat"].candidates
