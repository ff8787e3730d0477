"""Metrics of calls and of requests, by the names of the semantic conventions."""

from __future__ import annotations

from opentelemetry.metrics import Counter, Histogram, Meter

from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.units import to_float
from windsock.observability.otel.conventions import (
    ERROR_TYPE,
    OF_METRICS,
    OPERATION,
    OPERATIONS,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    USED,
    Attributes,
    error_of,
    used,
)
from windsock.wire.request import Operation

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Bounds of histograms, as the conventions have them."""

INFERENCE, ANY = "gen_ai.client.inference", "gen_ai.client.operation"
KINDS = ("input_tokens", "output_tokens", *USED)
CHAT = OPERATIONS[Operation.CHAT]
OURS = "windsock"


class Instruments:
    """What is counted of each call, and of each request as a whole.

    has_old     also by the names of 1.41, which dashboards still ask for
    """

    def __init__(self, meter: Meter, *, has_old: bool) -> None:
        self._has_old = has_old
        self._duration = _seconds(meter, f"{INFERENCE}.duration")
        self._other_duration = _seconds(meter, f"{ANY}.duration")
        self._first = _seconds(meter, f"{INFERENCE}.time_to_first_chunk")
        self._used = {
            kind: meter.create_counter(f"{INFERENCE}.usage.{kind}", unit="{token}")
            for kind in KINDS
        }
        self._of_each = {
            kind: _tokens(meter, f"{INFERENCE}.operation.{kind}") for kind in KINDS[:2]
        }
        self._cost: Counter = meter.create_counter("windsock.client.cost", unit="{USD}")
        self._request = _seconds(meter, "gen_ai.server.request.duration")
        self._request_first = _seconds(meter, "gen_ai.server.time_to_first_token")
        self._old_first = _seconds(meter, f"{ANY}.time_to_first_chunk") if has_old else None
        self._old_used = _tokens(meter, "gen_ai.client.token.usage") if has_old else None

    def count_call(self, result: CallResult, asked: Attributes, *, is_stream: bool) -> None:
        """One call has ended that began with these attributes."""
        known = {name: asked[name] for name in OF_METRICS if name in asked}
        if result.served_model is not None:
            known[RESPONSE_MODEL] = result.served_model
        error = error_of(result)
        told = known if error is None else {**known, ERROR_TYPE: error}
        is_inference = asked[OPERATION] == CHAT
        (self._duration if is_inference else self._other_duration).record(result.latency_s, told)
        if is_inference and self._has_old:
            self._other_duration.record(result.latency_s, told)
        if is_stream and result.first_byte_s is not None:
            self._first.record(result.first_byte_s, known)
            if self._old_first is not None:
                self._old_first.record(result.first_byte_s, known)
        if result.cost_usd is not None:
            self._cost.add(to_float(result.cost_usd), known)
        self._count_tokens(result, known, is_inference=is_inference)

    def count_request(self, outcome: Outcome, operation: str, *, is_stream: bool) -> None:
        """A request is over: of its labels none is chosen by callers."""
        known: Attributes = {
            OPERATION: operation,
            PROVIDER: OURS,
            REQUEST_MODEL: outcome.decision.cell.route,
        }
        last = outcome.results[-1] if outcome.results else None
        if is_stream and outcome.ok and last is not None and last.first_byte_s is not None:
            started_s = last.attempt.started_at - outcome.decision.at
            self._request_first.record(max(0.0, started_s) + last.first_byte_s, known)
        if not outcome.ok:
            known[ERROR_TYPE] = (error_of(last) if last is not None else None) or "_OTHER"
        self._request.record(outcome.finished_at - outcome.decision.at, known)

    def _count_tokens(self, result: CallResult, known: Attributes, *, is_inference: bool) -> None:
        for kind, count in used(result):
            if is_inference:
                self._used[kind].add(count, {**known, "gen_ai.token.modality": "unknown"})
                if kind in self._of_each:
                    self._of_each[kind].record(count, known)
            if self._old_used is not None and kind in self._of_each:
                self._old_used.record(count, {**known, "gen_ai.token.type": kind.split("_")[0]})


def _seconds(meter: Meter, name: str) -> Histogram:
    return meter.create_histogram(name, unit="s", explicit_bucket_boundaries_advisory=SECONDS)


def _tokens(meter: Meter, name: str) -> Histogram:
    bounds = TOKENS
    return meter.create_histogram(name, unit="{token}", explicit_bucket_boundaries_advisory=bounds)
