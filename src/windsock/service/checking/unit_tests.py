"""The tests that came with a request are run on the program that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.evidence.checks.texts import fenced
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.service.background_requests import BackgroundRequests
from windsock.service.checking.answer_checks import AnswerChecks
from windsock.service.checking.sandbox import passes
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts
from windsock.wire.json_codec import parsed

FIELD = "unit_tests"
"""Of a request: Python that fails where the program in the answer is wrong."""

SOURCE = "check:unit_tests"


class UnitTests:
    """Runs tests beside the requests, few at a time; what finds no place is left out, and counted.

    Text is held until its tests have run.
    """

    def __init__(self, background: BackgroundRequests, feedbacks: FeedbackInbox) -> None:
        self._background = background
        self._feedbacks = feedbacks

    def __call__(self, texts: AnsweredTexts, message: Mapping[str, Any]) -> None:
        """Have the tests of a request run, if it came with some."""
        body, text = parsed(texts.asked), message.get("content")
        tests = body.get(FIELD) if isinstance(body, dict) else None
        if not isinstance(tests, str) or not isinstance(text, str):
            return
        decision = texts.outcome.decision

        async def run() -> None:
            is_right = await passes(fenced(text), tests)
            if is_right is not None:
                reward = Reward(value=float(is_right), source=SOURCE)
                self._feedbacks.score(decision.id, reward)

        self._background.offer("unit_tests", decision.cell.route, run)


def checks_of(
    router: Router, background: BackgroundRequests, feedbacks: FeedbackInbox
) -> AnswerChecks:
    """All checks of answers; those that run programs do so in the background."""
    return AnswerChecks(router, feedbacks, later=UnitTests(background, feedbacks))
