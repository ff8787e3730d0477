"""Events to other systems: signed, retried, never in anybody's way."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import httpx
import orjson

from windsock.clock import Clock
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.observability.background import Supervisor
from windsock.observability.event_view import event_view, event_words
from windsock.observability.log import event_log

MAX_WAITING = 1000
"""Events kept while a receiver is away; the oldest go first, and are counted."""

TRIES = 5
"""Of one event, all in all."""

FIRST_PAUSE_S = 0.5
"""After the first try; doubled after each."""

TIMEOUT_S = 10.0
"""Of one try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A receiver. events: names or prefixes such as price.; an empty list is all.

    style       json: the event as `GET /v1/events` has it; slack: {"text": ...}, a line for people
    secret      empty: nothing is signed

    The body's HMAC-SHA256 under `secret` stands in `x-windsock-signature` as sha256=HEX, over
    `x-windsock-timestamp`, a dot and the body.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    style: Literal["json", "slack"] = "json"
    events: tuple[str, ...] = ()

    def body(self, event: Event) -> bytes:
        """What is sent of an event."""
        if self.style == "slack":
            return orjson.dumps({"text": event_words(event)})
        return orjson.dumps(event_view(event), default=str)

    def wants(self, kind: str) -> bool:
        """Whether events of this kind are sent there."""
        return not self.events or any(kind.startswith(each) for each in self.events)


class Webhooks:
    """A listener of the event bus with one queue and one task per receiver."""

    def __init__(self, hooks: Iterable[Hook], clock: Clock) -> None:
        self._clock = clock
        self._queues: list[tuple[Hook, asyncio.Queue[Event]]] = [
            (hook, asyncio.Queue(maxsize=MAX_WAITING)) for hook in hooks
        ]
        self.dropped = 0

    def on_event(self, event: Event | WeightTable) -> None:
        """Never waits and never raises."""
        if not isinstance(event, Event):
            return
        for hook, queue in self._queues:
            if hook.wants(event.kind):
                if queue.full():
                    queue.get_nowait()
                    self.dropped += 1
                queue.put_nowait(event)

    def start(self, tasks: Supervisor) -> None:
        """Deliver until the tasks end; what waits then is lost."""
        for number, (hook, queue) in enumerate(self._queues, 1):
            name = f"webhook {number}"
            tasks.keep(name, partial(self._deliver, hook, queue, partial(tasks.turned, name)))

    async def _deliver(
        self, hook: Hook, queue: asyncio.Queue[Event], turned: Callable[[], None]
    ) -> None:
        turned()
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as http:
            while True:
                event = await queue.get()
                if not await self._post(http, hook, event):
                    event_log().error("webhook.failed", event_kind=event.kind, tries=TRIES)

    async def _post(self, http: httpx.AsyncClient, hook: Hook, event: Event) -> bool:
        body = hook.body(event)
        for n in range(TRIES):
            stamp = str(int(self._clock.now()))
            headers = {
                "content-type": "application/json",
                "x-windsock-event": event.kind,
                "x-windsock-timestamp": stamp,
            }
            if hook.secret:
                headers["x-windsock-signature"] = signature(hook.secret, stamp, body)
            try:
                answer = await http.post(hook.url, content=body, headers=headers)
            except httpx.HTTPError:
                pass
            else:
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer.is_success
            await asyncio.sleep(FIRST_PAUSE_S * 2**n)
        return False


def signature(secret: str, stamp: str, body: bytes) -> str:
    """sha256=HEX over the time, a dot and the body."""
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"
