"""A request that goes on from an answer by its id goes to who keeps it, whoever gave it."""

from __future__ import annotations

import asyncio
import contextlib

from windsock.core.model.requests import RouteRequest
from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.service.feedback_inbox import FeedbackInbox

AT_MOST_S = 1.0
"""For which the store is asked; then the request is served as one whose answer nobody knows."""


class Continuing:
    """Finds out where the answer is kept that a request goes on from, if that is not in memory:
    another process gave it a moment ago, or it is an old one."""

    def __init__(self, router: Router, feedbacks: FeedbackInbox) -> None:
        self._router = router
        self._feedbacks = feedbacks

    async def find(self, request: RouteRequest) -> None:
        """Called before it is decided where the request goes; raises nothing."""
        memory, name = self._router.conversations.memory, request.continues
        if name is None or memory.answerer(request.namespace, name) is not None:
            return
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(AT_MOST_S):
                found = await self._feedbacks.answered_by(name, request.namespace)
            known = self._router.catalog.deployments.get(found or "")
            if known is not None and known.keeps_answers:
                memory.note_answerer(request.namespace, name, known.id)
