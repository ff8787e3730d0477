"""What Converse answers, whole or as events, in the terms of Anthropic's Messages.

The two are siblings: told as Messages, an answer is read by the one reader there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.usage.fields import count
from windsock.wire.service_tiers import answered_tier

STOPS = {"content_filtered": "refusal", "guardrail_intervened": "refusal"}
"""Where Messages have another word for why an answer ended."""

COUNTS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}

LIVES = {"5m": "ephemeral_5m_input_tokens", "1h": "ephemeral_1h_input_tokens"}
"""What was written to a cache, by how long it is kept there."""

ERRORS = "Exception"
"""Ends the name of an event that is an error."""


def message_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    said = part_of(part_of(body, "output"), "message").get("content")
    blocks = [_block(each) for each in said or () if isinstance(each, dict)]
    return {
        "content": blocks,
        "stop_reason": stop_of(body.get("stopReason")),
        "usage": usage_of(part_of(body, "usage")) | answered_tier(body),
    }


def stop_of(reason: Any) -> Any:
    """Why it ended, in the words of Messages."""
    return STOPS.get(reason, reason) if isinstance(reason, str) else None


def usage_of(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Counts under the names of Messages: what a cache had stands beside the input in both."""
    named = {own: counted[name] for name, own in COUNTS.items() if counted.get(name) is not None}
    details = counted.get("cacheDetails")
    lives: dict[str, int] = {}
    for each in details if isinstance(details, list) else ():
        life = LIVES.get(str(each.get("ttl"))) if isinstance(each, dict) else None
        if life is not None:
            lives[life] = lives.get(life, 0) + (count(each.get("inputTokens")) or 0)
    return named | ({"cache_creation": lives} if lives else {})


def events_of(kind: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One event of a stream, as those of Messages."""
    index = body.get("contentBlockIndex", 0)
    if kind.endswith(ERRORS):
        yield {"type": "error", "error": {"type": kind, "message": body.get("message")}}
    elif kind == "messageStart":
        yield {"type": "message_start", "message": {}}
    elif kind == "contentBlockStart":
        tool = part_of(part_of(body, "start"), "toolUse")
        block = _call(tool) if tool else {"type": "text", "text": ""}
        yield {"type": "content_block_start", "index": index, "content_block": block}
    elif kind == "contentBlockDelta":
        delta = _delta(part_of(body, "delta"))
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    elif kind == "contentBlockStop":
        yield {"type": "content_block_stop", "index": index}
    elif kind == "messageStop":
        ended = {"stop_reason": stop_of(body.get("stopReason"))}
        yield {"type": "message_delta", "delta": ended, "usage": {}}
    elif kind == "metadata":
        usage = usage_of(part_of(body, "usage")) | answered_tier(body)
        yield {"type": "message_delta", "delta": {}, "usage": usage}
        yield {"type": "message_stop"}


def _delta(delta: Mapping[str, Any]) -> dict[str, Any]:
    tool, thought = part_of(delta, "toolUse"), part_of(delta, "reasoningContent")
    if tool:
        return {"type": "input_json_delta", "partial_json": tool.get("input")}
    if "signature" in thought:
        return {"type": "signature_delta", "signature": thought["signature"]}
    if thought:
        return {"type": "thinking_delta", "thinking": thought.get("text")}
    return {"type": "text_delta", "text": delta.get("text") or ""}


def _block(block: dict[str, Any]) -> dict[str, Any]:
    tool, thought = part_of(block, "toolUse"), part_of(block, "reasoningContent")
    if tool:
        return _call(tool) | {"input": tool.get("input")}
    if "redactedContent" in thought:
        return {"type": "redacted_thinking", "data": thought["redactedContent"]}
    if thought:
        text = part_of(thought, "reasoningText")
        signed = {"thinking": text.get("text"), "signature": text.get("signature")}
        return {"type": "thinking", **signed}
    cited = part_of(block, "citationsContent").get("content")
    said = [each.get("text") for each in cited or () if isinstance(each, dict)]
    return {"type": "text", "text": block.get("text") or "".join(filter(None, said))}


def _call(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Of a tool; one that ran at Amazon is none of the client's."""
    kind = "server_tool_use" if tool.get("type") == "server_tool_use" else "tool_use"
    return {"type": kind, "id": tool.get("toolUseId"), "name": tool.get("name")}
