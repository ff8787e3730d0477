"""Bringing a feed's body: bounded in time and size, conditional, and never into a private net."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

from windsock.errors import FeedError
from windsock.feeds.address_policy import pinned
from windsock.feeds.definition import FeedDefinition

MAX_REDIRECTS = 3
"""Followed for one fetch; each address is checked anew."""

MAX_WAIT_S = 3600.0
"""Longest time that a Retry-After is obeyed."""

DEFAULT_WAIT_S = 60.0
"""After a Retry-After that cannot be read."""

AGENT = "windsock (price feed reader)"
"""As which feeds see the reader."""

NO_ADDRESS = "its url must be one of https, http, file or package, and name a host if there is one"
"""What stands there is not repeated, for it may be a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What the last fetch left behind, to ask only for news."""

    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """body is None if it is the same as last time."""

    body: bytes | None
    validators: Validators = field(default_factory=Validators)


class RetryLater(FeedError):
    """The feed asks to be left alone for `wait_s`."""

    def __init__(self, message: str, *, feed: str, wait_s: float) -> None:
        super().__init__(message, feed=feed)
        self.wait_s = wait_s


class Fetcher:
    """Fetches http(s), file: and package: URLs. `environ` holds keys of feeds that need one."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ or {}
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, definition: FeedDefinition, last: Validators) -> Fetched:
        """The body, or none if nothing changed; raises FeedError."""
        scheme, _, rest = definition.url.partition(":")
        if scheme == "package":
            return _changed(await asyncio.to_thread(packaged), last, {})
        if scheme == "file":
            return _changed(await asyncio.to_thread(_file, definition, rest), last, {})
        if scheme not in ("http", "https"):
            raise FeedError(NO_ADDRESS, feed=definition.id)
        try:
            async with asyncio.timeout(definition.timeout):
                return await self._get(definition, last)
        except TimeoutError as error:
            raise FeedError(
                f"no whole body in {definition.timeout:g} s", feed=definition.id
            ) from error
        except httpx.InvalidURL as error:
            raise FeedError(NO_ADDRESS, feed=definition.id) from error
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            raise FeedError(reason, feed=definition.id) from error

    async def close(self) -> None:
        """Close the connections; the next fetch opens new ones."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _get(self, definition: FeedDefinition, last: Validators) -> Fetched:
        url = definition.url
        for _ in range(MAX_REDIRECTS + 1):
            request = await self._request(definition, url, last)
            client = self._client or self._open()
            response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code == 304:
                    return Fetched(body=None, validators=last)
                _check(definition, response)
                return _changed(await _body(definition, response), last, response.headers)
            finally:
                await response.aclose()
        raise FeedError(f"more than {MAX_REDIRECTS} redirects", feed=definition.id)

    async def _request(
        self, definition: FeedDefinition, url: str, last: Validators
    ) -> httpx.Request:
        """A request to the checked address, with the host's own name for TLS and the server."""
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80)
        if parsed.scheme not in ("http", "https"):
            raise FeedError(f"redirects to {parsed.scheme!r}", feed=definition.id)
        if parsed.scheme == "http" and not definition.allow_private:
            raise FeedError("plain http is not trusted; use https", feed=definition.id)
        address = await pinned(
            host, port, feed=definition.id, allow_private=definition.allow_private
        )
        headers = {
            "host": parsed.netloc.decode("ascii"),
            "user-agent": AGENT,
            "accept-encoding": "gzip",
        }
        if _origin(parsed) == _origin(httpx.URL(definition.url)):
            headers |= definition.headers | self._credentials(definition)
        if last.etag:
            headers["if-none-match"] = last.etag
        if last.last_modified:
            headers["if-modified-since"] = last.last_modified
        return httpx.Request(
            "GET",
            parsed.copy_with(host=address),
            headers=headers,
            extensions={"sni_hostname": host},
        )

    def _credentials(self, definition: FeedDefinition) -> dict[str, str]:
        """The feed's key as a header; for its own host only, never for one it redirects to."""
        key = self._environ.get(definition.env_key or "")
        if not key:
            return {}
        is_bearer = definition.key_header == "authorization"
        return {definition.key_header: f"Bearer {key}" if is_bearer else key}

    def _open(self) -> httpx.AsyncClient:
        self._client = httpx.AsyncClient(timeout=None, trust_env=False)  # noqa: S113 (deadline above)
        return self._client


