"""Gemini's API in front: paths, keys, streams, lists and errors as its clients know them."""

import json
from random import Random
from typing import Any

import pytest

from tests.running import config_of, running
from tests.service.native import generated
from tests.service.test_translation import model
from tests.upstream import Answer, chunk, completion, event, stream_of, upstream

ASK: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
DECLARED = {"name": "get_weather", "parameters": {"type": "OBJECT"}}


def ask(text: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


@pytest.fixture
async def world(tmp_path):
    """(service, what the provider saw)."""
    async with upstream(model) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            yield it, acme


@pytest.mark.parametrize(
    "path",
    ["/v1beta/models/auto", "/v1/models/auto", "/v1alpha/models/auto", "/v1beta/models/acme/m",
     "/v1beta/models/acme%2Fm", "/v1beta/models/auto:floor",
     "/v1beta1/projects/p/locations/l/publishers/google/models/auto",
     "/v1/projects/p/locations/l/publishers/google/models/m"],
)  # fmt: skip
async def test_the_path_names_the_model(world, path) -> None:
    it, acme = world
    answer = await it.http.post(f"{path}:generateContent", json={**ASK, "model": "models/other"})
    body = answer.json()
    assert body["candidates"][0]["content"] == {"parts": [{"text": "Grüezi"}], "role": "model"}
    assert body["usageMetadata"]["totalTokenCount"] == 15
    assert body["modelVersion"] == "served-model"
    assert answer.headers["x-windsock-deployment"] == "acme/m"
    assert acme.seen[-1]["model"] == "m"


async def test_a_stream_is_events_or_one_array_in_pieces(world) -> None:
    it, _ = world
    path = "/v1beta/models/auto:streamGenerateContent"
    events = await it.http.post(path + "?alt=sse", json=ASK)
    array = await it.http.post(path, json=ASK)
    assert events.headers["content-type"].startswith("text/event-stream")
    assert array.headers["content-type"] == "application/json"
    told = [json.loads(each[6:]) for each in events.text.split("\n\n") if each]
    assert array.json() == told
    texts = [each["candidates"][0]["content"]["parts"][0]["text"] for each in told]
    assert "".join(texts) == "Grüezi mitenand 🌬"
    assert told[-1]["candidates"][0]["finishReason"] == "STOP"
    assert told[-1]["usageMetadata"]["candidatesTokenCount"] == 3


@pytest.mark.parametrize("query", ["", "?alt=sse"])
async def test_errors_are_googles_before_and_within_a_stream(world, query) -> None:
    it, _ = world
    path = "/v1beta/models/{}:streamGenerateContent" + query
    refused = await it.http.post(path.format("none"), json=ASK)
    assert refused.status_code == 404
    told = refused.json() if query else refused.json()[0]
    assert (told["error"]["code"], told["error"]["status"]) == (404, "NOT_FOUND")
    assert "no route, deployment or model is named 'none'" in told["error"]["message"]
    broken = (await it.http.post(path.format("auto"), json=ask("break"))).text
    last = broken.split("\n\n")[-2][6:] if query else json.dumps(json.loads(broken)[-1])
    assert json.loads(last)["error"]["status"] == "INTERNAL"
    assert "half" in broken and "finishReason" not in broken


@pytest.mark.parametrize(
    ("status", "word", "body"),
    [(400, "INVALID_ARGUMENT", b"{"), (400, "INVALID_ARGUMENT", b"[]"),
     (400, "INVALID_ARGUMENT", json.dumps(ask("bad")).encode()),
     (400, "INVALID_ARGUMENT", b'{"contents": 1}')],
)  # fmt: skip
async def test_a_bad_request_is_one_sentence_in_googles_form(world, status, word, body) -> None:
    answer = await world[0].http.post("/v1beta/models/auto:generateContent", content=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (status, status, word)
    assert error["message"] and isinstance(error["details"], list)


async def test_what_runs_at_google_only_is_named_and_the_rest_is_served(world) -> None:
    it, acme = world
    tools = [{"functionDeclarations": [DECLARED]}, {"googleSearch": {}}]
    asked = {**ASK, "tools": tools, "safetySettings": []}
    answer = await it.http.post("/v1beta/models/auto:generateContent", json=asked)
    assert answer.headers["x-windsock-adapted"] == "tools.googleSearch, safetySettings"
    text, call = answer.json()["candidates"][0]["content"]["parts"]
    assert text == {"text": "Let me look."}
    assert call["functionCall"] == {
        "id": "call_1", "name": "get_weather", "args": {"city": "Zürich"}}  # fmt: skip
    assert call["thoughtSignature"] == "skip_thought_signature_validator"
    assert len(acme.seen[-1]["tools"]) == 1


async def test_tokens_are_counted_and_texts_embedded(world) -> None:
    it, acme = world
    short = (await it.http.post("/v1beta/models/auto:countTokens", json=ASK)).json()
    whole = {"generateContentRequest": {"model": "models/auto", **ask("word " * 1000)}}
    long = (await it.http.post("/v1beta/models/auto:countTokens", json=whole)).json()
    assert 0 < short["totalTokens"] < 40 < 1000 < long["totalTokens"] < 2000
    one = {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 2}
    got = (await it.http.post("/v1beta/models/acme/m:embedContent", json=one)).json()
    assert got == {"embedding": {"values": [0.25, -1.5]}}
    assert (acme.seen[-1]["input"], acme.seen[-1]["dimensions"]) == (["a"], 2)
    many = {"requests": [{**one, "model": "models/acme/m"}]}
    got = (await it.http.post("/v1beta/models/acme/m:batchEmbedContents", json=many)).json()
    assert got == {"embeddings": [{"values": [0.25, -1.5]}]}


async def test_models_are_listed_in_googles_form(world) -> None:
    http = world[0].http
    first = (await http.get("/v1beta/models?pageSize=1")).json()
    rest = (await http.get(f"/v1beta/models?pageToken={first['nextPageToken']}")).json()
    names = [each["name"] for each in (*first["models"], *rest["models"])]
    assert names == ["models/auto", "models/acme/m"] and "nextPageToken" not in rest
    one = (await http.get("/v1beta/models/acme/m")).json()
    assert (one["name"], one["displayName"]) == ("models/acme/m", "m")
    assert "generateContent" in one["supportedGenerationMethods"]
    googles = await http.get("/v1/models/auto", headers={"x-goog-api-client": "x"})
    assert googles.json()["name"] == "models/auto"
    assert (await http.get("/v1/models/auto")).json()["id"] == "auto"
    unknown = await http.get("/v1beta/models/none")
    assert (unknown.status_code, unknown.json()["error"]["status"]) == (404, "NOT_FOUND")
    bad = await http.get("/v1beta/models?pageSize=x")
    assert bad.json()["error"]["message"].startswith("pageSize: ")


async def test_the_key_may_stand_in_the_address_and_is_told_to_nobody(tmp_path, capsys) -> None:
    key = "let-me-in-please"
    config = f'\n[server]\nkeys = "required"\nadmin_token = "{key}"\n'
    async with (
        upstream(model) as acme,
        running(config_of(("acme", acme.url, 1.0)) + config, tmp_path) as it,
    ):
        path = "/v1beta/models/auto:generateContent"
        assert (await it.http.post(f"{path}?key={key}", json=ASK)).status_code == 200
        assert (await it.http.post(f"{path}?key={key}", content=b"{")).status_code == 400
        header = {"x-goog-api-key": key}
        assert (await it.http.post(path, json=ASK, headers=header)).status_code == 200
        both = await it.http.post(f"{path}?key=no", json=ASK, headers=header)
        assert both.status_code == 200, "the header is stronger"
        assert (await it.http.get(f"/v1beta/models?key={key}&pageSize=1")).status_code == 200
        assert (await it.http.get(f"/v1/models?key={key}")).json()["models"]
        assert (await it.http.get(f"/v1/weights?key={key}")).status_code == 401
        refused = await it.http.post(f"{path}?key=no", content=b"{")
        assert (refused.status_code, refused.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    seen = capsys.readouterr()
    assert key not in seen.out + seen.err + json.dumps([acme.headers, acme.targets])


async def test_an_answer_that_is_kept_is_told_again(tmp_path) -> None:
    async with upstream(model) as acme:
        config = config_of(("acme", acme.url, 1.0)) + "\n[cache]\nenabled = true\n"
        async with running(config, tmp_path) as it:
            asked = {**ASK, "generationConfig": {"temperature": 0}}
            path = "/v1beta/models/auto:streamGenerateContent"
            first, again = [await it.http.post(path, json=asked) for _ in range(2)]
    assert again.headers["x-windsock-cache"] == "hit"
    assert again.json() == first.json() and len(acme.seen) == 1


async def test_comments_of_a_provider_break_no_client(world) -> None:
    it, acme = world
    words = stream_of(["we", "ll"])
    acme.reply = lambda _: Answer(
        events=[b": PROCESSING\n\n", *words[:2], b": on it\n\n", *words[2:]]
    )
    told = (await it.http.post("/v1beta/models/auto:streamGenerateContent?alt=sse", json=ASK)).text
    assert all(each.startswith("data: ") for each in told.split("\n\n") if each)
    assert "we" in told and "STOP" in told


async def test_several_answers_stream_side_by_side(world) -> None:
    it, acme = world
    chunks = [chunk({"content": word}) for word in ("a", "b")]
    chunks = [{**each, "choices": [{**each["choices"][0], "index": n}]}
              for n, each in enumerate(chunks)]  # fmt: skip
    ends = [{**chunks[0], "choices": [{"index": n, "delta": {}, "finish_reason": word}]}
            for n, word in enumerate(("stop", "length"))]  # fmt: skip
    acme.reply = lambda _: Answer(events=[*map(event, [*chunks, *ends]), b"data: [DONE]\n\n"])
    asked = {**ASK, "generationConfig": {"candidateCount": 2}}
    array = (await it.http.post("/v1beta/models/auto:streamGenerateContent", json=asked)).json()
    said = [each for event in array[:-1] for each in event["candidates"]]
    assert [(each["index"], each["content"]["parts"]) for each in said] == [
        (0, [{"text": "a"}]), (1, [{"text": "b"}])]  # fmt: skip
    assert [each["finishReason"] for each in array[-1]["candidates"]] == ["STOP", "MAX_TOKENS"]
    assert acme.seen[-1]["n"] == 2


JUNK = [None, True, 0, -1, 1e30, "", "x", [], {}, [None], {"parts": 1}, "\ud83d", {"text": 5}]


def spoilt(pick: Random, value: Any) -> Any:
    """A value of which here and there a part is another."""
    if pick.random() < 0.03:
        return pick.choice(JUNK)
    if isinstance(value, dict):
        return {name: spoilt(pick, each) for name, each in value.items()}
    return [spoilt(pick, each) for each in value] if isinstance(value, list) else value


async def test_no_request_is_a_failure_of_ours(world) -> None:
    pick, (it, acme) = Random(19), world
    acme.reply = lambda body: (
        Answer(events=stream_of(["dry"])) if body.get("stream") else Answer(completion("dry"))
    )
    statuses = set()
    for _ in range(150):
        verb = pick.choice(["generateContent", "streamGenerateContent", "countTokens"])
        raw = json.dumps(spoilt(pick, generated.content(pick))).encode()
        answer = await it.http.post(f"/v1beta/models/auto:{verb}", content=raw)
        statuses.add(answer.status_code)
        assert answer.status_code in (200, 400, 422), raw
        assert "candidates" in answer.text or "error" in answer.text or "totalTokens" in answer.text
    assert statuses >= {200, 400}
    assert (await it.http.get("/v1/deployments")).json()["data"][0]["why_out"] is None
