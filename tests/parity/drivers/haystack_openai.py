"""Haystack's generator and embedder of OpenAI."""

from harness import KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL, ask, run, told
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret


def _tool():
    return Tool(
        name=TOOL["name"], description=TOOL["description"], parameters=TOOL["parameters"],
        function=lambda city: city,
    )  # fmt: skip


def _asked(case, model=MODEL, key=KEY, messages=None, **more):
    made = OpenAIChatGenerator(
        model=model, api_base_url=f"{URL}/v1", api_key=Secret.from_token(key), max_retries=0, **more
    )
    return made.run(messages or [ChatMessage.from_user(ask(case))])["replies"][0]


def _told(reply):
    usage = reply.meta.get("usage") or {}
    return told(
        text=reply.text,
        tools=[[c.id, c.tool_name, c.arguments] for c in reply.tool_calls],
        finish=reply.meta.get("finish_reason"),
        usage={name: usage.get(name) for name in ("prompt_tokens", "completion_tokens")},
    )


def text():
    return _told(_asked("text"))


def text_streamed():
    return _told(_asked("text", streaming_callback=lambda chunk: None))


def tools():
    return _told(_asked("spoken_tools", tools=[_tool()]))


def tools_streamed():
    return _told(_asked("tools", tools=[_tool()], streaming_callback=lambda chunk: None))


def loop():
    first = _asked("tools", tools=[_tool()])
    results = [ChatMessage.from_tool("21", origin=call) for call in first.tool_calls]
    messages = [ChatMessage.from_user(ask("tools")), first, *results]
    return _told(_asked("tools", messages=messages, tools=[_tool()]))


def structured():
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA, "strict": True}}
    return _told(_asked("object", generation_kwargs={"response_format": form}))


def embeddings():
    made = OpenAITextEmbedder(
        model="text-embedding-3-small", api_base_url=f"{URL}/v1", api_key=Secret.from_token(KEY)
    )
    answer = made.run("a")
    return told(object=answer["embedding"], usage=answer["meta"]["usage"]["total_tokens"])


def wrong_key():
    return _asked("text", key="sk-wrong")


def unknown_model():
    return _asked("text", UNKNOWN)


def limited():
    return _asked("text", LIMITED)


def too_long():
    return _asked("too_long")


run(globals())
