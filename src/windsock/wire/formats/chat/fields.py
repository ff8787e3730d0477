"""The fields of a chat completion's body that routing reads."""

from __future__ import annotations

from typing import Any

import msgspec

from windsock.wire.caller_fields.names import Model, Models, Name
from windsock.wire.caller_fields.router_fields import RouterFields

NAMED_IN = (
    "session_id",
    "conversation",
    "previous_response_id",
    "prompt_cache_key",
    "user",
    "metadata",
)
"""Fields of a body that may name the session."""

USUAL = frozenset(
    (
        "model",
        "messages",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "usage",
    )
)
"""Fields that name no session, no task and no request, need nothing of a deployment and speak to no
router: in a body with no other, nothing is looked for but what its messages are."""


class ChatFields(RouterFields, kw_only=True):
    """The fields that routing reads; everything else stays raw."""

    model: Model = ""
    messages: msgspec.Raw
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    functions: list[Any] | None = None
    tool_choice: Any = None
    logprobs: Any = None
    response_format: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    models: Models | None = None
    provider: dict[str, Any] | None = None
    session_id: Name | None = None
    conversation: Any = None
    previous_response_id: Any = None
    prompt_cache_key: Any = None
    user: Any = None
    service_tier: Name | None = None
    modalities: Any = None
    web_search_options: dict[str, Any] | None = None
