"""The SDK, as the standard environment variables ask for it: OTLP over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import get_global_textmap
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from windsock import __version__
from windsock.observability.otel.complaints import hear_complaints
from windsock.observability.otel.instruments import Instruments
from windsock.observability.otel.tracing import TracedApp, Tracing
from windsock.observability.otel.wanted import Wanted

CLOSE_S = 3.0
"""For what waits to be sent when the service ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtelTelemetry:
    """See `telemetry.Telemetry`."""

    tracing: Tracing
    spans: TracerProvider
    meters: MeterProvider

    def traced(self, app: Any, paths: frozenset[str]) -> Any:
        """The application with a trace around each call."""
        return TracedApp(app, self.tracing, paths)

    async def close(self) -> None:
        """Send what waits, for CLOSE_S at most."""
        closing = asyncio.gather(
            asyncio.to_thread(self.spans.shutdown),
            asyncio.to_thread(self.meters.shutdown, timeout_millis=CLOSE_S * 1000),
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(closing), CLOSE_S)


def otel_telemetry(
    wanted: Wanted, providers: Mapping[str, str], passed: Iterable[str]
) -> OtelTelemetry:
    """Traces and metrics with exporters that the SDK sets up by the environment.

    providers   names in the semantic conventions by provider id, where they differ
    passed      headers that may go on to providers
    raises      ValueError for a variable that the SDK refuses
    """
    complaints = hear_complaints()
    stated: dict[str, Any] = {"service.version": __version__}
    resource = Resource.create(
        stated if wanted.is_named else {"service.name": "windsock", **stated}
    )
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    if wanted.has_traces:
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if wanted.has_metrics else []
    meters = MeterProvider(readers, resource, shutdown_on_exit=False)
    meter = meters.get_meter("windsock", __version__)
    tracing = Tracing(
        tracer=spans.get_tracer("windsock", __version__),
        instruments=Instruments(meter, has_old=wanted.has_old),
        propagator=get_global_textmap(),
        providers=providers,
        passed=frozenset(name.lower() for name in passed),
        has_old=wanted.has_old,
    )
    complaints.end_of_start()
    return OtelTelemetry(tracing=tracing, spans=spans, meters=meters)
