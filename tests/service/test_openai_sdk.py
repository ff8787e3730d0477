"""The official openai SDK with only `base_url` changed: through the router as straight to it."""

from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel

from tests.running import running
from tests.upstream import Answer, Upstream, chunk, completion, event, stream_of, upstream

HELLO: list[Any] = [{"role": "user", "content": "hi"}]
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'},
}


class City(BaseModel):
    name: str
    people: int


def model(body: dict[str, Any]) -> Answer:
    """Tools are called, schemas are kept, streams carry umlauts split anywhere."""
    if body.get("messages", [{}])[0].get("content") == "bad":
        error = {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
        return Answer({"error": error}, status=400)
    if body.get("tools") and body.get("stream"):
        part = {"index": 0, **CALL}
        return Answer(
            events=[event(chunk({"role": "assistant", "tool_calls": [part]})),
                    event(chunk({}, "tool_calls")), b"data: [DONE]\n\n"]
        )  # fmt: skip
    if body.get("tools"):
        message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}
        return Answer(completion(choices=[choice]))
    if body.get("response_format"):
        return Answer(completion('{"name": "Bern", "people": 134000}'))
    if body.get("stream"):
        whole = b"".join(stream_of(["Grüezi ", "mitenand ", "🌬"]))
        return Answer(events=[whole[i : i + 7] for i in range(0, len(whole), 7)])
    return Answer(completion("Grüezi"))


def without_ours(answer: Any) -> dict[str, Any]:
    """An answer's fields, less those the router adds."""
    body = answer.model_dump()
    body.pop("provider", None)
    if body.get("usage"):
        body["usage"].pop("cost", None)
    return body


@pytest.fixture
async def clients(tmp_path):
    """(straight, routed, upstream): the same SDK against the model and through the router."""
    async with upstream(model) as served:
        config = (
            f'[providers.acme]\nbase_url = "{served.url}"\napi_key = "k"\n'
            "price = { input = 1, output = 2 }\n"
            '[routes.gpt]\ncandidates = ["acme/m"]\n'
        )
        async with running(config, tmp_path) as it:
            straight = AsyncOpenAI(base_url=served.url, api_key="k")
            routed = AsyncOpenAI(base_url=it.url + "/v1", api_key="k")
            yield straight, routed, served
            await straight.close()
            await routed.close()


async def both(clients: tuple[AsyncOpenAI, AsyncOpenAI, Upstream], **ask: Any) -> tuple[Any, Any]:
    straight, routed, served = clients
    answers = [
        await client.chat.completions.create(model=name, **ask)
        for client, name in ((straight, "m"), (routed, "gpt"))
    ]
    assert served.seen[-1] == served.seen[-2], "the upstream is asked the same"
    return answers[0], answers[1]


async def test_plain(clients) -> None:
    one, other = await both(clients, messages=HELLO, temperature=0.2, seed=7, user="u")
    assert without_ours(one) == without_ours(other)


async def test_tool_calls(clients) -> None:
    one, other = await both(clients, messages=HELLO, tools=TOOLS, tool_choice="required")
    assert without_ours(one) == without_ours(other)
    assert other.choices[0].message.tool_calls[0].function.arguments == '{"city": "Zürich"}'


async def test_json_schema(clients) -> None:
    straight, routed, _ = clients
    found = [
        await client.chat.completions.parse(model=name, messages=HELLO, response_format=City)
        for client, name in ((straight, "m"), (routed, "gpt"))
    ]
    assert found[0].choices[0].message.parsed == found[1].choices[0].message.parsed
    assert found[1].choices[0].message.parsed == City(name="Bern", people=134000)


@pytest.mark.parametrize("tools", [None, TOOLS], ids=["text", "tools"])
async def test_streamed(clients, tools) -> None:
    straight, routed, _ = clients
    extra = {"tools": tools} if tools else {}
    heard = []
    for client, name in ((straight, "m"), (routed, "gpt")):
        stream = await client.chat.completions.create(
            model=name,
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
            **extra,
        )
        heard.append([without_ours(each) for each in [part async for part in stream]])
    assert heard[0] == heard[1]


async def test_errors_raise_the_same_exceptions(clients) -> None:
    straight, routed, _ = clients
    bad: list[Any] = [{"role": "user", "content": "bad"}]
    texts = []
    for client, name in ((straight, "m"), (routed, "gpt")):
        with pytest.raises(BadRequestError) as caught:
            await client.chat.completions.create(model=name, messages=bad)
        texts.append(caught.value.body)
    assert texts[0] == texts[1]
    with pytest.raises(NotFoundError, match="gpt"):
        await routed.chat.completions.create(model="gtp", messages=HELLO)


async def test_models_are_listed(clients) -> None:
    _, routed, _ = clients
    assert [model.id async for model in routed.models.list()] == ["gpt", "acme/m"]


async def test_legacy_completions_are_asked_of_chat_models(clients) -> None:
    _, routed, _ = clients
    found = await routed.completions.create(model="acme/m", prompt="hi", max_tokens=9)
    assert (found.object, found.choices[0].text) == ("text_completion", "Grüezi")
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None
    stream = await routed.completions.create(model="acme/m", prompt=["hi"], stream=True)
    parts = [part.choices[0].text async for part in stream if part.choices]
    assert "".join(parts) == "Grüezi mitenand 🌬"


@pytest.mark.parametrize(
    ("more", "said"),
    [({"echo": True}, "echo needs a raw continuation"), ({"suffix": "x"}, "suffix"),
     ({"logprobs": 3}, "logprobs"), ({"prompt": ["a", "b"]}, "send a request for each"),
     ({"prompt": [1, 2]}, "prompt must be one text")],
)  # fmt: skip
async def test_what_only_a_raw_continuation_gives_is_refused(clients, more, said) -> None:
    _, routed, _ = clients
    with pytest.raises(BadRequestError, match=said):
        await routed.completions.create(**{"model": "acme/m", "prompt": "hi", **more})
