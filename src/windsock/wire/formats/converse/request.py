"""A chat body as Bedrock's Converse asks for the same.

Written from AWS's API reference. What has no counterpart is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from windsock.wire.formats.anthropic.request import DATA_URL, messages_body
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.json_codec import dumps
from windsock.wire.service_tiers import asked_of_bedrock

OWN = ("guardrailConfig", "additionalModelRequestFields", "performanceConfig", "requestMetadata")
"""Fields that are Converse's own."""

CACHE_POINT = {"cachePoint": {"type": "default"}}

CARRIED = frozenset(
    {*OWN, "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p",
     "stop", "tools", "tool_choice", "service_tier", "stream", "stream_options"}
)  # fmt: skip
"""Fields of chat completions that have a counterpart."""

FORMATS = {
    "plain": "txt",
    "markdown": "md",
    "jpg": "jpeg",
    "msword": "doc",
    "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "quicktime": "mov",
    "vnd.ms-excel": "xls",
    "x-m4a": "m4a",
    "x-matroska": "mkv",
    "x-wav": "wav",
    "x-ms-wmv": "wmv",
    "vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""Converse's word for a kind of medium or document, where that of its media type is another."""

UNNAMED = re.compile(r"[^A-Za-z0-9()\[\]-]+")
"""What no name of a document may hold, but for single blanks."""

LONGEST_NAME = 190
"""Characters of a name, with room for a number after it: 200 are taken."""

Block = dict[str, Any]


def converse_body(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a call: what Messages have, in Converse's words."""
    told = messages_body(chat, "")
    has_tools = "tools" in told and (told.get("tool_choice") or {}).get("type") != "none"
    turns = [(turn["role"], turn["content"]) for turn in told["messages"]]
    if not has_tools:
        turns = [(role, list(_in_words(blocks))) for role, blocks in turns]
    body: dict[str, Any] = {
        "messages": [{"role": role, "content": list(_blocks(blocks))} for role, blocks in turns]
    }
    _name_documents(body["messages"])
    if system := list(_blocks(told.get("system") or ())):
        body["system"] = system
    if limits := _limits(chat, told):
        body["inferenceConfig"] = limits
    if has_tools:
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


def _in_words(blocks: Iterable[Block]) -> Iterator[Block]:
    """Calls and their results where no tool may be called: Converse takes them only beside tools.

    Its word for "none" there is to name no tools.
    """
    for block in blocks:
        if block.get("type") == "tool_use":
            said = f"I called {block['name']} with {dumps(block['input']).decode()}"
            yield {"type": "text", "text": said}
        elif block.get("type") == "tool_result":
            yield {"type": "text", "text": "The call gave:"}
            yield from block.get("content") or ()
        else:
            yield block


def _name_documents(turns: Iterable[Block]) -> None:
    """Names in the letters that Converse takes, each once in a request; no folders."""
    taken: set[str] = set()
    for document in _documents(block for turn in turns for block in turn["content"]):
        stated = str(document["name"]).replace("\\", "/").rpartition("/")[2]
        name = UNNAMED.sub(" ", stated).strip()[:LONGEST_NAME] or "document"
        if name in taken:
            name = f"{name} ({len(taken) + 1})"
        document["name"] = name
        taken.add(name)


def _documents(blocks: Iterable[Block]) -> Iterator[Block]:
    """Those of turns and those in results of tools."""
    for block in blocks:
        if "document" in block:
            yield block["document"]
        elif "toolResult" in block:
            yield from _documents(block["toolResult"]["content"])


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
        case "input_audio":
            sound = part_of(block, "input_audio")
            return {"audio": _bytes(str(sound.get("format")), sound.get("data"))}
        case "video_url":
            return {"video": _film(str(part_of(block, "video_url").get("url")))}
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
        return _bytes(str(source["media_type"]).partition("/")[2], source["data"])
    url = str(source.get("url"))
    return {"format": url.rpartition(".")[2] or "png", "source": {"s3Location": {"uri": url}}}


def _film(url: str) -> Block:
    """The same of a video, whose bytes stand in its address."""
    held = DATA_URL.match(url)
    if held is None:
        return {"format": url.rpartition(".")[2], "source": {"s3Location": {"uri": url}}}
    return _bytes(held["kind"].partition("/")[2], held["data"])


def _bytes(kind: str, data: Any) -> Block:
    return {"format": FORMATS.get(kind, kind), "source": {"bytes": data}}


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
