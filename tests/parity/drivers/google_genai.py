"""google-genai for Python."""

import base64

from google import genai
from google.genai import types
from harness import IMAGE, KEY, LIMITED, MODEL, SCHEMA, TOOL, UNKNOWN, URL, ask, run, told


def _client(key):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL))


CLIENT = _client(KEY)
TOOLS = [types.Tool(function_declarations=[types.FunctionDeclaration(
    name=TOOL["name"], description=TOOL["description"],
    parameters_json_schema=TOOL["parameters"])])]  # fmt: skip


def _asked(case, model=MODEL, client=CLIENT, contents=None, **config):
    return client.models.generate_content(
        model=model, contents=contents or ask(case), config=types.GenerateContentConfig(**config)
    )


def _told(*answers):
    parts = [p for a in answers for c in a.candidates or [] for p in (c.content.parts or [])]
    last = answers[-1]
    usage = last.usage_metadata
    return told(
        text="".join(p.text for p in parts if p.text and not p.thought),
        thought="".join(p.text for p in parts if p.text and p.thought),
        tools=[[p.function_call.name, p.function_call.args] for p in parts if p.function_call],
        finish=last.candidates[0].finish_reason,
        usage=[usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count,
               usage.cached_content_token_count, usage.thoughts_token_count],
    )  # fmt: skip


def _streamed(case, **config):
    return _told(
        *CLIENT.models.generate_content_stream(
            model=MODEL, contents=ask(case), config=types.GenerateContentConfig(**config)
        )
    )


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
        types.Part.from_function_response(name=c.name, response={"celsius": 21})
        for c in first.function_calls
    ]
    asked = types.Content(role="user", parts=[types.Part(text=ask("tools"))])
    answered = types.Content(role="user", parts=results)
    contents = [asked, first.candidates[0].content, answered]
    return _told(_asked("tools", contents=contents, tools=TOOLS))


def structured():
    answer = _asked("object", response_mime_type="application/json", response_json_schema=SCHEMA)
    return told(object=answer.parsed or answer.text)


def thoughts():
    config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    return _told(_asked("thoughts", thinking_config=config))


def thoughts_streamed():
    config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
    return _streamed("thoughts", thinking_config=config)


def length():
    return _told(_asked("length", max_output_tokens=5))


def image():
    part = types.Part.from_bytes(data=base64.b64decode(IMAGE), mime_type="image/png")
    return _told(_asked("text", contents=[ask("text"), part]))


def counted():
    return told(
        type=type(CLIENT.models.count_tokens(model=MODEL, contents="a").total_tokens).__name__
    )


def wrong_key():
    return _asked("text", client=_client("sk-wrong"))


def unknown_model():
    return _asked("text", model=UNKNOWN)


def limited():
    return _asked("text", model=LIMITED)


def too_long():
    return _asked("too_long")


run(globals())
