"""A limit on output above what a deployment can do is bounded."""

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

HI = [{"role": "user", "content": "hi " * 400}]


@pytest.mark.parametrize(
    ("limits", "asked", "sent"),
    [
        ("max_output_tokens = 4096", 64000, 4096),
        ("max_output_tokens = 4096", 4000, 4000),
        ("context_tokens = 32768", 32000, None),
        ("context_tokens = 32768\nmax_output_tokens = 8192", 32000, 8192),
        ("", 64000, 64000),
    ],
)
async def test_it_is_bounded_by_what_is_left(tmp_path, limits, asked, sent) -> None:
    body = {"model": "auto", "max_tokens": asked, "messages": HI}
    async with upstream(lambda _: Answer(completion("hi"))) as acme:
        config = config_of(("acme", acme.url, 1.0))
        config += f'[deployments."acme/m".capabilities]\n{limits}\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/messages", json=body)
    assert answer.status_code == 200, answer.text
    (seen,) = acme.seen
    assert seen["max_tokens"] == sent or (sent is None and 30000 < seen["max_tokens"] < 32600)
    named = answer.headers.get("x-windsock-adapted")
    assert named == (None if seen["max_tokens"] == asked else "max_tokens")


async def test_a_prompt_that_leaves_no_room_is_for_another(tmp_path) -> None:
    body = {"model": "auto", "max_tokens": 8000, "messages": HI}
    async with upstream(lambda _: Answer(completion("hi"))) as acme:
        config = config_of(("acme", acme.url, 1.0))
        config += '[deployments."acme/m".capabilities]\ncontext_tokens = 1000\n'
        async with running(config, tmp_path) as it:
            answer = await it.http.post("/v1/messages", json=body)
    assert answer.status_code == 422
    assert "context window is 1000 tokens" in answer.json()["error"]["message"]
    assert not acme.seen
