"""Whom one call asks, and why nobody may be."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.model.calls import CallKind
from windsock.core.model.catalog import Capabilities
from windsock.core.model.requests import Unsupported
from windsock.errors import ProviderError
from windsock.providers.transport import Endpoint, Reply
from windsock.wire.format import Format
from windsock.wire.request import UpstreamRequest

UNTOLD = "messages, tools or another field of the body has another shape than this format has"

Headers = list[tuple[bytes, bytes]]


class Unasked(ProviderError):
    """Nobody is asked, which is not the deployment's fault; it says why, with kind and status."""

    def __init__(self, message: str, kind: CallKind, status: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


def untold() -> Unasked:
    """Of a body that has not the shape it is known by."""
    return Unasked(UNTOLD, CallKind.CALLER_ERROR, 400)


@dataclass(slots=True, kw_only=True)
class Target:
    """Whom one call asks, and in which format; a reload meanwhile changes nothing of it.

    request     as it asks
    adapted     the fields of the client's request that had to change for it
    heard       what it refused of late
    is_native   it is asked and answers in the client's own format

    Treat it as immutable: frozen, it would cost a call three times as much to make.
    """

    provider: str
    model: str
    endpoint: Endpoint
    format: Format
    capabilities: Capabilities
    request: UpstreamRequest
    adapted: tuple[str, ...] = ()
    heard: tuple[Unsupported, ...] = ()
    is_native: bool = False

    @property
    def path(self) -> str:
        """Of the call, below the base URL, without what its deployment's endpoint adds."""
        return self.format.path(self.request, self.model)

    @property
    def passes_headers(self) -> bool:
        """Whether headers of its answers go to the client; there may be none."""
        return self.is_native or bool(self.format.answer_headers)

    def passed(self, reply: Reply) -> Headers:
        """The headers of an answer that the client gets too."""
        names = (each for each in self.format.answer_headers if each in reply.headers)
        return [(name.encode(), reply.headers[name].encode("latin-1")) for name in names]
