"""openai-python, Responses."""

import openai
from harness import IMAGE, KEY, LIMITED, MODEL, TOOL, UNKNOWN, URL, ask, parsed, run, told
from pydantic import BaseModel

CLIENT = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
TOOLS = [{"type": "function", "strict": True, **TOOL}]


class Weather(BaseModel):
    city: str
    celsius: int


def _asked(case, model=MODEL, client=CLIENT, **more):
    return client.responses.create(model=model, input=ask(case), **more)


def _told(answer):
    thoughts = [
        part.text
        for item in answer.output
        if item.type == "reasoning"
        for part in [*item.summary, *(item.content or [])]
    ]
    parts = [p for i in answer.output if i.type == "message" for p in i.content]
    usage = answer.usage
    return told(
        text=answer.output_text,
        tools=[
            [item.call_id, item.name, parsed(item.arguments)]
            for item in answer.output
            if item.type == "function_call"
        ],
        refusal="".join(p.refusal for p in parts if p.type == "refusal"),
        thought="".join(thoughts),
        kinds=[item.type for item in answer.output],
        finish=answer.status,
        reason=answer.incomplete_details and answer.incomplete_details.reason,
        usage=[usage.input_tokens, usage.output_tokens, usage.total_tokens,
               usage.input_tokens_details.cached_tokens],
        reasoning=usage.output_tokens_details.reasoning_tokens,
    )  # fmt: skip


def _streamed(case, **more):
    with CLIENT.responses.stream(model=MODEL, input=ask(case), **more) as stream:
        kinds = sorted({event.type for event in stream})
        return _told(stream.get_final_response()) | {"events": kinds}


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
    results = [
        {"type": "function_call_output", "call_id": c.call_id, "output": "21"} for c in first.output
    ]
    given = [{"role": "user", "content": ask("tools")}, *first.output, *results]
    return _told(CLIENT.responses.create(model=MODEL, input=given, tools=TOOLS))


def structured():
    answer = CLIENT.responses.parse(model=MODEL, input=ask("object"), text_format=Weather)
    return told(object=answer.output_parsed.model_dump())


def structured_streamed():
    return _streamed("object", text_format=Weather)


def thoughts():
    return _told(_asked("thoughts", reasoning={"effort": "low", "summary": "auto"}))


def thoughts_streamed():
    return _streamed("thoughts", reasoning={"effort": "low", "summary": "auto"})


def refusal():
    return _told(_asked("refusal"))


def refusal_streamed():
    return _streamed("refusal")


def length():
    return _told(_asked("length", max_output_tokens=16))


def length_streamed():
    return [e.type for e in _asked("length", max_output_tokens=16, stream=True)][-1]


def image():
    part = {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"}
    content = [{"type": "input_text", "text": ask("text")}, part]
    given = [{"role": "user", "content": content}]
    return _told(CLIENT.responses.create(model=MODEL, input=given))


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
