"""anthropic-python."""

import anthropic
from harness import IMAGE, KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL, ask, run, told

CLIENT = anthropic.Anthropic(base_url=URL, api_key=KEY, max_retries=0)
TOOLS = [{"name": TOOL["name"], "description": TOOL["description"],
          "input_schema": TOOL["parameters"]}]  # fmt: skip


def _turns(case):
    return [{"role": "user", "content": ask(case)}]


def _asked(case, model=MODEL, client=CLIENT, **more):
    limit = more.pop("max_tokens", 2048)
    return client.messages.create(model=model, max_tokens=limit, messages=_turns(case), **more)


def _told(answer):
    usage = answer.usage
    return told(
        text="".join(b.text for b in answer.content if b.type == "text"),
        tools=[[b.id, b.name, b.input] for b in answer.content if b.type == "tool_use"],
        thought="".join(b.thinking for b in answer.content if b.type == "thinking"),
        kinds=[b.type for b in answer.content],
        finish=answer.stop_reason,
        usage=[usage.input_tokens, usage.cache_read_input_tokens,
               usage.cache_creation_input_tokens, usage.output_tokens],
    )  # fmt: skip


def _streamed(case, **more):
    with CLIENT.messages.stream(
        model=MODEL, max_tokens=2048, messages=_turns(case), **more
    ) as stream:
        kinds = sorted({event.type for event in stream})
        return _told(stream.get_final_message()) | {"events": kinds}


def text():
    return _told(_asked("text"))


def text_streamed():
    return _streamed("text")


def tools():
    return _told(_asked("spoken_tools", tools=TOOLS))


def tools_streamed():
    return _streamed("tools", tools=TOOLS)


def loop():
    first = _asked("tools", tools=TOOLS)
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": "21"} for b in first.content]
    messages = [
        *_turns("tools"),
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    return _told(
        CLIENT.messages.create(model=MODEL, max_tokens=2048, messages=messages, tools=TOOLS)
    )


def structured():
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    return _told(_asked("object", output_config=form))


def thoughts():
    return _told(_asked("thoughts", thinking={"type": "enabled", "budget_tokens": 1024}))


def thoughts_streamed():
    return _streamed("thoughts", thinking={"type": "enabled", "budget_tokens": 1024})


def refusal():
    return _told(_asked("refusal"))


def length():
    return _told(_asked("length", max_tokens=5))


def cached():
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    return _told(_asked("text", system=system))


def image():
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    content = [{"type": "text", "text": ask("text")}, {"type": "image", "source": source}]
    messages = [{"role": "user", "content": content}]
    return _told(CLIENT.messages.create(model=MODEL, max_tokens=99, messages=messages))


def counted():
    answer = CLIENT.messages.count_tokens(model=MODEL, messages=_turns("text"))
    return told(type=type(answer.input_tokens).__name__)


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


run(globals())
