"""/metrics of several replicas at one port: those of each, told apart by a label."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector, CollectorRegistry

from windsock.app.workers.passing_on import passed
from windsock.service.gateway.call import App, Message, Receive, Scope, Send

PATH = "/metrics"

ASK_S = 2.0
"""For which another may take to answer; one that is being replaced is left out."""

LABEL = "worker"


class WholeMetrics:
    """Answers /metrics for all at the port; all else is the application's.

    app     of this process, number 0
    others  the sockets at which the others answer, numbers 1 and on
    """

    def __init__(self, app: App, others: Sequence[Path]) -> None:
        self._app, self._others = app, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        head, *parts = messages
        if head["status"] == httpx.codes.OK and scope["method"] == "GET":
            own = b"".join(part.get("body", b"") for part in parts)
            body = merged({"0": own.decode(), **await self._asked(scope)})
            parts = [{"type": "http.response.body", "body": body}]
            head = {**head, "headers": _with_length(head["headers"], len(body))}
        for message in (head, *parts):
            await send(message)

    async def _asked(self, scope: Scope) -> dict[str, str]:
        """What each of the others says, by its number."""
        found = await asyncio.gather(*(_text(each, scope["headers"]) for each in self._others))
        return {str(n): text for n, text in enumerate(found, 1) if text is not None}


async def _text(path: Path, headers: list[tuple[bytes, bytes]]) -> str | None:
    """None where nobody answers there."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=ASK_S, trust_env=False) as http:
            answer = await http.get(f"http://other{PATH}", headers=passed(headers))
    except httpx.TransportError:
        return None
    return answer.text if answer.status_code == httpx.codes.OK else None


def merged(texts: Mapping[str, str]) -> bytes:
    """Several texts of Prometheus' format 0.0.4 as one, each sample under its text's name."""
    families: dict[str, Metric] = {}
    for name, text in texts.items():
        for family in text_string_to_metric_families(text):
            whole = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            whole.samples += [
                each._replace(labels={**each.labels, LABEL: name}) for each in family.samples
            ]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Mapping[str, Metric]) -> None:
        self._families = families

    def describe(self) -> Sequence[Metric]:
        """Nothing: names are not checked against other collectors."""
        return ()

    def collect(self) -> Sequence[Metric]:
        """All of them."""
        return tuple(self._families.values())


def _with_length(headers: list[tuple[bytes, bytes]], length: int) -> list[tuple[bytes, bytes]]:
    kept = [each for each in headers if each[0].lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
