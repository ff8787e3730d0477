"""What exporters send as protobuf, as their JSON would be; and how they are answered."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

KINDS: dict[str, tuple[Any, Any]] = {
    "logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
    "traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
}


def export_of(kind: str, body: bytes) -> dict[str, Any]:
    """An export of logs or traces; its ids are base64. Raises ValueError if it is none."""
    try:
        message = KINDS[kind][0].FromString(body)
    except DecodeError as error:
        raise ValueError("the body is no export in protobuf") from error
    found: dict[str, Any] = MessageToDict(message)
    return found


def answer_of(kind: str, told: dict[str, Any]) -> bytes:
    """The answer that JSON would be, in protobuf."""
    made: bytes = ParseDict(told, KINDS[kind][1]()).SerializeToString()
    return made
