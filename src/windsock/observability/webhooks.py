"""Events to other systems: signed, tried until they arrive, never in anybody's way."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

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
"""In vain, after which the log tells that a receiver is away."""

FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 60.0
"""After the first try; doubled after each, or as long as the receiver asks for."""

TIMEOUT_S = 10.0
"""Of one try."""

FINISH_S = 3.0
"""For what waits when the service ends."""

MOST_LINES, MOST_CHARACTERS = 20, 1900
"""Of one message for people: Discord refuses longer ones."""

PEOPLE_S = 1.0
"""Between two messages for people: Slack takes one a second. What comes meanwhile is one."""

CALLED = re.compile(r"@(?=(?:everyone|here|channel|all)\b)")
ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


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

    @property
    def host(self) -> str:
        """All of the address that may be shown: the rest of it may be a secret."""
        return urlsplit(self.url).hostname or ""

    def body(self, events: Sequence[Event]) -> bytes:
        """What is sent of events; as JSON they are sent one by one."""
        if self.style == "slack":
            return orjson.dumps({"text": _text(events)})
        return orjson.dumps(event_view(events[0]), default=str)

    def wants(self, kind: str) -> bool:
        """Whether events of this kind are sent there."""
        return not self.events or any(kind.startswith(each) for each in self.events)


@dataclass(slots=True, kw_only=True)
class Line:
    """What waits for one receiver.

    lost    events that found no room, or that it refused
    """

    hook: Hook
    clock: Clock
    lost: int = 0
    _waiting: deque[Event] = field(default_factory=deque)
    _in_hand: list[Event] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0

    @property
    def waiting(self) -> int:
        """Events that have not arrived."""
        return len(self._waiting) + len(self._in_hand)

    def put(self, event: Event) -> None:
        """Never waits and never raises."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(event)
        self._came.set()

    async def deliver(self, turned: Callable[[], None]) -> None:
        """Send what waits, oldest first, for ever."""
        turned()
        async with _client() as http:
            while True:
                await self._taken()
                await asyncio.sleep(await self._sent(http))

    async def finish(self) -> None:
        """Send what waits, in FINISH_S at most; the rest is lost, and the log says so."""
        try:
            async with asyncio.timeout(FINISH_S), _client() as http:
                while self.waiting:
                    await self._taken()
                    await self._sent(http)
                    if self._failures:
                        break
        except TimeoutError:
            pass
        if self.waiting:
            event_log().error("webhook.failed", host=self.hook.host, lost=self.waiting)

    async def _taken(self) -> None:
        """Wait for something to send, and take it in hand: for people all that waits."""
        if self._in_hand:
            return
        while not self._waiting:
            self._came.clear()
            await self._came.wait()
        count = len(self._waiting) if self.hook.style == "slack" else 1
        self._in_hand = [self._waiting.popleft() for _ in range(count)]

    async def _sent(self, http: httpx.AsyncClient) -> float:
        """Try once; seconds to wait before the next."""
        answer = await _posted(http, self.hook, self._in_hand, self.clock)
        if answer is None or answer.status_code >= 500 or answer.status_code in (408, 429):
            return self._failed(answer)
        if not answer.is_success:
            self.lost += len(self._in_hand)
            self._tell("webhook.failed", status=answer.status_code)
        elif self._failures >= TRIES:
            self._tell("webhook.recovered")
        self._failures, self._in_hand = 0, []
        return PEOPLE_S if self.hook.style == "slack" else 0.0

    def _failed(self, answer: httpx.Response | None) -> float:
        self._failures += 1
        if self._failures == TRIES:
            self._tell("webhook.failed", tries=TRIES, status=answer and answer.status_code)
        asked = answer.headers.get("retry-after", "") if answer is not None else ""
        pause_s = FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, TRIES + 5)
        return min(MAX_PAUSE_S, float(asked) if asked.isdecimal() else pause_s)

    def _tell(self, name: str, **facts: object) -> None:
        log = event_log()
        told = log.error if name == "webhook.failed" else log.info
        kind = self._in_hand[0].kind
        told(
            name,
            host=self.hook.host,
            event_kind=kind,
            waiting=self.waiting,
            lost=self.lost,
            **facts,
        )


class Webhooks:
    """A listener of the event bus with one line and one task per receiver."""

    def __init__(self, hooks: Iterable[Hook], clock: Clock) -> None:
        self.lines = [Line(hook=hook, clock=clock) for hook in hooks]

    @property
    def dropped(self) -> int:
        """Events that some receiver did not get."""
        return sum(line.lost for line in self.lines)

    def on_event(self, event: Event | WeightTable) -> None:
        """Never waits and never raises."""
        if isinstance(event, Event):
            for line in self.lines:
                if line.hook.wants(event.kind):
                    line.put(event)

    def start(self, tasks: Supervisor) -> None:
        """Deliver until the tasks end; then `finish`."""
        for number, line in enumerate(self.lines, 1):
            name = f"webhook {number}"
            tasks.keep(name, partial(line.deliver, partial(tasks.turned, name)))

    async def finish(self) -> None:
        """Once the tasks have ended: what waits is sent, as far as that is quick."""
        await asyncio.gather(*(line.finish() for line in self.lines if line.waiting))


def signature(secret: str, stamp: str, body: bytes) -> str:
    """sha256=HEX over the time, a dot and the body."""
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)


async def _posted(
    http: httpx.AsyncClient, hook: Hook, events: Sequence[Event], clock: Clock
) -> httpx.Response | None:
    """The answer; None if there is none."""
    body, stamp = hook.body(events), str(int(clock.now()))
    headers = {
        "content-type": "application/json",
        "x-windsock-event": events[0].kind,
        "x-windsock-timestamp": stamp,
    }
    if hook.secret:
        headers["x-windsock-signature"] = signature(hook.secret, stamp, body)
    try:
        return await http.post(hook.url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None


def _text(events: Sequence[Event]) -> str:
    """Lines for people: names that feeds chose cannot call a whole channel, nor make links."""
    lines = [event_words(event) for event in events[:MOST_LINES]]
    if len(events) > MOST_LINES:
        lines.append(f"and {len(events) - MOST_LINES} more: GET /v1/events")
    most = MOST_CHARACTERS // len(lines) - 1
    short = (line if len(line) <= most else f"{line[: most - 1]}…" for line in lines)
    return CALLED.sub("@\u200b", "\n".join(short).translate(ESCAPED))
