"""A request that goes on from an answer by its id goes to who keeps it, whoever gave it."""

from __future__ import annotations

import asyncio
import contextlib

from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.wire.request import UpstreamRequest

AT_MOST_S = 0.5
"""For which is looked; then the request is served as one whose answer nobody knows."""


class Continuing:
    """Finds out where the answer is kept that a request goes on from, if that is not in memory:
    another process gave it a moment ago, or it is an old one."""

    def __init__(self, router: Router, feedbacks: FeedbackInbox) -> None:
        self._router = router
        self._feedbacks = feedbacks

    async def find(self, asked: UpstreamRequest) -> None:
        """Called before it is decided where the request goes; raises nothing.

        A sealed part of an answer is no answer, and stands in no store.
        """
        request, memory = asked.request, self._router.conversations.memory
        name, native = request.continues, asked.native
        is_part = native is not None and native.continues == name
        if name is None or is_part or memory.answerer(request.namespace, name) is not None:
            return
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(AT_MOST_S):
                found = await self._feedbacks.answered_by(name, request.namespace)
            known = self._router.catalog.deployments.get(found or "")
            if known is not None and known.keeps_answers:
                memory.note_answerer(request.namespace, name, known.id)
