"""A chat body as Bedrock's Converse asks for the same.

Written from AWS's API reference. What has no counterpart is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.formats.anthropic.request import messages_body
from windsock.wire.service_tiers import asked_of_bedrock

OWN = ("guardrailConfig", "additionalModelRequestFields", "performanceConfig", "requestMetadata")
"""Fields that are Converse's own."""

CACHE_POINT = {"cachePoint": {"type": "default"}}

CARRIED = frozenset(
    {*OWN, "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p",
     "stop", "tools", "tool_choice", "service_tier", "stream", "stream_options"}
)  # fmt: skip
"""Fields of chat completions that have a counterpart."""

Block = dict[str, Any]


def converse_body(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call: what Messages have, in Converse's words."""
    told = messages_body(chat, "")
    body: dict[str, Any] = {
        "messages": [
            {"role": turn["role"], "content": list(_blocks(turn["content"]))}
            for turn in told["messages"]
        ]
    }
    if system := list(_blocks(told.get("system") or ())):
        body["system"] = system
    if limits := _limits(chat, told):
        body["inferenceConfig"] = limits
    if "tools" in told:
        body["toolConfig"] = _tools(told)
    body |= asked_of_bedrock(chat.get("service_tier"))
    return body | {name: chat[name] for name in OWN if chat.get(name) is not None}


def _limits(chat: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Converse needs no limit on an answer, so none is made up."""
    stated = {
        "maxTokens": chat.get("max_completion_tokens") or chat.get("max_tokens"),
        "temperature": told.get("temperature"),
        "topP": told.get("top_p"),
        "stopSequences": told.get("stop_sequences"),
    }
    return {name: value for name, value in stated.items() if value is not None}


def _blocks(blocks: Any) -> Iterator[Block]:
    """Each with the mark of a cache after it, if it has one."""
    for block in blocks:
        yield _block(block)
        if block.get("cache_control"):
            yield CACHE_POINT


def _block(block: Mapping[str, Any]) -> Block:
    match block.get("type"):
        case "text":
            return {"text": block["text"]}
        case "image":
            return {"image": _media(block["source"])}
        case "document":
            name = {"name": block.get("title") or "document"}
            return {"document": {**name, **_media(block["source"])}}
        case "tool_use":
            return {"toolUse": {"toolUseId": block["id"], "name": block["name"],
                                "input": block["input"]}}  # fmt: skip
        case "tool_result":
            said = list(_blocks(block.get("content") or ())) or [{"text": " "}]
            return {"toolResult": {"toolUseId": block["tool_use_id"], "content": said}}
        case "thinking":
            text = {"text": block.get("thinking"), "signature": block.get("signature")}
            return {"reasoningContent": {"reasoningText": text}}
        case "redacted_thinking":
            return {"reasoningContent": {"redactedContent": block.get("data")}}
    return dict(block)


def _media(source: Mapping[str, Any]) -> Block:
    """Bytes stand in the request; an address is S3's, or of no use to Bedrock."""
    if source.get("type") == "base64":
        kind = str(source["media_type"]).partition("/")[2]
        return {"format": kind, "source": {"bytes": source["data"]}}
    url = str(source.get("url"))
    return {"format": url.rpartition(".")[2] or "png", "source": {"s3Location": {"uri": url}}}


def _tools(told: Mapping[str, Any]) -> dict[str, Any]:
    tools: list[Block] = []
    for each in told["tools"]:
        spec = {name: each[name] for name in ("name", "description") if each.get(name)}
        schema = {"json": each.get("input_schema") or {"type": "object"}}
        tools.append({"toolSpec": {**spec, "inputSchema": schema}})
    choice = told.get("tool_choice") or {}
    kind = choice.get("type")
    wished: Block = {"tool": {"name": choice.get("name")}} if kind == "tool" else {str(kind): {}}
    return {"tools": tools} | ({"toolChoice": wished} if kind in ("auto", "any", "tool") else {})
