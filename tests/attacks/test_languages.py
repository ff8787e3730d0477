"""404 for what is asked in a provider's own format: others are asked in it all the same."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from tests.attacks.form import row
from tests.running import running
from tests.service.native.test_as_it_comes import EVENTS, MESSAGE, RESPONSE, provider, route
from tests.upstream import Answer, completion, stream_of, upstream

Body = dict[str, Any]

BARE = Answer({"detail": "Not Found"}, status=404)
NO_METHOD = Answer("", status=405)
NO_SKILL = Answer(
    {"type": "error", "error": {"type": "not_found_error", "message": "Skill 'x' not found"}},
    status=404,
)
PLACES = {
    "messages": ("anthropic", "claude-sonnet-4-5", MESSAGE),
    "responses": ("openai", "gpt-5", RESPONSE),
}


def ask(language: str, words: str, *, is_stream: bool = False) -> Body:
    said = {"input": words} if language == "responses" else {
        "max_tokens": 9, "messages": [{"role": "user", "content": words}]}  # fmt: skip
    return {"model": "auto", "stream": is_stream, **said}


def answer_of(language: str, refused: Answer) -> Any:
    """Of a provider that speaks the format, and does not find what some ask for."""
    native, chat = Answer(PLACES[language][2]), Answer(completion("dry"))

    def answer(body: Body) -> Answer:
        is_chat = language == "responses" and "messages" in body
        if "poison" in json.dumps(body) and not is_chat:
            return refused
        if body.get("stream"):
            return Answer(events=stream_of(["dry"]) if is_chat else EVENTS[language])
        return chat if is_chat else native

    return answer


@pytest.mark.parametrize(
    ("language", "refused", "is_stream", "was_answered", "times"),
    [
        row("404 for what one asks in a provider's own format", "others are asked in it",
            "responses", BARE, False, True, 1),
        row("the same before anybody was answered", "others are asked in it",
            "responses", BARE, False, False, 1),
        row("the same, over and over", "others are asked in it",
            "responses", BARE, False, False, -9),
        row("404 in a provider's own format, each time another", "others are asked in it",
            "responses", BARE, False, True, 9),
        row("405, each time another, beside streams", "others are asked in it",
            "responses", NO_METHOD, True, True, 9),
        row("404 of a skill that is not there, each time another", "others are asked in it",
            "messages", NO_SKILL, False, False, 9),
        row("404 of a skill that is not there, streamed", "others are asked in it",
            "messages", NO_SKILL, True, False, 9),
    ],
)  # fmt: skip
async def test_404_in_a_format_of_its_own(
    tmp_path, language: str, refused: Answer, times: int, *, is_stream: bool, was_answered: bool
) -> None:
    number = count()
    name, model, _ = PLACES[language]
    async with upstream(answer_of(language, refused), f"/{language}") as there:
        config = provider(name, there.url) + route(f"{name}/{model}")
        async with running(config, tmp_path) as it:
            path = f"/v1/{language}"
            if was_answered:
                await it.http.post(path, json=ask(language, "hello", is_stream=is_stream))
            for _ in range(abs(times)):
                nonce = next(number) if times > 0 else ""
                await it.http.post(path, json=ask(language, f"poison {nonce}"))
            honest = await it.http.post(path, json=ask(language, "hello", is_stream=is_stream))
    assert honest.status_code == 200
    assert there.targets[-1] == path, "in its own format"
