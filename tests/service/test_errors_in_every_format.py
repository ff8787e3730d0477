"""An error keeps its field and its code wherever the client's format has a place for them."""

import json

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, event, stream_of, upstream

PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/responses"]
WORDS = {"/v1/chat/completions": {"messages": [{"role": "user", "content": "hi"}]},
         "/v1/messages": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
         "/v1/completions": {"prompt": "hi"}, "/v1/responses": {"input": "hi"}}  # fmt: skip


def refusal(status: int, **error) -> Answer:
    told = {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
    return Answer({"error": {**told, **error}}, status=status)


CASES = {
    "a name": ({"model": "atuo"}, Answer(completion()), (404, "model", "model_not_found")),
    "a range": ({"temperature": 9}, Answer(completion()), (400, "temperature", None)),
    "a wish": ({"provider": {"sort": 7}}, Answer(completion()), (400, "provider.sort", None)),
    "a filter": ({}, refusal(400, code="content_filter"), (400, None, "content_filter")),
    "a long prompt": ({}, refusal(400, param="messages", code="context_length_exceeded"),
                      (400, "messages", "context_length_exceeded")),
    "an account": ({}, refusal(402, code="insufficient_quota"),
                   (502, None, "provider_out_of_credit")),
    "a limit": ({}, refusal(429, code="rate_limit_exceeded"), (429, None, "rate_limited")),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_the_four_fields_are_the_same_in_openais_formats(tmp_path, case) -> None:
    more, reply, expected = CASES[case]
    async with upstream(lambda _: reply) as model:
        config = config_of(("acme", model.url, 1.0)) + "max_attempts = 1\n"
        for path in PATHS:
            place = tmp_path / path.replace("/", "_")
            place.mkdir()
            async with running(config, place) as it:
                ask = {"model": "auto", **WORDS[path], **more}
                answer = await it.http.post(path, json=ask)
                error = answer.json()["error"]
                assert (answer.status_code, error["param"], error["code"]) == expected, path
                assert error["type"] and error["message"]


async def test_anthropics_format_has_a_type_and_a_message(tmp_path) -> None:
    reply = refusal(400, param="messages", code="context_length_exceeded")
    async with (
        upstream(lambda _: reply) as model,
        running(config_of(("acme", model.url, 1.0)), tmp_path) as it,
    ):
        ask = {"model": "auto", **WORDS["/v1/messages"]}
        answer = await it.http.post("/v1/messages", json=ask)
        assert answer.json() == {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: no"},
        }


@pytest.mark.parametrize("path", [*PATHS, "/v1/messages"])
async def test_a_stream_that_ends_in_an_error_tells_its_code(tmp_path, path) -> None:
    error = {"error": {"message": "too hot", "code": "content_filter", "param": "messages"}}
    events = [*stream_of(["a"], usage=False, done=False)[:2], event(error)]
    async with (
        upstream(lambda _: Answer(events=events)) as model,
        running(config_of(("acme", model.url, 1.0)), tmp_path) as it,
    ):
        ask = {"model": "auto", "stream": True, **WORDS[path]}
        text = (await it.http.post(path, json=ask)).text
        last = json.loads(text.strip().rpartition("data: ")[2])
        assert last["error"]["message"] == "too hot"
        if path != "/v1/messages":
            assert last["error"]["code"] == "content_filter"
        if path == "/v1/responses":
            assert (last["type"], last["code"], last["param"]) == (
                "error", "content_filter", "messages",
            )  # fmt: skip


SAID = {
    "OpenAI's": {"error": {"message": "maximum context length is 9 tokens",
                           "type": "invalid_request_error", "code": "context_length_exceeded"}},
    "Google's": {"error": {"code": 400, "status": "INVALID_ARGUMENT",
                           "message": "The input token count (12) exceeds the maximum number of "
                                      "tokens allowed (9)."}},
    "Anthropic's": {"type": "error", "error": {"type": "invalid_request_error",
                                               "message": "prompt is too long: 12 tokens > 9"}},
    "vLLM's": {"error": {"message": "This model's maximum context length is 9 tokens.",
                         "type": "BadRequestError", "param": None, "code": 400}},
    "words alone": {"message": "Prompt contains 12 tokens, too large for model with 9 maximum "
                               "context length"},
}  # fmt: skip
KNOWN_BY = {
    "/v1/chat/completions": "context_length_exceeded",
    "/v1/completions": "context_length_exceeded",
    "/v1/responses": "context_length_exceeded",
    "/v1/messages": "prompt is too long",
    "/v1beta/models/auto:generateContent": "exceeds the maximum number of tokens allowed",
}
"""What clients look for before they shorten a conversation: Claude Code, LangChain, Codex."""


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("provider", SAID)
async def test_a_prompt_that_is_too_long_is_known_as_one_in_every_format(
    tmp_path, provider, is_known
) -> None:
    parts = {"contents": [{"role": "user", "parts": [{"text": "hi " * 99}]}]}
    asks = {**WORDS, "/v1beta/models/auto:generateContent": parts}
    asks |= {"/v1/messages": {**WORDS["/v1/messages"], "system": "hi " * 99}}
    async with upstream(lambda _: Answer(SAID[provider], status=400)) as model:
        config = config_of(("acme", model.url, 1.0))
        if is_known:
            config += '[deployments."acme/m".capabilities]\ncontext_tokens = 1\n'
        async with running(config, tmp_path) as it:
            for path, mark in KNOWN_BY.items():
                answer = await it.http.post(path, json={"model": "auto", **asks[path]})
                assert answer.status_code == (422 if is_known else 400), path
                error = answer.json()["error"]
                assert mark in f"{error.get('code')} {error['message']}", path
    assert bool(model.seen) is not is_known
