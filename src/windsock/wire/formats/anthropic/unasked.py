"""A message of Anthropic's that came as events where a whole one was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from windsock.wire.formats.anthropic.answer import counted_on

Pieces = dict[str, list[Any]]
"""What deltas say of a block, by the field that goes on."""

LISTED = {"citation": "citations"}
"""Fields of a block that hold what deltas name one by one."""

ARGUMENTS = "partial_json"


def message_of(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What the events of a whole stream add up to; raises one of MISSHAPEN for what is no such."""
    message: dict[str, Any] = {}
    blocks: dict[int, tuple[dict[str, Any], Pieces]] = {}
    for event in events:
        match event["type"]:
            case "message_start":
                message = dict(event["message"])
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"]), {}
            case "content_block_delta":
                _note(blocks[event["index"]][1], event["delta"])
            case "message_delta":
                used = counted_on(message.get("usage") or {}, dict(event.get("usage") or {}))
                message |= {**event["delta"], "usage": used}
    return {**message, "content": [_whole(*blocks[number]) for number in sorted(blocks)]}


def _note(pieces: Pieces, delta: Mapping[str, Any]) -> None:
    for name, value in delta.items():
        if name != "type" and value is not None:
            pieces.setdefault(name, []).append(value)


def _whole(block: dict[str, Any], pieces: Pieces) -> dict[str, Any]:
    """A block with what its deltas add to what it began with."""
    arguments = "".join(pieces.pop(ARGUMENTS, ()))
    for name, said in pieces.items():
        if name in LISTED:
            block[LISTED[name]] = [*(block.get(LISTED[name]) or ()), *said]
        else:
            block[name] = (block.get(name) or "") + "".join(said)
    return block | ({"input": orjson.loads(arguments)} if arguments else {})
