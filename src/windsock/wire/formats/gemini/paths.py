"""Where Gemini's calls are made, below its base URL: the path names the model."""

from __future__ import annotations

from urllib.parse import quote


def path_of(model: str, call: str) -> str:
    """Of a call of a model."""
    return f"/models/{quote(model, safe='')}:{call}"


def content_path(model: str, *, is_stream: bool) -> str:
    """Of generateContent; a stream comes as events."""
    streamed = path_of(model, "streamGenerateContent?alt=sse")
    return streamed if is_stream else path_of(model, "generateContent")
