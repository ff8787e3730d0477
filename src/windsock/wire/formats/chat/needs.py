"""What a chat cannot do without."""

from __future__ import annotations

import re

from windsock.wire.caller_fields.custom_tools import has_custom
from windsock.wire.caller_fields.router_fields import needs_of
from windsock.wire.formats.chat.fields import ChatFields

OLD_CALL = re.compile(rb'"function_call"\s*:\s*\{')
"""Of a turn, from before there were tools; null in many."""

OPTIONAL = (None, "auto", "none")
"""Values of `tool_choice` that demand no call."""

NO_NEEDS: frozenset[str] = frozenset()


def chat_needs(read: ChatFields, messages: bytes) -> frozenset[str]:
    """What the request cannot do without; of messages that are words alone nothing is looked at."""
    needs = set(needs_of(read, bytes(read.tools)))
    if b'"image_url"' in messages or b'"input_image"' in messages:
        needs.add("vision")
    speaks = isinstance(read.modalities, list) and "audio" in read.modalities
    if speaks or b'"input_audio"' in messages:
        needs.add("audio")
    if b'"tool_call_id"' in messages:
        needs.add("tools")
    if len(bytes(read.tools)) > 2 and bytes(read.tools) != b"null":
        needs.add("tools")
        if read.tool_choice not in OPTIONAL:
            needs.add("tool_choice")
    if has_custom(bytes(read.tools), read.tool_choice, messages):
        needs.add("custom_tools")
    if read.functions or OLD_CALL.search(messages):
        needs |= {"tools", "functions"}
    form = (read.response_format or {}).get("type")
    if form in ("json_schema", "json_object"):
        needs.add(form)
    if (read.n or 1) > 1:
        needs.add("n")
    if read.logprobs:
        needs.add("logprobs")
    return frozenset(needs)
