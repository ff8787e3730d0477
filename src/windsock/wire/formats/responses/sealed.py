"""What only the provider of a thought can read, kept in a reasoning item until it comes back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from typing import Any

import orjson

from windsock.wire.formats.pieces import Kind, Piece
from windsock.wire.json_codec import parsed

TOLD_HERE = "rs_windsock_"
"""Begins the id of a reasoning item that tells what another than OpenAI thought."""

MARK = "windsock:"
"""Before what was sealed here; what OpenAI encrypted says nothing to others."""


def sealed_of(thought: Piece) -> dict[str, Any]:
    """The `encrypted_content` of a thought that has a signature; {} for one that has none."""
    block = thought.block
    if thought.kind is Kind.THOUGHT and thought.signature:
        block = {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
    return {"encrypted_content": MARK + b64encode(orjson.dumps(block)).decode()} if block else {}


def blocks_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The thinking blocks that were sealed in a reasoning item; none for one from elsewhere."""
    kept = item.get("encrypted_content")
    if not isinstance(kept, str) or not kept.startswith(MARK):
        return []
    try:
        block = parsed(b64decode(kept.removeprefix(MARK)))
    except (Error, ValueError):
        return []
    return [block] if isinstance(block, dict) else []
