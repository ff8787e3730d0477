"""Every known provider through the running service: plain, streamed, with tools, refused five ways.

The other side is `fake.py`. That it speaks as they do is proven by the client that all of them name
in their documentation: the openai SDK talks to it directly and reads the same.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import anthropic
import botocore.config
import botocore.session
import openai
import pytest

from tests.providers.fake import ARGUMENTS, TEXT, Fake, dialects, fake
from tests.running import Running, running
from windsock.providers.presets import presets, traits_of
from windsock.wire.registry import formats_of
from windsock.wire.request import Operation

PROVIDERS = sorted(presets())
HELLO = [{"role": "user", "content": "hi"}]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
ERRORS = range(5)
ONCE = botocore.config.Config(retries={"total_max_attempts": 1})
ANSWERED = "x-windsock-deployment"
ELSEWHERE = {"auth_failed", "rate_limited", "model_gone", "server_error", "overloaded",
             "out_of_credit", "context_exceeded", "refused"}  # fmt: skip
"""What another deployment can mend, or may: of no known meaning, it is tried elsewhere once."""


def test_every_preset_has_its_dialect() -> None:
    assert sorted(dialects()) == PROVIDERS


@asynccontextmanager
async def served(provider: str, tmp_path: Any) -> AsyncIterator[tuple[Running, Fake]]:
    """The service over one provider, with another one behind it."""
    names = ["m", *(f"e{n}" for n in ERRORS)]
    routes = "".join(
        f'[routes.{name}]\ncandidates = ["{provider}/{name}"]\nfallbacks = ["spare/m"]\n'
        for name in names
    )
    async with fake() as it:
        text = (
            f'[providers.{provider}]\nbase_url = "{it.base_url(provider)}"\napi_key = "k"\n'
            "price = { input = 1, output = 4, cache_read = 0.1 }\n"
            f'[providers.spare]\nbase_url = "{it.base_url("openai")}"\napi_key = "k"\n'
            f"price = {{ input = 50, output = 50 }}\n{routes}"
        )
        async with running(text, tmp_path) as service:
            yield service, it


async def asked(service: Running, model: str, **ask: Any) -> Any:
    body = {"model": model, "messages": HELLO, "session_id": "s", "metadata": {"task": "t"}, **ask}
    return await service.http.post("/v1/chat/completions", json=body)


def events(text: str) -> list[dict[str, Any]]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_answers_streams_and_tools_come_with_their_cost_to_the_cent(
    provider, tmp_path
) -> None:
    dialect = dialects()[provider]
    wants = {"stream": True, "stream_options": {"include_usage": True}}
    async with served(provider, tmp_path) as (service, it):
        plain = await asked(service, "m")
        tools = await asked(service, "m", tools=TOOLS)
        stream = await asked(service, "m", **wants)
        calls = await asked(service, "m", tools=TOOLS, **wants)
        unasked = await asked(service, "m", stream=True)
        lacks = service.service.router.catalog.deployments[f"{provider}/m"].lacks
    assert {each.status_code for each in (plain, tools, stream, calls, unasked)} == {200}
    assert plain.json()["choices"][0]["message"]["content"] == "".join(TEXT)
    assert plain.json()["provider"] == provider
    called = tools.json()["choices"][0]["message"]["tool_calls"][0]
    assert called["function"]["name"] == "get_weather"
    assert json.loads(called["function"]["arguments"]) == json.loads(ARGUMENTS)
    assert text_of(events(stream.text)) == text_of(events(unasked.text)) == "".join(TEXT)
    assert json.loads(arguments_of(events(calls.text))) == json.loads(ARGUMENTS)
    cost = Decimal(dialect.cost_usd)
    assert Decimal(plain.headers["x-windsock-cost-usd"]) == cost
    assert Decimal(str(plain.json()["usage"]["cost"])) == cost
    if not dialect.header:  # the head of a stream comes before its cost is known
        assert Decimal(str(events(stream.text)[-1]["usage"]["cost"])) == cost
    costs = [(each.get("usage") or {}).get("cost") for each in events(unasked.text)]
    assert not any(isinstance(each, int | float) for each in costs), "who asks for none gets none"
    by_tools = [tools.json()["provider"] == provider, calls.headers[ANSWERED] == f"{provider}/m"]
    assert by_tools == ["tools" not in lacks] * 2, "tools go to who calls them"
    assert len(it.seen[provider]) == 3 + sum(by_tools)


def text_of(chunks: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def arguments_of(chunks: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    return "".join(call["function"].get("arguments", "") for call in calls)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_five_refusals_mean_what_they_mean_and_another_answers(provider, tmp_path) -> None:
    preset = presets()[provider]
    spoken = formats_of(preset.format, traits_of(preset))[Operation.CHAT]
    kinds = [
        spoken.refusal(status, body.encode(), {}, 0.0).verdict.kind
        for _, status, body in dialects()[provider].errors
    ]
    assert kinds == [means for means, _, _ in dialects()[provider].errors]
    async with served(provider, tmp_path) as (service, _):
        for number in reversed(ERRORS):  # the key last: it takes the whole account out
            means, status, _ = dialects()[provider].errors[number]
            answer = await asked(service, f"e{number}")
            given = (answer.status_code, answer.json().get("provider"))
            assert given == ((200, "spare") if means in ELSEWHERE else (status, None)), means


OPENAI = [name for name in PROVIDERS if dialects()[name].speaks == "chat/completions"]


@pytest.mark.parametrize("provider", OPENAI)
async def test_the_openai_sdk_reads_the_fake_as_it_reads_the_provider(provider) -> None:
    """Straight to the fake: it is the side of each provider that its own clients know."""
    name, _, value = dialects()[provider].shows.partition(": ")
    async with fake() as it:
        async with openai.AsyncOpenAI(
            base_url=it.base_url(provider),
            api_key="k",
            default_headers={name: value},
            max_retries=0,
        ) as client:
            plain = await client.chat.completions.create(model="m", messages=HELLO)
            tools = await client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS)
            stream = await client.chat.completions.create(
                model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
            )
            texts = [c.choices[0].delta.content or "" async for c in stream if c.choices]
            with pytest.raises(openai.APIStatusError) as refused:
                await client.chat.completions.create(model="e0", messages=HELLO)
    assert plain.choices[0].message.content == "".join(texts) == "".join(TEXT)
    assert (
        plain.usage
        and plain.usage.total_tokens == json.loads(dialects()[provider].usage)["total_tokens"]
    )
    calls = tools.choices[0].message.tool_calls
    assert calls and calls[0].function.arguments == ARGUMENTS
    assert refused.value.status_code == dialects()[provider].errors[0][1]


async def test_anthropics_sdk_reads_the_fake_as_it_reads_anthropic() -> None:
    ask: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": HELLO}
    tools = [{"name": "get_weather", "input_schema": {"type": "object"}}]
    async with fake() as it:
        base_url = it.base_url("anthropic").removesuffix("/v1")
        async with anthropic.AsyncAnthropic(
            base_url=base_url, api_key="k", max_retries=0
        ) as client:
            plain = await client.messages.create(**ask)
            called = await client.messages.create(**ask, tools=tools)
            async with client.messages.stream(**ask) as stream:
                text = await stream.get_final_text()
                streamed = await stream.get_final_message()
            async with client.messages.stream(**ask, tools=tools) as stream:
                calls = await stream.get_final_message()
            with pytest.raises(anthropic.APIStatusError) as refused:
                await client.messages.create(**{**ask, "model": "e0"})
    assert plain.content[0].text == text == "".join(TEXT)
    assert plain.usage.output_tokens == streamed.usage.output_tokens == 300
    assert plain.usage.cache_read_input_tokens == streamed.usage.cache_read_input_tokens == 1920
    assert called.content[0].input == calls.content[0].input == json.loads(ARGUMENTS)
    assert refused.value.status_code == 401


async def test_openais_sdk_reads_the_fake_of_responses_as_it_reads_openai() -> None:
    tools: Any = [{"type": "function", "name": "get_weather", "parameters": {}, "strict": False}]
    async with fake() as it:
        async with openai.AsyncOpenAI(
            base_url=it.base_url("openai-responses"), api_key="k", max_retries=0
        ) as client:
            plain = await client.responses.create(model="m", input="hi", reasoning={})
            called = await client.responses.create(model="m", input="hi", tools=tools)
            async with client.responses.stream(model="m", input="hi") as stream:
                texts = [e.delta async for e in stream if e.type == "response.output_text.delta"]
                whole = await stream.get_final_response()
            with pytest.raises(openai.BadRequestError, match="Unknown parameter"):
                await client.responses.create(model="m", input="hi", extra_body={"stop": "x"})
    assert plain.output_text == whole.output_text == "".join(texts) == "".join(TEXT)
    assert plain.usage and plain.usage.output_tokens_details.reasoning_tokens == 128
    assert called.output[0].type == "function_call"
    assert json.loads(called.output[0].arguments) == json.loads(ARGUMENTS)


def test_aws_own_library_reads_the_fake_as_it_reads_bedrock() -> None:
    """It waits for the network, so the fake runs in a loop of its own."""
    session = botocore.session.get_session()
    session.set_credentials("AKIDEXAMPLE", "secret")
    tools = {"tools": [{"toolSpec": {"name": "get_weather", "inputSchema": {"json": {}}}}]}
    ask = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}

    def talk(url: str) -> tuple[Any, ...]:
        facts = {"region_name": "us-east-1", "endpoint_url": url}
        client = session.create_client("bedrock-runtime", **facts, config=ONCE)
        streams = [client.converse_stream(**ask)["stream"],
                   client.converse_stream(**ask, toolConfig=tools)["stream"]]  # fmt: skip
        with pytest.raises(client.exceptions.ClientError) as refused:
            client.converse(**{**ask, "modelId": "e2"})
        plain = client.converse(**ask), client.converse(**ask, toolConfig=tools)
        return *plain, *map(list, streams), refused.value.response

    async def both() -> tuple[Any, ...]:
        async with fake(is_signed=True) as it:
            return await asyncio.to_thread(talk, it.base_url("bedrock"))

    plain, called, stream, calls, refused = asyncio.run(both())
    texts = [e["contentBlockDelta"]["delta"]["text"] for e in stream if "contentBlockDelta" in e]
    assert plain["output"]["message"]["content"][0]["text"] == "".join(texts) == "".join(TEXT)
    assert plain["usage"] == stream[-1]["metadata"]["usage"]
    inputs = [e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in calls
              if "contentBlockDelta" in e]  # fmt: skip
    assert json.loads("".join(inputs)) == json.loads(ARGUMENTS)
    assert called["output"]["message"]["content"][0]["toolUse"]["input"] == json.loads(ARGUMENTS)
    assert refused["Error"]["Message"] == "The provided model identifier is invalid."
