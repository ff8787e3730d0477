"""Which task and segment a request is decided under: what it names, or what was learnt of others.

One classifier and one segmenter a namespace: what a tenant's requests look like is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.routing_value import Stakes
from windsock.core.context.segments import Segmenter, SegmentSettings
from windsock.core.context.task_classifier import TaskClassifier
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import DEFAULT_TASK, Cell, RouteRequest
from windsock.core.policies.floor_deficit import FloorDeficit
from windsock.core.policies.segment_migration import reseat
from windsock.core.policies.views import CellView

PROMPT_WEIGHT = 0.3
"""What a prompt token counts against an answer's when requests are compared by size."""


class TaskAssignment:
    """The classifiers and segmenters of one route, by namespace.

    segments    of requests that name no task, and for which none is proposed: where a task is
                known, no feature was measured to add to it. None learns none
    classifies  propose a task for requests that name none
    """

    def __init__(
        self, *, segments: SegmentSettings | None = None, classifies: bool = False
    ) -> None:
        self._segments = segments
        self._classifies = classifies
        self.segmenters: dict[str, Segmenter] = {}
        self._classifiers: dict[str, TaskClassifier] = {}

    def of(self, request: RouteRequest) -> tuple[str, str]:
        """(task, segment) of a request with features; the segment is empty where none is learnt."""
        task = request.task
        classifier = self._classifiers.get(request.namespace)
        if classifier is not None and task == DEFAULT_TASK:
            task = classifier.propose(request.features) or task
        segmenter = self.segmenters.get(request.namespace) if task == DEFAULT_TASK else None
        return task, "" if segmenter is None else segmenter.segment(request.features)

    def words(self, cell: Cell) -> str:
        """What the segment of a cell holds, for people; empty if it is not a live one."""
        segmenter = self.segmenters.get(cell.namespace)
        return segmenter.words(cell.segment) if segmenter else ""

    def is_divided(self, cell: Cell) -> bool:
        """True where requests fall in segments: those that name no task."""
        segmenter = self.segmenters.get(cell.namespace)
        is_plain = cell.task == DEFAULT_TASK and not cell.segment
        return is_plain and segmenter is not None and segmenter.borders is not None

    def redraw(
        self,
        beliefs: Beliefs,
        served: FloorDeficit,
        views: Sequence[CellView],
        stakes: Callable[[CellView], Stakes],
        now: float,
    ) -> None:
        """Draw borders where evidence has grown enough and they pay, and seat beliefs by them."""
        for namespace, segmenter in self.segmenters.items():
            mine = [view for view in views if view.cell.namespace == namespace]
            plain = [view for view in mine if view.cell.task == DEFAULT_TASK]
            if not segmenter.is_due() or not plain:
                continue
            was = segmenter.borders
            widest = min(plain, key=lambda view: len(view.cell.segment))
            if segmenter.draw_borders(stakes(widest)) is was:
                continue
            for cell in dict.fromkeys(view.cell._replace(segment="") for view in mine):
                reseat(beliefs, served, cell, segmenter, now)

    def learn(self, decision: Decision, deployment: str, value: float) -> None:
        """A reward, 0..1, of a request with these features."""
        cell, features = decision.cell, decision.features
        if self._segments is None or not features or cell.task != DEFAULT_TASK:
            return
        propensity = decision.propensity if deployment == decision.deployment else None
        segmenter = self._segmenter(cell.namespace)
        segmenter.learn(features, deployment, value, propensity=propensity)

    def settle(self, outcome: Outcome) -> None:
        """What a request was like: the task that it named, and how large it was."""
        decision, usage = outcome.decision, outcome.usage
        cell, features = decision.cell, decision.features
        if self._classifies and cell.task != DEFAULT_TASK and not decision.is_task_guessed:
            self._classifier(cell.namespace).learn(cell.task, features)
        is_plain = self._segments is not None and cell.task == DEFAULT_TASK
        if is_plain and usage is not None and outcome.served:
            tokens = usage.completion_tokens + PROMPT_WEIGHT * usage.prompt_tokens
            self._segmenter(cell.namespace).learn_size(features, outcome.served, tokens)

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        return {
            "segments": {name: made.to_state() for name, made in self.segmenters.items()},
            "tasks": {name: made.to_state() for name, made in self._classifiers.items()},
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over what is still to be learnt by the settings of now."""
        if self._classifies:
            for name, tagged in state["tasks"].items():
                self._classifier(name).from_state(tagged)
        if self._segments is not None:
            for name, body in state["segments"].items():
                self._segmenter(name).from_state(body)

    def _classifier(self, namespace: str) -> TaskClassifier:
        found = self._classifiers.get(namespace)
        if found is None:
            found = self._classifiers[namespace] = TaskClassifier()
        return found

    def _segmenter(self, namespace: str) -> Segmenter:
        found = self.segmenters.get(namespace)
        if found is None:
            found = self.segmenters[namespace] = Segmenter(self._segments or SegmentSettings())
        return found
