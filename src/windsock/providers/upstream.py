"""A provider as it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from windsock.providers.transport import Endpoint
from windsock.wire.adaptation.parameters import Parameters
from windsock.wire.format import Formats

NOTHING_KNOWN: Mapping[str, Parameters] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a provider is reached, and in which format each kind of call is made.

    parameters  what its deployments take of a request, by their ids
    """

    endpoint: Endpoint
    formats: Formats
    parameters: Mapping[str, Parameters] = field(default_factory=dict)


def upstream_of(
    endpoint: Endpoint, formats: Formats, parameters: Mapping[str, Parameters] = NOTHING_KNOWN
) -> Upstream:
    """With the headers that the formats ask for, unless the endpoint states its own."""
    headers = {name: text for each in formats.values() for name, text in each.headers.items()}
    return Upstream(
        endpoint=replace(endpoint, headers={**headers, **endpoint.headers}),
        formats=formats,
        parameters=parameters,
    )
