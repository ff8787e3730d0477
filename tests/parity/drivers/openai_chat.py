"""openai-python, chat completions and embeddings."""

import openai
from harness import IMAGE, KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL, ask, parsed, run, told
from pydantic import BaseModel

CLIENT = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
TOOLS = [{"type": "function", "function": {**TOOL, "strict": True}}]


class Weather(BaseModel):
    city: str
    celsius: int


def _asked(case, model=MODEL, client=CLIENT, **more):
    messages = [{"role": "user", "content": ask(case)}]
    return client.chat.completions.create(model=model, messages=messages, **more)


def _told(answer):
    choice = answer.choices[0]
    calls = choice.message.tool_calls or []
    return told(
        text=choice.message.content,
        tools=[[c.id, c.function.name, parsed(c.function.arguments)] for c in calls],
        refusal=choice.message.refusal,
        thought=getattr(choice.message, "reasoning_content", None),
        finish=choice.finish_reason,
        usage=[answer.usage.prompt_tokens, answer.usage.completion_tokens,
               answer.usage.total_tokens, answer.usage.prompt_tokens_details.cached_tokens],
        reasoning=getattr(answer.usage.completion_tokens_details, "reasoning_tokens", 0),
    )  # fmt: skip


def _streamed(case, **more):
    messages = [{"role": "user", "content": ask(case)}]
    with CLIENT.chat.completions.stream(
        model=MODEL, messages=messages, stream_options={"include_usage": True}, **more
    ) as stream:
        kinds = sorted({event.type for event in stream})
        return _told(stream.get_final_completion()) | {"events": kinds}


def text():
    return _told(_asked("text"))


def text_streamed():
    return _streamed("text")


def text_streamed_without_usage():
    chunks = list(_asked("text", stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    return told(text=text, usage=[c.usage for c in chunks if c.usage])


def tools():
    return _told(_asked("spoken_tools", tools=TOOLS))


def tools_streamed():
    return _streamed("tools", tools=TOOLS)


def loop():
    first = _asked("tools", tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": c.id, "content": "21"} for c in first.tool_calls]
    messages = [{"role": "user", "content": ask("tools")}, first, *results]
    return _told(CLIENT.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS))


def structured():
    messages = [{"role": "user", "content": ask("object")}]
    answer = CLIENT.chat.completions.parse(model=MODEL, messages=messages, response_format=Weather)
    return told(object=answer.choices[0].message.parsed.model_dump())


def structured_streamed():
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": SCHEMA, "strict": True}}
    return _streamed("object", response_format=form)


def thoughts():
    return _told(_asked("thoughts", reasoning_effort="low"))


def thoughts_streamed():
    return _streamed("thoughts", reasoning_effort="low")


def refusal():
    return _told(_asked("refusal"))


def refusal_streamed():
    return _streamed("refusal")


def length():
    return _told(_asked("length", max_completion_tokens=5))


def length_parsed():
    messages = [{"role": "user", "content": ask("length")}]
    return CLIENT.chat.completions.parse(model=MODEL, messages=messages, response_format=Weather)


def image():
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
    content = [{"type": "text", "text": ask("text")}, part]
    messages = [{"role": "user", "content": content}]
    return _told(CLIENT.chat.completions.create(model=MODEL, messages=messages))


def raw_headers():
    raw = CLIENT.chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": ask("text")}]
    )
    return told(type=raw.headers["content-type"].partition(";")[0], named=bool(raw.request_id))


def models():
    return told(found=MODEL in [each.id for each in CLIENT.models.list()])


def embeddings():
    answer = CLIENT.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    return told(object=[e.embedding for e in answer.data], usage=answer.usage.total_tokens)


def wrong_key():
    return _asked("text", client=CLIENT.with_options(api_key="sk-wrong"))


def unknown_model():
    return _asked("text", model=UNKNOWN)


def limited():
    return _asked("text", model=LIMITED)


def limited_streamed():
    return list(_asked("text", model=LIMITED, stream=True))


def too_long():
    return _asked("too_long")


def too_long_streamed():
    return list(_asked("too_long", stream=True))


def bad_field():
    return _asked("text", temperature=9)


run(globals())
