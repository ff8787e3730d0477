"""`[providers.NAME.parameters]`: the owner's word goes before what is known."""

from __future__ import annotations

import pytest

from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.config.file import parse
from windsock.errors import ConfigError

BASE = """
[providers.mistral]
base_url = "{url}"
api_key = "sk-none-secret"
price = {{ input = 1, output = 1 }}
{of_provider}
[deployments."mistral/m"]
{of_deployment}
[routes.auto]
candidates = ["mistral/m"]
"""
ASKED = {"model": "auto", "messages": [{"role": "user", "content": "hi"}],
         "seed": 1, "store": True, "max_tokens": 500, "temperature": 1.9}  # fmt: skip


@pytest.mark.parametrize(
    ("of_provider", "of_deployment", "sent", "adapted"),
    [
        ("", "", {"random_seed": 1, "max_tokens": 500, "temperature": 1.5},
         "seed, store, temperature"),
        ('parameters = { takes = ["seed", "store", "temperature"] }', "",
         {"seed": 1, "store": True, "max_tokens": 500, "temperature": 1.9}, None),
        ('parameters = { takes = ["seed"] }', 'parameters = { leave_out = ["seed"] }',
         {"max_tokens": 500, "temperature": 1.5}, "seed, store, temperature"),
        ("", "parameters = { at_most = { temperature = 0.5, max_tokens = 100 } }",
         {"random_seed": 1, "max_tokens": 100, "temperature": 0.5},
         "seed, store, max_tokens, temperature"),
        ("", 'parameters = { rename = { max_tokens = "limit" } }',
         {"random_seed": 1, "limit": 500, "temperature": 1.5},
         "seed, store, max_tokens, temperature"),
    ],
)  # fmt: skip
async def test_the_nearest_word_counts(tmp_path, of_provider, of_deployment, sent, adapted) -> None:
    async with upstream(lambda _: Answer(completion("hi"))) as there:
        config = BASE.format(url=there.url, of_provider=of_provider, of_deployment=of_deployment)
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=ASKED)
    assert answer.headers.get("x-windsock-adapted") == adapted
    (body,) = there.seen
    assert {k: v for k, v in body.items() if k not in ("model", "messages")} == sent


async def test_what_is_said_to_be_lacked_is_not_asked_for(tmp_path) -> None:
    of_provider = 'parameters = { lacks = ["tools"] }'
    asked = {**ASKED, "tools": [{"type": "function", "function": {"name": "f"}}]}
    async with upstream(lambda _: Answer(completion("hi"))) as there:
        config = BASE.format(url=there.url, of_provider=of_provider, of_deployment="")
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/chat/completions", json=asked)
    assert answer.status_code == 422
    assert "mistral/m: does not take tools" in answer.json()["error"]["message"]
    assert not there.seen


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('leave = ["seed"]', "unknown key 'providers.p.parameters.leave'; did you mean"),
        ('tool_id = "["', "no regular expression"),
        ('prefill = "gone"', "'gone' is none of kept, prefix, ask"),
        ("at_most = { temperature = 'hot' }", "providers.p.parameters.at_most.temperature"),
    ],
)
def test_a_fault_is_one_sentence_that_names_it(text, words) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"[providers.p.parameters]\n{text}\n", {}, source="windsock.toml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
