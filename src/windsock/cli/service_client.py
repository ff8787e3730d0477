"""Commands that ask a running service."""

from __future__ import annotations

from typing import Any

import httpx

from windsock.errors import WindsockError


def ask(url: str, path: str, *, method: str = "GET", **asked: Any) -> Any:
    """JSON from a running service; raises WindsockError with one sentence."""
    try:
        answer = httpx.request(method, url.rstrip("/") + path, timeout=10, **asked)
    except httpx.HTTPError as error:
        raise WindsockError(
            f"no windsock answers at {url} ({type(error).__name__}); start one with "
            "'windsock serve', or name it with --url"
        ) from error
    body = answer.json()
    if answer.is_error:
        raise WindsockError(body["error"]["message"])
    return body
