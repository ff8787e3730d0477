"""What a person decides is answered once the store holds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

KEPT = "x-windsock-kept"
"""Header of such an answer: yes, or no where the store did not take it in time. It is in force in
either case."""

LOOKS = frozenset({"GET", "HEAD"})


def keeping(is_kept: Callable[[], Awaitable[bool]]) -> type[APIRoute]:
    """Routes whose calls are answered once what they changed outlives the process.

    is_kept     waits until the store holds all that was done so far; False if that took too long
    """

    class Keeping(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()
            if self.methods is not None and self.methods <= LOOKS:
                return answer

            async def answer_when_kept(request: Request) -> Response:
                response = await answer(request)
                response.headers[KEPT] = "yes" if await is_kept() else "no"
                return response

            return answer_when_kept

    return Keeping
