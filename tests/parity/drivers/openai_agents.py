"""OpenAI Agents SDK, by Responses (its default) and by chat."""

import os

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from harness import KEY, LIMITED, MODEL, UNKNOWN, URL, ask, run, told
from openai import AsyncOpenAI
from pydantic import BaseModel

set_tracing_disabled(True)
KIND = (
    OpenAIResponsesModel if os.environ["PARITY_WAY"] == "responses" else OpenAIChatCompletionsModel
)
SEEN = []


class Weather(BaseModel):
    city: str
    celsius: int


@function_tool(name_override="get_weather")
def _get_weather(city: str) -> str:
    """The weather of a city."""
    SEEN.append(city)
    return "21"


def _agent(model=MODEL, key=KEY, **more):
    SEEN.clear()
    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)
    return Agent(name="a", model=KIND(model=model, openai_client=client), **more)


def _told(result):
    usage = result.context_wrapper.usage
    return told(
        text=result.final_output,
        tools=sorted(SEEN),
        usage=[usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens],
    )


async def text():
    return _told(await Runner.run(_agent(), ask("text")))


async def loop():
    return _told(await Runner.run(_agent(tools=[_get_weather]), ask("tools")))


async def loop_streamed():
    result = Runner.run_streamed(_agent(tools=[_get_weather]), ask("tools"))
    async for _ in result.stream_events():
        pass
    return _told(result)


async def structured():
    result = await Runner.run(_agent(output_type=Weather), ask("object"))
    return told(object=result.final_output.model_dump())


async def thoughts():
    return _told(await Runner.run(_agent(), ask("thoughts")))


async def refusal_raised():
    return _told(await Runner.run(_agent(), ask("refusal")))


async def wrong_key():
    return await Runner.run(_agent(key="sk-wrong"), ask("text"))


async def unknown_model():
    return await Runner.run(_agent(UNKNOWN), ask("text"))


async def limited():
    return await Runner.run(_agent(LIMITED), ask("text"))


async def too_long():
    return await Runner.run(_agent(), ask("too_long"))


run(globals())
