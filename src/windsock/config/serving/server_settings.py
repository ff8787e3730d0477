"""[server]: where the service listens, and how much it takes on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from windsock.config.value_types import Megabytes, PassedHeader, Seconds
from windsock.resources.declared import Part

PASS_HEADERS = ("traceparent", "tracestate", "baggage", "http-referer", "x-title",
                "x-openrouter-title", "x-openrouter-categories")  # fmt: skip
"""W3C Trace Context and Baggage, and how OpenRouter's clients name their application."""


class ServerSettings(Part):
    """Where the service listens, and how much it takes on.

    judges          whose decisions a key may report on: of its namespace, or its own
    keys            open: no key needed; required: always; auto: from the first key on
    metrics, docs   who may read /metrics, and /docs with /openapi.json: open: everybody; key: a key
                    with the scope metrics, or read, once keys are needed; off: nobody
    pass_headers    of clients' requests that go on to the provider; never keys or cookies
    cors_origins    whose pages may call from a browser, such as https://app.example, or *
    drain           after SIGTERM, seconds that requests under way have to end
    drain_delay     before that, seconds in which /readyz says no and requests are still taken, so
                    that a load balancer can look elsewhere
    max_concurrent  requests worked on at a time; less while the event loop runs late
    max_waiting, queue_timeout      requests in excess that wait, and for how long
    max_body_mb, max_upload_mb  of one request, of one that is a form with files
    max_inflight_mb     request bodies held at a time, as they arrive
    max_connections, max_connections_per_peer   of clients; one too many takes the place of the
                    one that has been longest without a request
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8787, ge=0, le=65535)
    keys: Literal["auto", "open", "required"] = "auto"
    judges: Literal["namespace", "own"] = "namespace"
    admin_token: str | None = Field(default=None, repr=False)
    metrics: Literal["open", "key", "off"] = "open"
    docs: Literal["open", "key", "off"] = "open"
    cors_origins: tuple[str, ...] = ()
    pass_headers: tuple[PassedHeader, ...] = PASS_HEADERS
    max_body_mb: Megabytes = 20.0
    max_upload_mb: Megabytes = 32.0
    max_inflight_mb: Megabytes = 512.0
    max_connections: int = Field(default=4096, gt=0)
    max_connections_per_peer: int = Field(default=2048, gt=0)
    max_concurrent: int = Field(default=1024, gt=0)
    max_waiting: int = Field(default=256, ge=0)
    queue_timeout: Seconds = 1.0
    drain: Seconds = 30.0
    drain_delay: Seconds = 0.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    @model_validator(mode="after")
    def _holds_one_body(self) -> ServerSettings:
        name = max("max_body_mb", "max_upload_mb", key=lambda name: getattr(self, name))
        if self.max_inflight_mb < getattr(self, name):
            raise ValueError(
                f"max_inflight_mb is {self.max_inflight_mb:g}, so that a body of "
                f"{name} = {getattr(self, name):g} would never be taken; raise it, or lower that"
            )
        return self
