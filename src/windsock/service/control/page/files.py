"""The page's files: only what lies in its folders is served, and only from here."""

import gzip
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Response

STATIC = tuple(
    files(package).joinpath("static")
    for package in ("windsock.service.control", "windsock.resources")
)
"""Folders of the page's own files, and of those that it shares with reports."""

PAGE_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
    "vary": "accept-encoding",
}
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


Encodings = Annotated[str, Header(max_length=1000)]


def file_routes() -> APIRouter:
    """GET /, /ui, which leads there, and /ui/static/{name}."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page(accept_encoding: Encodings = "") -> Response:
        return page_file("index.html", accept_encoding)

    @routes.get("/ui")
    async def elsewhere() -> Response:
        return Response(status_code=307, headers={"location": "/"})

    @routes.get("/ui/static/{name:path}")
    async def static(name: str, accept_encoding: Encodings = "") -> Response:
        return page_file(name, accept_encoding)

    return routes


def page_file(name: str, encodings: str = "") -> Response:
    """A file by its path below its folder, under the page's headers; raises HTTPException 404.

    encodings   that the client takes; one with gzip gets it so
    """
    known = _files()
    if name not in known and f"{name}.gz" not in known:
        raise HTTPException(404)
    kind, headers = TYPES.get(name.rpartition(".")[2], "text/plain"), dict(PAGE_HEADERS)
    if name in known:
        raw = known[name].read_bytes()
        body = _packed(raw) if "gzip" in encodings else raw
    else:
        packed = known[f"{name}.gz"].read_bytes()
        body = packed if "gzip" in encodings else gzip.decompress(packed)
    if "gzip" in encodings:
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=kind, headers=headers)


@lru_cache(maxsize=128)
def _packed(raw: bytes) -> bytes:
    return gzip.compress(raw, mtime=0)


@cache
def _files() -> dict[str, Traversable]:
    """By path below its folder: what is not listed here is not served."""
    return {name: each for place in STATIC for name, each in _below(place, "")}


def _below(place: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in place.iterdir():
        if each.is_dir():
            yield from _below(each, f"{path}{each.name}/")
        else:
            yield f"{path}{each.name}", each
