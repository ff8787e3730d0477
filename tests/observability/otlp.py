"""A collector on loopback: takes OTLP over HTTP, decodes what comes."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


@dataclass
class Collector:
    """What it was sent: spans, metrics by name with their points, resources, raw bodies."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: dict[str, list[Any]] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def of_kind(self, kind: int) -> list[Span]:
        found = [span for span in self.spans if span.kind == kind]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def environ(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url}


def facts(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each) for each in attributes}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    if kind == "array_value":
        return [each.string_value for each in pair.value.array_value.values]
    return getattr(pair.value, kind)


def points(metric: Any) -> list[Any]:
    return list(getattr(metric, metric.WhichOneof("data")).data_points)


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    it = Collector()

    async def body_of(request: web.Request) -> bytes:
        raw = await request.read()
        raw = gzip.decompress(raw) if request.headers.get("content-encoding") == "gzip" else raw
        it.raw.append(raw)
        return raw

    async def traces(request: web.Request) -> web.Response:
        for each in ExportTraceServiceRequest.FromString(await body_of(request)).resource_spans:
            it.resources.append(facts(each.resource.attributes))
            it.spans += [span for scope in each.scope_spans for span in scope.spans]
        return web.Response()

    async def metrics(request: web.Request) -> web.Response:
        for each in ExportMetricsServiceRequest.FromString(await body_of(request)).resource_metrics:
            for scope in each.scope_metrics:
                it.metrics |= {metric.name: points(metric) for metric in scope.metrics}
        return web.Response()

    app = web.Application()
    app.router.add_post("/v1/traces", traces)
    app.router.add_post("/v1/metrics", metrics)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    it.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield it
    finally:
        await runner.cleanup()
