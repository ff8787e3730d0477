"""Requests that break whoever is asked, or that no key has the right to: others are served."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from tests.attacks.form import attack, row
from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.core.model.requests import Cell

BROKEN = {"error": {"message": "The server had an error", "type": "server_error"}}
WAYS = {
    "an error of 500": Answer(BROKEN, status=500),
    "an answer with nothing to show": Answer(completion("")),
    "an answer that is none": Answer({"ok": True}),
    "a key without the right": Answer(
        {"error": {"message": "you have no access to what you asked for"}}, status=403
    ),
    "an unknown model": Answer({"error": {"message": "no such model"}}, status=404),
}
AGAIN, ANOTHER = "the same, over and over", "each time another"
TIMES = 30


def ask(words: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": words}], **fields}


@pytest.mark.parametrize(
    ("way", "model", "how", "is_stream"),
    [
        row("500 wherever it is asked: the same, over and over", "others are served",
            "an error of 500", "auto", AGAIN, False),
        row("500 wherever it is asked: streamed", "others are served",
            "an error of 500", "auto", AGAIN, True),
        row("500 wherever it is asked: each time another", "others are served",
            "an error of 500", "auto", ANOTHER, False),
        row("500 where one alone is asked", "others are served there",
            "an error of 500", "acme/m", AGAIN, False),
        row("500 where one alone is asked: each time another", "others are served there",
            "an error of 500", "acme/m", ANOTHER, False),
        row("nothing to show wherever it is asked", "others are served",
            "an answer with nothing to show", "auto", AGAIN, False),
        row("no answer wherever it is asked", "others are served",
            "an answer that is none", "auto", AGAIN, False),
        row("403 for what is asked, wherever it is", "others are served",
            "a key without the right", "auto", ANOTHER, False),
        row("403 for what is asked of one alone", "others are served there",
            "a key without the right", "acme/m", ANOTHER, False),
        row("404 for what is asked, wherever it is", "others are served",
            "an unknown model", "auto", ANOTHER, False),
    ],
)  # fmt: skip
async def test_a_request_that_breaks_all(
    tmp_path, way: str, model: str, how: str, *, is_stream: bool
) -> None:
    """Two providers have answered others; five failures or one refused key would take them out."""
    number = count()

    def reply(body: Any) -> Answer:
        return WAYS[way] if "poison" in json.dumps(body) else Answer(completion("hi"))

    async with upstream(reply) as acme, upstream(reply) as beta:
        config = config_of(("acme", acme.url, 1.0), ("beta", beta.url, 1.1))
        async with running(config, tmp_path) as it:
            chat = "/v1/chat/completions"
            for name in ("acme/m", "beta/m"):
                assert (await it.http.post(chat, json=ask("hello", model=name))).status_code == 200
            for _ in range(TIMES):
                nonce = next(number) if how is ANOTHER else ""
                poison = ask(f"poison {nonce}", model=model, stream=is_stream)
                broken = await it.http.post(chat, json=poison)
                assert broken.status_code >= 400
            health = it.service.router.health
            failing = health.failing(it.service.clock.now()) if how is AGAIN else []
            honest = [await it.http.post(chat, json=ask("hello", model=model)) for _ in range(3)]
    assert [answer.status_code for answer in honest] == [200] * 3
    assert not failing


@attack(
    "500 wherever it is asked, each time another, while one provider is down",
    "others are served by those that answer them",
)
async def test_a_request_that_breaks_all_beside_an_outage(tmp_path) -> None:
    is_down = False

    def reply(body: Any) -> Answer:
        return Answer(BROKEN, status=500) if "poison" in json.dumps(body) else completed

    def failing(body: Any) -> Answer:
        return Answer(BROKEN, status=500) if is_down else reply(body)

    completed, honest = Answer(completion("hi")), []
    async with upstream(failing) as acme, upstream(reply) as beta:
        config = config_of(("acme", acme.url, 1.0), ("beta", beta.url, 1.1))
        async with running(config, tmp_path) as it:
            chat = "/v1/chat/completions"
            for name in ("acme/m", "beta/m"):
                await it.http.post(chat, json=ask("hello", model=name))
            is_down = True
            for n in range(TIMES):
                await it.http.post(chat, json=ask(f"poison {n}", model="auto"))
                if n > TIMES / 2:
                    answer = await it.http.post(chat, json=ask(f"hello {n}", model="auto"))
                    honest.append(answer.status_code)
    assert set(honest) == {200}


SAID_BAD = Answer({"error": {"message": "bad input", "type": "invalid_request_error"}}, status=400)
TORN = Answer(events=stream_of(["a", "b"])[:3])


@pytest.mark.parametrize(
    ("by_acme", "by_beta", "fields"),
    [
        row("500 wherever it is asked, and its success", "nobody is thought worse of",
            WAYS["an error of 500"], WAYS["an error of 500"], {}),
        row("an answer that is none, and its success", "nobody is thought worse of",
            WAYS["an answer that is none"], WAYS["an answer that is none"], {}),
        row("nothing to show, and its success", "nobody is thought worse of",
            WAYS["an answer with nothing to show"], WAYS["an answer with nothing to show"], {}),
        row("streams that break off, and their success", "nobody is thought worse of",
            TORN, TORN, {"stream": True}),
        row("500 here and 400 there, and their success", "nobody is thought worse of",
            WAYS["an error of 500"], SAID_BAD, {}),
        row("500 where the caller lets nobody else be asked", "nobody is thought worse of",
            WAYS["an error of 500"], WAYS["an error of 500"],
            {"provider": {"order": ["acme"], "allow_fallbacks": False}}),
        row("500 where the caller lets one alone be asked", "nobody is thought worse of",
            WAYS["an error of 500"], WAYS["an error of 500"], {"provider": {"only": ["beta"]}}),
    ],
)  # fmt: skip
async def test_what_a_job_of_such_requests_says_of_success(
    tmp_path, by_acme: Answer, by_beta: Answer, fields: dict[str, Any]
) -> None:
    """Each is another; were they counted, a floor would soon be told as out of reach."""

    def reply(broken: Answer) -> Any:
        return lambda body: broken if "poison" in json.dumps(body) else Answer(completion("hi"))

    async with upstream(reply(by_acme)) as acme, upstream(reply(by_beta)) as beta:
        config = config_of(("acme", acme.url, 1.0), ("beta", beta.url, 1.1))
        async with running(config, tmp_path) as it:
            chat, beliefs = "/v1/chat/completions", it.service.router.beliefs
            for name in ("auto", "auto", "acme/m", "beta/m"):
                await it.http.post(chat, json=ask("hello", model=name))
            known = []
            for times in (0, TIMES):
                for n in range(times):
                    await it.http.post(chat, json=ask(f"poison {n}", model="auto", **fields))
                found = beliefs.summaries(Cell("default", "auto", "default"), ("acme/m", "beta/m"))
                known.append([each.mean for each in found])
    assert known[1] == pytest.approx(known[0], abs=0.005)


SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "x", "schema": {"type": "object"}},
}
FORMS = {
    "Messages": (
        "/v1/messages",
        {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "poison"}]},
        Answer(BROKEN, status=500),
    ),
    "Gemini's": (
        "/v1beta/models/auto:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "poison"}]}]},
        Answer(BROKEN, status=502),
    ),
    "streams that break off": (
        "/v1/chat/completions",
        ask("poison", model="auto", stream=True),
        Answer(events=stream_of(["a", "b"])[:-2]),
    ),
    "schemas that are refused": (
        "/v1/chat/completions",
        ask("poison", model="auto", response_format=SCHEMA),
        Answer({"error": {"message": "response_format json_schema is not supported"}}, status=400),
    ),
}


@pytest.mark.parametrize(
    ("path", "body", "broken"),
    [
        row(f"what is refused wherever it is asked: {name}", "others are served", *each)
        for name, each in FORMS.items()
    ],
)
async def test_forms_that_break_all(
    tmp_path, path: str, body: dict[str, Any], broken: Answer
) -> None:
    def reply(asked: Any) -> Answer:
        return broken if "poison" in json.dumps(asked) else Answer(completion("hi"))

    chat, others = "/v1/chat/completions", []
    async with upstream(reply) as acme, upstream(reply) as beta:
        config = config_of(("acme", acme.url, 1.0), ("beta", beta.url, 1.1))
        async with running(config, tmp_path) as it:
            for name in ("acme/m", "beta/m"):
                await it.http.post(chat, json=ask("hi", model=name, response_format=SCHEMA))
            for _ in range(12):
                await it.http.post(path, json=body)
            for name in ("auto", "acme/m", "beta/m"):
                honest = ask("hello", model=name, response_format=SCHEMA)
                others.append((await it.http.post(chat, json=honest)).status_code)
    assert others == [200] * 3


TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
NO_TOOLS = "tools are not supported by this model"
NO_MODEL = "The model does not exist or you do not have access to it"
NO_MONEY = "You exceeded your current quota, please check your plan and billing details"
QUOTED = {
    "a tool that is named so": (
        {"tools": [{"type": "function", "function": {"name": NO_TOOLS}}]},
        f"Invalid 'tools[0].function.name': string does not match pattern, got '{NO_TOOLS}'.",
    ),
    "a tool that is described so": (
        {"tools": [{"type": "function", "function": {"name": "f", "description": NO_TOOLS}}]},
        f"Invalid schema for function 'f' ({NO_TOOLS}): schema must be of type object",
    ),
    "a user that is named so": ({"user": NO_MONEY}, f'Invalid user "{NO_MONEY}"'),
    "a word at which to stop": ({"stop": [NO_MODEL]}, f"stop `{NO_MODEL}` is not allowed"),
    "a note beside": (
        {"metadata": {"note": "your account has been deactivated"}},
        'metadata value "your account has been deactivated" is too long',
    ),
    "a schema that is named like a code": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "insufficient_quota", "schema": {"type": "object"}},
            }
        },
        "Invalid schema 'insufficient_quota': missing properties",
    ),
    "a tool that is named like a code": (
        {"tools": [{"type": "function", "function": {"name": "model_not_found"}}]},
        "Unknown function 'model_not_found'",
    ),
}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        row(f"words that a provider quotes: {name}", "taken for the caller's", *each)
        for name, each in QUOTED.items()
    ],
)
async def test_words_that_a_provider_quotes(tmp_path, fields: dict[str, Any], said: str) -> None:
    """They take out neither account nor model nor tools, though nobody was answered before."""
    refused = Answer({"error": {"message": said, "type": "invalid_request_error"}}, status=400)

    def reply(body: Any) -> Answer:
        return refused if "poison" in json.dumps(body) else Answer(completion("hi"))

    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            chat = "/v1/chat/completions"
            bad = [
                await it.http.post(chat, json=ask(f"poison {n}", model="auto", **fields))
                for n in range(3)
            ]
            honest = await it.http.post(chat, json=ask("hello", model="auto", tools=TOOLS))
    assert [answer.status_code for answer in bad] == [400] * 3
    assert said in bad[-1].json()["error"]["message"], "who asks is told all of it"
    assert honest.status_code == 200
