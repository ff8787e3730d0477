"""The page's files: only what lies in its folders is served, and only from here."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, HTTPException, Response

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
}
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def file_routes() -> APIRouter:
    """GET / and /ui/static/{name}."""
    routes = APIRouter(include_in_schema=False)

    @routes.head("/")
    @routes.get("/")
    async def page() -> Response:
        return page_file("index.html")

    @routes.get("/ui/static/{name:path}")
    async def static(name: str) -> Response:
        return page_file(name)

    return routes


def page_file(name: str) -> Response:
    """A file by its path below its folder, under the page's headers; raises HTTPException 404."""
    known = _files()
    if name not in known:
        raise HTTPException(404)
    kind = TYPES.get(name.rpartition(".")[2], "text/plain")
    return Response(known[name].read_bytes(), media_type=kind, headers=PAGE_HEADERS)


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
