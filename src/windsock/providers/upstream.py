"""A provider as it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from windsock.providers.transport import Endpoint
from windsock.wire.adaptation.parameters import Parameters
from windsock.wire.format import Format, Formats

NOTHING_KNOWN: Mapping[str, Parameters] = MappingProxyType({})
NO_URLS: Mapping[str, str] = MappingProxyType({})

NO_LANGUAGES: Mapping[str, Format] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where a provider is reached, and in which format each kind of call is made.

    bare        where it is called in formats of clients: the same address, without the headers that
                its formats ask for, unless it speaks those elsewhere
    parameters  what its deployments take of a request, by their ids
    native      the formats of clients that it speaks as well, by language
    stated      what its owner says that its deployments take, by their ids: of requests in those
                formats nothing else is known
    elsewhere   where kinds of calls go that have an address of their own
    """

    endpoint: Endpoint
    bare: Endpoint
    formats: Formats
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    native: Mapping[str, Format] = field(default_factory=dict)
    stated: Mapping[str, Parameters] = field(default_factory=dict)
    elsewhere: Mapping[str, Endpoint] = field(default_factory=dict)

    def endpoint_of(self, operation: str) -> Endpoint:
        """Where a kind of call goes."""
        return self.elsewhere.get(operation, self.endpoint) if self.elsewhere else self.endpoint


def upstream_of(
    endpoint: Endpoint,
    formats: Formats,
    parameters: Mapping[str, Parameters] = NOTHING_KNOWN,
    *,
    bare: Endpoint | None = None,
    native: Mapping[str, Format] = NO_LANGUAGES,
    stated: Mapping[str, Parameters] = NOTHING_KNOWN,
    base_urls: Mapping[str, str] = NO_URLS,
) -> Upstream:
    """With the headers that the formats ask for, unless the endpoint states its own."""
    headers = {name: text for each in formats.values() for name, text in each.headers.items()}
    usual = replace(endpoint, headers={**headers, **endpoint.headers})
    return Upstream(
        endpoint=usual,
        elsewhere={kind: replace(usual, base_url=url) for kind, url in base_urls.items()},
        bare=bare or endpoint,
        formats=formats,
        parameters=parameters,
        native=native,
        stated=stated,
    )
