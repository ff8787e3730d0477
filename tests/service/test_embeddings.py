"""Embeddings as extra features: asked of an owner's endpoint, and done without when it fails."""

import numpy as np
import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.context.features import NAMES
from windsock.providers import prompt_embedding
from windsock.providers.prompt_embedding import NUMBERS, projected

ASK = {"model": "auto", "messages": [{"role": "user", "content": "name a river"}]}
VECTOR = {"object": "list", "data": [{"index": 0, "embedding": [0.6, 0.0, -0.8]}]}


def config(model, meaning) -> str:
    text = config_of(("acme", model.url, 1.0)) + "segments = true\n"
    return text + (
        f'[embeddings]\nbase_url = "{meaning.url}"\nmodel = "tiny"\napi_key = "sk-embed"\n'
        'timeout = "2s"\n'
    )


async def features(it) -> tuple[float, ...]:
    """Those of one request, as it was decided."""
    answer = await it.http.post("/v1/chat/completions", json=ASK)
    assert answer.status_code == 200
    name = answer.headers["x-windsock-decision-id"]
    return it.service.feedbacks._open[name].decision.features


async def test_an_embedding_adds_a_few_numbers_to_the_features(tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        upstream(lambda _: Answer(VECTOR)) as meaning,
        running(config(model, meaning), tmp_path) as it,
    ):
        found = await features(it)
        assert found[len(NAMES) :] == projected([0.6, 0.0, -0.8])
        assert meaning.seen == [{"model": "tiny", "input": "name a river"}]
        assert meaning.headers[0]["authorization"] == "Bearer sk-embed"


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": "no"}, status=500),
        Answer({"data": [{"embedding": "AAAA"}]}),
        Answer({"data": [{"embedding": [0.0, 0.0]}]}),
        Answer({"data": []}),
        Answer({"data": [{"embedding": [0.1] * 20_000}]}),
        Answer({"data": [{"embedding": [1.0, "x"]}]}),
        Answer(b"<html>502</html>"),
        Answer(VECTOR, cut=True, status=200, wait_s=5.0),
    ],
)
async def test_without_an_embedding_the_request_goes_on_with_zeros(answer, tmp_path) -> None:
    async with (
        upstream(lambda _: Answer(completion())) as model,
        upstream(lambda _: answer) as meaning,
        running(config(model, meaning), tmp_path) as it,
    ):
        assert (await features(it))[len(NAMES) :] == (0.0,) * NUMBERS


@pytest.mark.parametrize(("rest_s", "is_asked_again"), [(600.0, False), (0.0, True)])
async def test_an_endpoint_that_fails_time_after_time_is_left_alone_and_told_of(
    rest_s, is_asked_again, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(prompt_embedding, "REST_S", rest_s)
    failed, answers = Answer({"error": "no"}, status=500), [Answer(VECTOR)]
    async with (
        upstream(lambda _: Answer(completion())) as model,
        upstream(lambda _: answers[-1]) as meaning,
        running(config(model, meaning), tmp_path) as it,
    ):
        for answer in (failed, failed, Answer(VECTOR), failed, failed, failed):
            assert "embeddings.failed" not in "".join(capsys.readouterr())
            answers.append(answer)
            await features(it)
        (line,) = [each for each in "".join(capsys.readouterr()).splitlines()
                   if "embeddings.failed" in each]  # fmt: skip
        assert "status 500" in line
        answers.append(Answer(VECTOR))
        found = (await features(it))[len(NAMES) :]
        assert found == (projected([0.6, 0.0, -0.8]) if is_asked_again else (0.0,) * NUMBERS)
        assert len(meaning.seen) == 6 + is_asked_again


def test_a_projection_keeps_what_is_near_near() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=384)
    near, far = one + 0.1 * rng.normal(size=384), rng.normal(size=384)
    gap = np.array(projected(one.tolist()))
    gaps = [np.linalg.norm(gap - projected(other.tolist())) for other in (near, far)]
    assert gaps[0] < 0.3 * gaps[1]
