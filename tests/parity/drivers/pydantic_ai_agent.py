"""Pydantic AI, by the family of its model: chat, responses, anthropic, google."""

import os

from harness import KEY, LIMITED, MODEL, UNKNOWN, URL, ask, run, told
from pydantic import BaseModel
from pydantic_ai import Agent

WAY = os.environ["PARITY_WAY"]


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    celsius: int


def _model(model=MODEL, key=KEY):
    if WAY == "anthropic":
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = AsyncAnthropic(base_url=URL, api_key=key, max_retries=0)
        return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))
    if WAY == "google":
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        return GoogleModel(model, provider=GoogleProvider(api_key=key, base_url=URL))
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)
    kind = OpenAIResponsesModel if WAY == "responses" else OpenAIChatModel
    return kind(model, provider=OpenAIProvider(openai_client=client))


def _used(result):
    usage = result.usage if not callable(result.usage) else result.usage()
    return [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.requests]


async def _ran(case, model=MODEL, key=KEY):
    return await Agent(_model(model, key)).run(ask(case))


async def text():
    result = await _ran("text")
    return told(text=result.output, usage=_used(result))


async def text_streamed():
    async with Agent(_model()).run_stream(ask("text")) as result:
        return told(text=await result.get_output(), usage=_used(result))


async def loop():
    seen = []
    agent = Agent(_model())

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        seen.append(city)
        return "21"

    result = await agent.run(ask("tools"))
    return told(text=result.output, tools=sorted(seen), usage=_used(result))


async def loop_streamed():
    seen = []
    agent = Agent(_model())

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        seen.append(city)
        return "21"

    async with agent.run_stream(ask("tools")) as result:
        return told(text=await result.get_output(), tools=sorted(seen), usage=_used(result))


async def structured():
    result = await Agent(_model(), output_type=Weather).run(ask("object"))
    return told(object=result.output.model_dump(), usage=_used(result))


async def wrong_key():
    return await _ran("text", key="sk-wrong")


async def unknown_model():
    return await _ran("text", UNKNOWN)


async def limited():
    return await _ran("text", LIMITED)


async def too_long():
    return await _ran("too_long")


run(globals())
