"""POST /v1/feedback/FORMAT, and /v1/logs and /v1/traces, where OpenTelemetry sends evaluations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.errors import BadRequest
from windsock.service.auth import Access
from windsock.service.connections.paths import is_protobuf
from windsock.service.error_responses import Problem
from windsock.service.gateway.call import Call
from windsock.service.gateway.feedback_endpoint import admitted
from windsock.service.gateway.scores.taking import ScoreTaking, Taken
from windsock.wire.scores.formats import read_scores

PROTOBUF_TYPE = (b"content-type", b"application/x-protobuf")

UNREADABLE = Problem.of(
    415,
    "evaluations in protobuf are read with windsock[otel] installed; without it send OTLP over "
    "HTTP in JSON, application/json",
)

REFUSED = {"logs": "rejectedLogRecords", "traces": "rejectedSpans"}
"""How OTLP calls what was refused."""


class ScoresEndpoint:
    """The scores of one format, many at a time."""

    def __init__(self, name: str, *, access: Access, taking: ScoreTaking, clock: Clock) -> None:
        self._name = name
        self._access = access
        self._taking = taking
        self._clock = clock

    async def __call__(self, call: Call) -> None:
        """What is no score is left out with its reason; raises BadRequest for what holds none."""
        taken = await self.taken(call, lambda: call.body)
        await call.answer(200, orjson.dumps(taken.told()))

    async def taken(
        self, call: Call, body: Callable[[], bytes], *, is_export: bool = False
    ) -> Taken:
        """What became of the scores in a body, which is read only for a key that may send some.

        Reading takes a while where it is large, and requests go between.
        """
        principal = admitted(call, self._access, "feedback", self._clock.now())
        read = await asyncio.to_thread(lambda: read_scores(body(), self._name))
        take = self._taking.take_export if is_export else self._taking.take
        return await take(read, principal)


class OtlpEndpoint:
    """An export of logs or of traces, answered as OTLP has it.

    kind    logs or traces
    """

    def __init__(self, kind: str, scores: ScoresEndpoint) -> None:
        self._kind = kind
        self._scores = scores

    async def __call__(self, call: Call) -> None:
        """JSON, or protobuf where that can be read; raises BadRequest."""
        if not is_protobuf(f"/v1/{self._kind}", call.headers):
            taken = await self._scores.taken(call, lambda: call.body, is_export=True)
            await call.answer(200, orjson.dumps(self._told(taken)))
            return
        try:
            from windsock.observability.otel.received import answer_of, export_of
        except ImportError:
            await call.refuse(UNREADABLE)
            return
        taken = await self._scores.taken(
            call, lambda: self._as_json(export_of, call.body), is_export=True
        )
        await call.answer(200, answer_of(self._kind, self._told(taken)), [PROTOBUF_TYPE])

    def _as_json(self, export_of: Any, body: bytes) -> bytes:
        try:
            return orjson.dumps(export_of(self._kind, body))
        except ValueError as error:
            raise BadRequest(str(error)) from error

    def _told(self, taken: Taken) -> dict[str, Any]:
        """Nothing where all is well, else how many were refused, and why the first was."""
        if not taken.left_out:
            return {}
        first, count = taken.left_out[0], str(len(taken.left_out))
        message = f"{first.place}: {first.reason}"
        return {"partialSuccess": {REFUSED[self._kind]: count, "errorMessage": message}}
