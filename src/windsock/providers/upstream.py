"""A provider as it is called."""

from __future__ import annotations

from dataclasses import dataclass, replace

from windsock.providers.transport import Endpoint
from windsock.wire.format import Formats


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a provider is reached, and in which format each kind of call is made."""

    endpoint: Endpoint
    formats: Formats


def upstream_of(endpoint: Endpoint, formats: Formats) -> Upstream:
    """With the headers that the formats ask for, unless the endpoint states its own."""
    headers = {name: text for each in formats.values() for name, text in each.headers.items()}
    return Upstream(
        endpoint=replace(endpoint, headers={**headers, **endpoint.headers}), formats=formats
    )
