"""POST /v1/feedback/FORMAT, and /v1/logs and /v1/traces, where OpenTelemetry sends evaluations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.service.auth import Access
from windsock.service.error_responses import Problem
from windsock.service.gateway.asgi import Call
from windsock.service.gateway.feedback_endpoint import admitted
from windsock.service.gateway.scores.taking import ScoreTaking, Taken
from windsock.wire.scores.formats import read_scores

PROTOBUF = "protobuf"
"""In the media type of what an exporter sends if it is not told otherwise."""


class ScoresEndpoint:
    """The scores of one format, many at a time.

    told    what is answered, of what became of them
    """

    def __init__(
        self,
        name: str,
        *,
        access: Access,
        taking: ScoreTaking,
        clock: Clock,
        told: Callable[[Taken], dict[str, Any]] = Taken.told,
    ) -> None:
        self._name = name
        self._access = access
        self._taking = taking
        self._clock = clock
        self._told = told

    async def __call__(self, call: Call) -> None:
        """What is no score is left out with its reason; raises BadRequest for what holds none."""
        principal = admitted(call, self._access, "feedback", self._clock.now())
        if PROTOBUF in (call.header(b"content-type") or ""):
            await call.refuse(NO_PROTOBUF)
            return
        taken = await self._taking.take(read_scores(call.body, self._name), principal)
        await call.answer(200, orjson.dumps(self._told(taken)))


NO_PROTOBUF = Problem.of(
    415, "evaluations are read as JSON; send OTLP over HTTP in JSON, application/json"
)


def partial_success(count: str) -> Callable[[Taken], dict[str, Any]]:
    """As OTLP answers: nothing where all is well, else how many were refused, and why."""

    def told(taken: Taken) -> dict[str, Any]:
        if not taken.left_out:
            return {}
        first = taken.left_out[0]
        message = f"{first.place}: {first.reason}"
        return {"partialSuccess": {count: str(len(taken.left_out)), "errorMessage": message}}

    return told
