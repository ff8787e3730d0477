"""Signatures of thoughts in Gemini's form: of Gemini itself, or another provider's, sealed in it.

Clients of Gemini send `thoughtSignature` back where it stood, whatever it holds; thoughts they may
leave out.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from typing import Any

import orjson

from windsock.wire.formats.generate_content.media import standard
from windsock.wire.json_codec import parsed

NONE = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""What clients write in place of a signature that there is not, as Google's documents tell them."""

MARK = b"windsock:"
"""Before what was sealed here."""


def seal(blocks: list[dict[str, Any]]) -> str:
    """Thinking blocks as one signature."""
    return b64encode(MARK + orjson.dumps(blocks)).decode()


def is_geminis(signature: Any) -> bool:
    """Whether Gemini made it."""
    return bool(signature) and signature not in NONE and unsealed(signature) is None


def unsealed(signature: Any) -> list[dict[str, Any]] | None:
    """The blocks in a signature; None for one of Gemini's own."""
    text = standard(signature)
    try:
        kept = b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        return None
    blocks = parsed(kept.removeprefix(MARK)) if kept.startswith(MARK) else None
    if not isinstance(blocks, list):
        return None
    return [each for each in blocks if isinstance(each, dict)]
