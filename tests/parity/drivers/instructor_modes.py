"""Instructor: objects by forced tools, by JSON schema and from Anthropic."""

import os

import anthropic
import instructor
import openai
from harness import KEY, LIMITED, MODEL, UNKNOWN, URL, ask, run
from pydantic import BaseModel

IS_ANTHROPIC = os.environ["PARITY_WAY"] == "anthropic"


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    celsius: int


def _client(key=KEY, **mode):
    if IS_ANTHROPIC:
        inner = anthropic.Anthropic(base_url=URL, api_key=key, max_retries=0)
        return instructor.from_anthropic(inner)
    inner = openai.OpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)
    return instructor.from_openai(inner, **mode)


def _asked(case, model=MODEL, key=KEY, **mode):
    return (
        _client(key, **mode)
        .chat.completions.create(
            model=model, max_tokens=999, max_retries=0, response_model=Weather,
            messages=[{"role": "user", "content": ask(case)}],
        )
        .model_dump()
    )  # fmt: skip


def structured():
    return _asked("object")


def structured_by_json_schema():
    return None if IS_ANTHROPIC else _asked("object", mode=instructor.Mode.JSON_SCHEMA)


def structured_by_responses():
    return None if IS_ANTHROPIC else _asked("object", mode=instructor.Mode.RESPONSES_TOOLS)


def structured_streamed():
    parts = _client().chat.completions.create_partial(
        model=MODEL, max_tokens=999, response_model=Weather,
        messages=[{"role": "user", "content": ask("object")}],
    )  # fmt: skip
    return [each.model_dump() for each in parts][-1]


def wrong_key():
    return _asked("object", key="sk-wrong")


def unknown_model():
    return _asked("object", UNKNOWN)


def limited():
    return _asked("object", LIMITED)


def too_long():
    return _asked("too_long")


run(globals())