def packaged() -> bytes:
    """The data inside the PyPI package genai-prices, in the shape of its published JSON."""
    from genai_prices.data_snapshot import get_snapshot

    providers = [
        {
            "id": provider.id,
            "name": provider.name,
            "models": [
                {
                    "id": model.id,
                    "context_window": model.context_window,
                    "names": sorted(set(_equals(model.match)) - {model.id}),
                    "prices": _plain(model.prices),
                }
                for model in provider.models
            ],
        }
        for provider in get_snapshot().providers
    ]
    return json.dumps(providers).encode()


def _equals(clause: Any) -> list[str]:
    """Names that a match clause accepts as they stand."""
    if hasattr(clause, "equals"):
        return [clause.equals]
    return [name for each in getattr(clause, "or_", ()) for name in _equals(each)]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if hasattr(value, "__dict__") or hasattr(value, "__dataclass_fields__"):
        names = dict.fromkeys([*getattr(value, "__dataclass_fields__", ()), *vars(value)])
        return {
            name: _plain(stated)
            for name in names
            if name[0] != "_" and (stated := getattr(value, name, None)) is not None
        }
    return value


def _file(definition: FeedDefinition, path: str) -> bytes:
    try:
        return Path(path.removeprefix("//")).read_bytes()
    except OSError as error:
        raise FeedError(f"{path} cannot be read ({error.strerror})", feed=definition.id) from error


def _check(definition: FeedDefinition, response: httpx.Response) -> None:
    status = response.status_code
    if status in (429, 503) and "retry-after" in response.headers:
        wait_s = _wait_s(response.headers)
        raise RetryLater(f"answers {status}", feed=definition.id, wait_s=wait_s)
    if status != 200:
        raise FeedError(f"answers {status}", feed=definition.id)
    if "text/html" in response.headers.get("content-type", ""):
        raise FeedError("answers with an HTML page", feed=definition.id)


async def _body(definition: FeedDefinition, response: httpx.Response) -> bytes:
    """The decoded body, refused as soon as it exceeds the bound, compressed or not."""
    bound = int(definition.max_mb * 1024 * 1024)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise FeedError(f"is encoded as {encoding}, which was not asked for", feed=definition.id)
    unzip = zlib.decompressobj(31) if "gzip" in encoding else None
    parts: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        try:
            part = unzip.decompress(chunk, bound + 1 - size) if unzip else chunk
        except zlib.error as error:
            raise FeedError(f"the body is no gzip: {error}", feed=definition.id) from error
        size += len(part)
        if size > bound:
            raise FeedError(f"the body exceeds {definition.max_mb:g} MB", feed=definition.id)
        parts.append(part)
    if unzip is not None and not unzip.eof:
        raise FeedError("the compressed body ends too early", feed=definition.id)
    return b"".join(parts)


def _changed(body: bytes, last: Validators, headers: Mapping[str, str]) -> Fetched:
    digest = hashlib.sha256(body).hexdigest()
    validators = Validators(
        etag=headers.get("etag"), last_modified=headers.get("last-modified"), sha256=digest
    )
    return Fetched(body=None if digest == last.sha256 else body, validators=validators)


def _wait_s(headers: Mapping[str, str]) -> float:
    """Seconds to wait, an hour at most; a date counts from the server's own `date`."""
    text = headers["retry-after"]
    try:
        wait_s = float(text)
    except ValueError:
        try:
            until, sent = parsedate_to_datetime(text), parsedate_to_datetime(headers["date"])
            wait_s = (until - sent).total_seconds()
        except (KeyError, ValueError, TypeError):
            wait_s = DEFAULT_WAIT_S
    return min(MAX_WAIT_S, max(0.0, wait_s))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
