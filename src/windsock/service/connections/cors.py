"""Calls from pages in a browser, where the operator allows their origins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.middleware.cors import CORSMiddleware


def with_cors(app: Any, origins: Sequence[str]) -> Any:
    """The application that also answers pages of these origins; itself if there are none.

    Cookies are never asked for: a page sends a key as any client does.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["*"],
    )
