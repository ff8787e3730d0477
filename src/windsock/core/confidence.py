"""What a claimed confidence is worth: measured from feedback, per task and deployment."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from windsock.core.cascade import Calibration
from windsock.core.records import Cell, Outcome

OPEN = 10_000
"""Judgements that are waited for; the oldest are given up."""


class Confidences:
    """Remembers what answers claimed, and learns from their judgement what the claim meant."""

    def __init__(self) -> None:
        self._curves: dict[tuple[Cell, str], Calibration] = {}
        self._claims: OrderedDict[str, float] = OrderedDict()

    def remember(self, outcome: Outcome) -> None:
        """Keep the claim of the answer that was given."""
        claims = [
            result.confidence
            for result in outcome.results
            if result.attempt.deployment == outcome.served and result.confidence is not None
        ]
        if claims:
            self._claims[outcome.decision.id] = claims[-1]
            if len(self._claims) > OPEN:
                self._claims.popitem(last=False)

    def learn(self, decision_id: str, cell: Cell, deployment: str, value: float) -> None:
        claim = self._claims.pop(decision_id, None)
        if claim is not None:
            self._curves.setdefault((cell, deployment), Calibration()).learn(claim, value)

    def rate(self, cell: Cell, deployment: str, claim: float) -> float:
        """Measured success at this claim; the claim itself where nothing was measured."""
        curve = self._curves.get((cell, deployment))
        return claim if curve is None else curve.rate(claim)

    def to_state(self) -> list[Any]:
        return [[*cell, name, curve.to_state()] for (cell, name), curve in self._curves.items()]

    def from_state(self, state: list[Any]) -> None:
        for namespace, route, task, name, body in state:
            curve = self._curves[Cell(namespace, route, task), name] = Calibration()
            curve.from_state(_mapping(body))


def _mapping(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise ValueError("a calibration must be an object")
    return body
