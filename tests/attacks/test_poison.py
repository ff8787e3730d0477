"""Requests that break whoever is asked, or that no key has the right to: others are served."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from tests.attacks.form import row
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

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
