"""Each check of an answer is a source of evidence by its own name, `check:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from windsock.core.evidence.checks.declared import DEFAULT_CHECKS, Checks
from windsock.core.model.calls import CallKind, Outcome
from windsock.core.model.requests import RouteRequest, is_background
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.errors import UnknownRoute
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.asked import asked_of
from windsock.service.texts.reading import UNREADABLE, messages_of
from windsock.wire.request import UpstreamRequest

NEEDS = frozenset({"tools", "json_schema"})
"""Of requests whose answers are checked though their route declares nothing."""

Later = Callable[[AnsweredTexts, Mapping[str, Any]], None]
"""Checks an answer that takes a while: its texts and its message."""


class AnswerChecks:
    """Looks at each answer as it passes, streams as well.

    later       has the tests run that came with a request, where its route allows that
    """

    def __init__(self, router: Router, feedbacks: FeedbackInbox, later: Later) -> None:
        self._router = router
        self._feedbacks = feedbacks
        self._later = later

    def wants(self, request: UpstreamRequest) -> bool:
        """Whether a check is declared, or the caller's own parser is one."""
        asked = request.request
        is_checked = bool(NEEDS & asked.needs) or self._is_declared(asked)
        return is_checked and not is_background(asked.key_id)

    def read(self, texts: AnsweredTexts) -> None:
        """Check it; what cannot be read is not judged."""
        message = first_message(texts)
        if message is None:
            return
        declared = self._declared(texts.outcome)
        asked = asked_of(texts.asked, finish_reason(texts.outcome))
        results = (declared or DEFAULT_CHECKS).results(message, asked)
        if declared is None:
            self._note_each(texts.outcome, results)
        else:
            self._note_declared(texts, results)
            if declared.unit_tests and not texts.is_private:
                self._later(texts, message)

    def _note_declared(self, texts: AnsweredTexts, results: Mapping[str, bool]) -> None:
        """One check alone is the source `check`, which only of streams nobody else tells."""
        if texts.is_stream and results:
            self._note(texts.outcome, "check", holds=all(results.values()))
        if len(results) > 1:
            self._note_each(texts.outcome, results)

    def _note_each(self, outcome: Outcome, results: Mapping[str, bool]) -> None:
        for name, holds in results.items():
            self._note(outcome, f"check:{name}", holds=holds)

    def _note(self, outcome: Outcome, source: str, *, holds: bool) -> None:
        self._feedbacks.score(outcome.decision.id, Reward(value=float(holds), source=source))

    def _is_declared(self, asked: RouteRequest) -> bool:
        """By its own name, or one that it is known by; it may be gone by its last request's end."""
        route = self._router.routes.get(asked.model)
        if route is not None or not any(each.checks for each in self._router.routes.values()):
            return route is not None and route.checks is not None
        with suppress(UnknownRoute):
            return self._router.resolve(asked).checks is not None
        return False

    def _declared(self, outcome: Outcome) -> Checks | None:
        route = self._router.routes.get(outcome.decision.cell.route)
        return route.checks if route is not None else None


def first_message(texts: AnsweredTexts) -> Mapping[str, Any] | None:
    """Of the first choice of the answer; None if it cannot be read."""
    try:
        return next(iter(messages_of(texts)), None)
    except UNREADABLE:
        return None


def finish_reason(outcome: Outcome) -> str | None:
    """How the answer that was given ended."""
    answered = (each for each in reversed(outcome.results) if each.kind is CallKind.ANSWERED)
    return next((each.finish_reason for each in answered), None)
