"""What the standard environment variables ask for. Imports nothing of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from windsock.errors import ConfigError

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
HTTP = "http/protobuf"
OLD_TOO = "gen_ai/dup"
"""In OTEL_SEMCONV_STABILITY_OPT_IN: the names of before beside the present ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which signals are sent.

    has_old     the names of semantic conventions 1.41 beside the present ones
    is_named    the service has a name of its own
    """

    has_traces: bool
    has_metrics: bool
    has_old: bool
    is_named: bool

    @property
    def is_any(self) -> bool:
        """Whether anything is sent at all."""
        return self.has_traces or self.has_metrics


def wanted(environ: Mapping[str, str]) -> Wanted:
    """Which signals are to be sent; raises ConfigError for what is not offered."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    opted = environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").split(",")
    resource = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Wanted(
        has_traces=not is_off and _is_wanted(environ, "TRACES"),
        has_metrics=not is_off and _is_wanted(environ, "METRICS"),
        has_old=OLD_TOO in (each.strip() for each in opted),
        is_named=bool(environ.get("OTEL_SERVICE_NAME")) or "service.name=" in resource,
    )


def _is_wanted(environ: Mapping[str, str], signal: str) -> bool:
    """An exporter is named, or an address is stated; `none` is neither."""
    name = f"OTEL_{signal}_EXPORTER"
    exporter = environ.get(name, "").strip()
    own = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    if exporter in ("none", "") and (exporter or not (environ.get(own) or environ.get(ENDPOINT))):
        return False
    if exporter not in ("otlp", ""):
        raise ConfigError(f"{name}: {exporter!r} is not offered; set it to otlp or none")
    stated = f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
    for variable in (stated, PROTOCOL):
        protocol = environ.get(variable, "").strip()
        if protocol not in ("", HTTP):
            raise ConfigError(f"{variable}: {protocol!r} is not offered; set it to {HTTP}")
        if protocol:
            break
    return True
