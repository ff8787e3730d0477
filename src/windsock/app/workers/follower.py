"""A process that is led: it answers requests, and learns what all learn from its leader."""

from __future__ import annotations

import asyncio

import msgspec

from windsock.app.service import Service
from windsock.app.workers.delivery import Delivery
from windsock.app.workers.messages import (
    LONGEST_LINE,
    Message,
    beside_told,
    grants_heard,
    line_of,
    read,
    texts_told,
    used_told,
)
from windsock.app.workers.seat import EXCHANGE_S, Seat
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.core.replicas.deltas import Delta, Seen
from windsock.core.routing.caps.leases import Borrower
from windsock.core.routing.replication.replica import Replica
from windsock.feeds.reader import Reading
from windsock.observability import log
from windsock.service.texts.answered import AnsweredTexts
from windsock.store import queries

AGAIN_S = 0.05
"""Between two attempts to reach a leader."""

FIRST_S = 60.0
"""For which a process that starts waits for its leader; then another takes its place."""


MOST_TEXTS, MOST_UNSENT = 8, 2**20
"""Texts told to the leader between two exchanges, and bytes, of one or on their way to it, beyond
which none are: of the newest answers people label a few, and what a request teaches goes first."""


class Follower:
    """Joins a service to its leader."""

    def __init__(self, service: Service, seat: Seat, delivery: Delivery) -> None:
        self._service = service
        self._seat = seat
        self._delivery = delivery
        self._replica = Replica(service.router, seat.name)
        self._borrower = Borrower(service.router.caps)
        self._writer: asyncio.StreamWriter | None = None
        self._is_answered = True
        self._texts_left = MOST_TEXTS
        self._links: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._replica.on_ruling = service.ingestion.rulings.hear
        service.router.beliefs.quality.is_judge = False
        self._replica.on_replies = service.judges.hear
        service.judges.tell_others = self._replica.tell_replies
        service.events.listeners.append(self._tell_of)
        service.texts.on_held.append(self._tell_texts)
        service.on_start.append(self.start)
        service.on_stop.insert(0, self.stop)

    async def start(self) -> None:
        """Ready when this returns: it knows what the leader knows, and may reserve."""
        self._service.ledger.open()
        # Not among the supervised: the ledger's last batch is confirmed after those have ended.
        self._links.add(asyncio.get_running_loop().create_task(self._follow_forever()))
        self._service.tasks.keep_every("exchange", EXCHANGE_S, self._tell)
        await asyncio.wait_for(self._ready.wait(), FIRST_S)

    async def stop(self) -> None:
        """The last words; the ledger delivers them when it is closed."""
        self._tell()

    async def _follow_forever(self) -> None:
        while True:
            try:
                await self._follow()
            except (OSError, EOFError):
                pass
            except Exception as error:
                log.event_log().error("worker.unled", error=repr(error))
            self._writer = None
            self._delivery.part()
            await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        """While this leader lives."""
        path = self._seat.exchange_path
        reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
        try:
            hello = {"name": self._replica.name, "through": self._delivery.delivered}
            writer.write(line_of(hello))
            await self._take_over(await read(reader), writer)
            while True:
                await self._hear(await read(reader))
        finally:
            writer.close()

    async def _take_over(self, state: Message, writer: asyncio.StreamWriter) -> None:
        """The leader's state, and with it the prices in the store; then what is not in it."""
        service, router = self._service, self._service.router
        quotes = await asyncio.to_thread(queries.all_quotes, service.engine)
        router.book.restore(quotes, said=state["prices"])
        service.ingestion.drop_unheard()
        self._replica.take_over(state["router"], Seen.from_state(state["seen"]))
        if self._writer is None:
            self._borrower.start_anew()
            self._writer, self._is_answered = writer, True
            self._delivery.join(writer)
            self._tell_used()

    async def _hear(self, message: Message) -> None:
        match message["kind"]:
            case "delta":
                delta = Delta.from_state(message["delta"])
                self._replica.absorb(delta, self._service.clock.now())
            case "stored":
                self._delivery.confirm(message)
                self._confirm()
            case "granted":
                self._borrower.take(grants_heard(message["caps"]), self._service.clock.now())
                self._is_answered = True
                self._ready.set()
            case "minutes":
                self._service.key_limits.hear(message["minutes"])
            case "reading":
                await self._read(message)
            case "state" if self._writer is not None:
                await self._take_over(message, self._writer)

    async def _read(self, message: Message) -> None:
        """A feed has said something: what follows from it is the same here."""
        reading = msgspec.json.decode(message["reading"], type=Reading)
        for definition in self._service.poller.definitions():
            if definition.id == message["feed"]:
                await self._service.ingestion.take_in(definition, reading)

    def _tell(self) -> None:
        """What was learnt follows the entries that taught it."""
        self._service.ledger.seal(self._replica.cut(self._service.clock.now()))
        self._texts_left = MOST_TEXTS
        self._tell_used()

    def _tell_texts(self, texts: AnsweredTexts) -> None:
        """The leader alone answers people who label."""
        writer, size = self._writer, len(texts.asked) + len(texts.answer)
        if writer is None or not self._texts_left or size > MOST_UNSENT:
            return
        if writer.transport.get_write_buffer_size() < MOST_UNSENT:
            self._texts_left -= 1
            writer.write(line_of(texts_told(texts)))

    def _tell_used(self) -> None:
        """Of caps and of keys' minutes; the next time when this was answered."""
        if self._writer is None or not self._is_answered:
            return
        service, self._is_answered = self._service, False
        message = {
            "kind": "used",
            "load": list(service.limits.load),
            "caps": used_told(self._borrower.report(service.clock.now())),
            "beside": beside_told(service.router.caps.beside(service.clock.now())),
            "minutes": service.key_limits.take(),
        }
        self._writer.write(line_of(message))

    def _confirm(self) -> None:
        """Deltas of a batch that is stored are known to the leader."""
        through = {self._replica.name: [self._delivery.delivered]}
        self._replica.outbox.confirm(Seen.from_state(through))

    def _tell_of(self, event: Event | WeightTable) -> None:
        if isinstance(event, Event):
            self._replica.tell_of(event)
