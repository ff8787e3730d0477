"""A provider as it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from windsock.providers.transport import Endpoint
from windsock.wire.adaptation.parameters import Parameters
from windsock.wire.format import Format, Formats

NOTHING_KNOWN: Mapping[str, Parameters] = MappingProxyType({})
NO_LANGUAGES: Mapping[str, Format] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a provider is reached, and in which format each kind of call is made.

    bare        the endpoint without the headers that its formats ask for
    parameters  what its deployments take of a request, by their ids
    native      the formats of clients that it speaks as well, by language
    stated      what its owner says that its deployments take, by their ids: of requests in those
                formats nothing else is known
    """

    endpoint: Endpoint
    bare: Endpoint
    formats: Formats
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    native: Mapping[str, Format] = field(default_factory=dict)
    stated: Mapping[str, Parameters] = field(default_factory=dict)


def upstream_of(
    endpoint: Endpoint,
    formats: Formats,
    parameters: Mapping[str, Parameters] = NOTHING_KNOWN,
    *,
    native: Mapping[str, Format] = NO_LANGUAGES,
    stated: Mapping[str, Parameters] = NOTHING_KNOWN,
) -> Upstream:
    """With the headers that the formats ask for, unless the endpoint states its own."""
    headers = {name: text for each in formats.values() for name, text in each.headers.items()}
    return Upstream(
        endpoint=replace(endpoint, headers={**headers, **endpoint.headers}),
        bare=endpoint,
        formats=formats,
        parameters=parameters,
        native=native,
        stated=stated,
    )
