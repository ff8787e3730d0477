"""Thinking that Messages ask for, at who knows it and at others."""

from typing import Any

import orjson
import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.wire.adaptation.complaints import complaints_of
from windsock.wire.formats.anthropic.request import messages_body
from windsock.wire.formats.messages.messages import Messages

ASK: dict[str, Any] = {"model": "auto", "max_tokens": 50, "thinking": {"type": "adaptive"},
                       "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "Unrecognized request argument supplied: thinking",
        "thinking: Extra inputs are not permitted",
        "property 'thinking' is unsupported",
        "thinking.type: Input should be 'enabled' or 'disabled'",
        "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags",
        "Failed to deserialize the JSON body: thinking.type: unknown variant `adaptive`",
        "adaptive thinking is not supported on this model",
    ],
)
async def test_who_does_not_take_thinking_is_asked_without_it(tmp_path, words) -> None:
    def reply(body: dict[str, Any]) -> Answer:
        if "thinking" not in body:
            return Answer(completion("yes"))
        return Answer({"error": {"message": words, "type": "invalid_request_error"}}, status=400)

    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            answers = [await it.http.post("/v1/messages", json=ASK) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].headers["x-windsock-adapted"] == "thinking"
    assert ["thinking" in each for each in acme.seen] == [True, False, False]


def test_a_bad_budget_is_told_to_who_asked_for_it() -> None:
    words = "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
    raw = orjson.dumps({"error": {"message": words}})
    assert complaints_of(400, raw, {"thinking": b"{}"}) == ()


def test_signed_thoughts_reach_anthropic_as_they_came() -> None:
    thoughts = [{"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "eA=="}]  # fmt: skip
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "Bern"}}
    unsigned = {"type": "thinking", "thinking": "from elsewhere", "signature": ""}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [*thoughts, {"type": "text", "text": "so"}, use]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "18"}]},
        {"role": "assistant", "content": [unsigned, {"type": "text", "text": "18 degrees"}]},
        {"role": "user", "content": "and?"},
    ]  # fmt: skip
    body = messages_body(Messages().asked({**ASK, "messages": turns}), "claude")
    assert body["thinking"] == {"type": "adaptive"}
    assert body["messages"][1]["content"] == [*thoughts, {"type": "text", "text": "so"}, use]
    assert body["messages"][3]["content"] == [{"type": "text", "text": "18 degrees"}]
