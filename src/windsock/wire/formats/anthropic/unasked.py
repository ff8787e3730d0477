"""A message of Anthropic's that came as events where it was asked for whole, or the other way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from windsock.wire.formats.anthropic.answer import counted_on
from windsock.wire.formats.passing.native import event_of
from windsock.wire.json_codec import dumps

Pieces = dict[str, list[Any]]
"""What deltas say of a block, by the field that goes on."""

LISTED = {"citation": "citations"}
"""Fields of a block that hold what deltas name one by one."""

ARGUMENTS = "partial_json"

TEXTS = ("text", "thinking", "signature")
"""Fields of a block that deltas of the same name tell."""


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


def events_of(body: Any) -> bytes:
    """The events of a whole stream; empty for all that is no whole message."""
    blocks = body.get("content") if isinstance(body, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(each, dict) for each in blocks):
        return b""
    ends = ("stop_reason", "stop_sequence")
    begun = {**body, "content": [], **dict.fromkeys(ends)}
    ended = {"delta": {name: body.get(name) for name in ends}, "usage": body.get("usage") or {}}
    told = chain.from_iterable(_block(index, block) for index, block in enumerate(blocks))
    first = {"type": "message_start", "message": begun}
    last: list[dict[str, Any]] = [{"type": "message_delta", **ended}, {"type": "message_stop"}]
    return b"".join(map(event_of, (first, *told, *last)))


def _block(index: int, block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said = [name for name in TEXTS if isinstance(block.get(name), str)]
    arguments, notes = block.get("input"), block.get("citations")
    begun = {**block, **dict.fromkeys(said, "")}
    begun |= {"input": {}} if arguments else {}
    begun |= {"citations": []} if notes else {}
    deltas = [
        *({"type": f"{name}_delta", name: block[name]} for name in said),
        *({"type": "citations_delta", "citation": each} for each in notes or ()),
        *(
            [{"type": "input_json_delta", ARGUMENTS: dumps(arguments).decode()}]
            if arguments
            else ()
        ),
    ]
    yield {"type": "content_block_start", "index": index, "content_block": begun}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}
