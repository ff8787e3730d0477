"""Asking a running service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from windsock.errors import WindsockError

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A running service at `url`; `key` is sent as a bearer token, if there is one."""

    url: str
    key: str | None = None

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        """The JSON of an answer; `asked` are params or json; raises WindsockError."""
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        url = self.url.rstrip("/") + path
        try:
            answer = httpx.request(method, url, timeout=TIMEOUT_S, headers=headers, **asked)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise WindsockError(
                f"no windsock answers at {self.url} ({type(error).__name__}); start one with "
                "'windsock serve', or name it with --url"
            ) from error
        body = self._json(answer)
        if answer.is_error:
            raise WindsockError(body["error"]["message"] + self._hint(answer.status_code))
        return body

    def _json(self, answer: httpx.Response) -> Any:
        """Raises WindsockError where what answers is no windsock."""
        try:
            body = answer.json()
            if answer.is_error:
                str(body["error"]["message"])
        except (ValueError, TypeError, KeyError) as error:
            raise WindsockError(
                f"what answers at {self.url} is no windsock (status {answer.status_code})"
            ) from error
        return body

    def _hint(self, status: int) -> str:
        if status != 401:
            return ""
        return "; name a key with --key or WINDSOCK_API_KEY"
