"""LiteLLM's SDK as a client: its openai, anthropic and responses ways."""

import litellm
from harness import KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL, ask, parsed, run, told

litellm.num_retries = 0
litellm.suppress_debug_info = True
TOOLS = [{"type": "function", "function": TOOL}]


def _asked(case, model=MODEL, key=KEY, **more):
    return litellm.completion(
        model=f"openai/{model}", api_base=f"{URL}/v1", api_key=key, max_retries=0,
        messages=[{"role": "user", "content": ask(case)}], **more,
    )  # fmt: skip


def _told(answer):
    choice = answer.choices[0]
    return told(
        text=choice.message.content,
        tools=[
            [c.id, c.function.name, parsed(c.function.arguments)]
            for c in choice.message.tool_calls or []
        ],
        thought=getattr(choice.message, "reasoning_content", None),
        finish=choice.finish_reason,
        usage=[answer.usage.prompt_tokens, answer.usage.completion_tokens,
               answer.usage.total_tokens],
    )  # fmt: skip


def _streamed(case, **more):
    chunks = list(_asked(case, stream=True, stream_options={"include_usage": True}, **more))
    return _told(litellm.stream_chunk_builder(chunks))


def text():
    return _told(_asked("text"))


def text_streamed():
    return _streamed("text")


def tools():
    return _told(_asked("spoken_tools", tools=TOOLS))


def tools_streamed():
    return _streamed("tools", tools=TOOLS)


def structured():
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA, "strict": True}}
    return _told(_asked("object", response_format=form))


def thoughts():
    return _told(_asked("thoughts"))


def thoughts_streamed():
    return _streamed("thoughts")


def anthropic():
    return _told(
        litellm.completion(
            model="anthropic/claude-sonnet-4-5", api_base=URL, api_key=KEY, max_retries=0,
            messages=[{"role": "user", "content": ask("tools")}], tools=TOOLS,
        )
    )  # fmt: skip


def responses():
    answer = litellm.responses(
        model=f"openai/{MODEL}", api_base=f"{URL}/v1", api_key=KEY, input=ask("text")
    )
    return told(text=answer.output[0].content[0].text, usage=answer.usage.total_tokens)


def embeddings():
    answer = litellm.embedding(
        model="openai/text-embedding-3-small", api_base=f"{URL}/v1", api_key=KEY, input=["a"]
    )
    return told(object=answer.data[0]["embedding"])


def wrong_key():
    return _asked("text", key="sk-wrong")


def unknown_model():
    return _asked("text", UNKNOWN)


def limited():
    return _asked("text", LIMITED)


def too_long():
    return _asked("too_long")


run(globals())
