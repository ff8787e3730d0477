"""Asking a running service."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from windsock.cli.options import HERE, stated_port
from windsock.errors import ConfigError, WindsockError

TIMEOUT_S = 10.0

WRONG_USE = (400, 422)
"""Statuses by which a service says that what was typed is wrong, as an option may be."""


NOT_KEPT = (
    "in force, but not kept: the store of the service does not take it (/readyz says why); if the "
    "service ends before it does, it is forgotten"
)


class NothingAnswers(WindsockError):
    """No service listens where one was asked."""


class Client(Protocol):
    """Whoever answers the calls of a service."""

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        """The JSON of an answer; `asked` are params, json or timeout; raises WindsockError."""


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A running service at `url`; `key` is sent as a bearer token, if there is one."""

    url: str = field(repr=False)
    key: str | None = field(default=None, repr=False)

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        """The JSON of an answer; `asked` are params, json or timeout; raises WindsockError."""
        if "://" not in self.url:
            raise ConfigError(
                f"--url is an address such as {HERE}; what stands there is not repeated, for it "
                "may be a key"
            )
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise ConfigError("--key holds characters that no key has; copy it anew")
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        url = self.url.rstrip("/") + path
        try:
            answer = httpx.request(method, url, headers=headers, **{"timeout": TIMEOUT_S, **asked})
        except httpx.ReadTimeout as error:
            limit_s = asked.get("timeout", TIMEOUT_S)
            raise NothingAnswers(
                f"the windsock at {self.url} did not answer within {limit_s:g} s: it is busy, or "
                f"has much to tell; ask for less, such as a later --since, or GET {path} without "
                "a limit of time"
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise NothingAnswers(
                f"no windsock answers at {self.url} ({type(error).__name__}); start one with "
                f"'windsock serve', or name it with --url{_elsewhere(self.url)}"
            ) from error
        except ValueError as error:
            raise ConfigError("nan and inf are no numbers to ask by; name one") from error
        told = checked(answer, self.url)
        if answer.headers.get("x-windsock-kept") == "no":
            print(NOT_KEPT, file=sys.stderr)
        return told


def checked(answer: httpx.Response, place: str) -> Any:
    """The JSON of an answer; raises WindsockError if it is an error, or no windsock's: ConfigError
    where what was typed is wrong."""
    try:
        body = answer.json()
        message = str(body["error"]["message"]) if answer.is_error else ""
    except (ValueError, TypeError, KeyError) as error:
        raise WindsockError(
            f"what answers at {place} is no windsock (status {answer.status_code})"
        ) from error
    if answer.is_error:
        kind = ConfigError if answer.status_code in WRONG_USE else WindsockError
        raise kind(message + _hint(answer.status_code))
    return body


def _elsewhere(url: str) -> str:
    """That the file here names another place than the usual one, which was asked."""
    port = stated_port() if url == HERE else None
    return "" if port is None else f"; by windsock.toml it is at http://127.0.0.1:{port}"


def _hint(status: int) -> str:
    return "; name a key with --key or WINDSOCK_API_KEY" if status == 401 else ""
