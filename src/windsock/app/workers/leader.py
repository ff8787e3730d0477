"""The process that leads: it hears what others have done, stores it, and tells all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Engine

from windsock.app.service import Service
from windsock.app.workers.messages import (
    LONGEST_LINE,
    Message,
    beside_heard,
    entry_heard,
    grants_told,
    line_of,
    read,
    texts_heard,
    used_heard,
)
from windsock.app.workers.seat import EXCHANGE_S, Seat
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import is_background
from windsock.core.replicas.deltas import Delta, Seen
from windsock.core.routing.caps.leases import Lender
from windsock.core.routing.replication.replica import Replica
from windsock.errors import StoreError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import Reading
from windsock.service.gateway.admission import Load
from windsock.store import queries
from windsock.store.rows import Entry

STOP_S = 60.0
"""For which it waits for the last words of others when all end."""

MOST_UNREAD = 2**25
"""Bytes that wait for a process which does not read them, beside one message."""


@dataclass(slots=True, eq=False)
class Peer:
    """A process that is led."""

    name: str
    writer: asyncio.StreamWriter

    def send(self, line: bytes) -> None:
        """It is gone where it cannot be written to: that is found by reading. One that does not
        read is let go, and takes over the state when it is back."""
        with contextlib.suppress(OSError, RuntimeError):
            if self.writer.transport.get_write_buffer_size() > MOST_UNREAD:
                self.writer.transport.abort()
            else:
                self.writer.write(line)


class Leader:
    """Has the replica that sees everything first, and so the state that snapshots keep.

    Entries of others are appended to the ledger at the moment at which what they taught is learnt:
    a snapshot holds both or neither.
    """

    def __init__(self, service: Service, seat: Seat) -> None:
        self._service = service
        self._seat = seat
        self._replica = Replica(service.router, seat.name)
        self._lender = Lender(service.router.caps)
        self._peers: dict[str, Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._replica.on_replies = service.judges.hear
        service.judges.tell_others = self._replica.tell_replies
        service.events.listeners.append(self._tell_of)
        service.ingestion.on_read.append(self._tell_reading)
        service.ingestion.rulings.on_ruled.append(self._replica.tell_ruling)
        service.housekeeping.restore = partial(self._restore, service.housekeeping.restore)
        service.on_start.append(self.start)
        service.on_stop.append(self.stop)

    async def start(self) -> None:
        """Hear others from now on."""
        path = self._seat.exchange_path
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._meet, path, limit=LONGEST_LINE)
        self._service.tasks.keep_every("exchange", EXCHANGE_S, self._tell)

    async def stop(self) -> None:
        """Wait until the others have said all, then end."""
        if self._peers:
            self._is_empty.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_empty.wait(), STOP_S)
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell_state(self) -> None:
        """Somebody changed by hand what no delta tells: all take over the state."""
        for peer in self._peers.values():
            self._start(self._tell_state(peer))

    def _restore(self, restore: Callable[[], None]) -> None:
        """A store that was away at the start is there, with all that happened since: the state is
        made anew, and taken over by the others."""
        self._tell()

        def build() -> Seen:
            restore()
            return self._replica.seen

        self._replica.begin_anew(build)
        self.tell_state()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError, OSError, asyncio.CancelledError):
            hello = await read(reader)
            peer = Peer(hello["name"], writer)
            try:
                await self._serve(peer, hello["through"], reader)
            finally:
                self._part(peer)
        writer.close()

    async def _serve(self, peer: Peer, through: int, reader: asyncio.StreamReader) -> None:
        """Until it ends."""
        self._replica.seen.join(Seen.from_state({peer.name: [through]}))
        await self._tell_state(peer)
        while True:
            self._hear(peer, await read(reader))

    def _part(self, peer: Peer) -> None:
        """It has ended."""
        if self._peers.get(peer.name) in (peer, None):  # else it is back already
            self._peers.pop(peer.name, None)
            self._lender.forget(peer.name, self._service.clock.now())
            self._service.limits.elsewhere.pop(peer.name, None)
            self._service.router.caps.elsewhere.pop(peer.name, None)
        if not self._peers:
            self._is_empty.set()

    async def _tell_state(self, peer: Peer) -> None:
        """Everything that it needs to go on from here; prices it reads in the store."""
        await self._service.ledger.flushed()
        self._tell()
        router = self._service.router
        state = {
            "kind": "state",
            "seed": router.seed,
            "router": router.to_state(),
            "prices": router.book.moment()(),
            "seen": self._replica.seen.to_state(),
        }
        self._peers[peer.name] = peer
        peer.send(line_of(state))

    def _hear(self, peer: Peer, message: Message) -> None:
        if message["kind"] == "batch":
            self._start(self._store(peer, message))
        elif message["kind"] == "texts":
            if self._service.texts.is_reading:  # an edit may have come here first
                self._service.texts.read(texts_heard(message))
        else:
            self._lend(peer, message)

    async def _store(self, peer: Peer, message: Message) -> None:
        entries = [each for told in message["entries"] if (each := entry_heard(told)) is not None]
        if message["again"]:
            await self._take_in_again(peer, entries)
        else:
            self._take_in_all(peer, entries)
        await self._service.ledger.flushed()
        peer.send(line_of({"kind": "stored", "number": message["number"]}))

    def _take_in_all(self, peer: Peer, entries: list[Entry | Delta]) -> None:
        """Entries wait for the delta that tells what they taught; those after the last one taught
        nothing, for no batch parts an entry from its delta."""
        waiting: list[Entry] = []
        for entry in entries:
            if not isinstance(entry, Delta):
                waiting.append(entry)
                continue
            self._replica.absorb(entry, self._service.clock.now())
            for each in waiting:
                self._take_in(each)
            waiting.clear()
            self._tell_all({"kind": "delta", "delta": entry.to_state()}, but=peer.name)
        for each in waiting:
            self._take_in(each)

    async def _take_in_again(self, peer: Peer, entries: list[Entry | Delta]) -> None:
        """Those that the leader before has not stored are learnt as after a restart."""
        for entry in entries:
            if isinstance(entry, Delta):
                self._replica.seen.note(entry.replica, entry.number)
                self._tell_all({"kind": "delta", "delta": entry.to_state()}, but=peer.name)
            elif not await self._is_stored(entry):
                self._learn(entry)
                self._take_in(entry)

    async def _is_stored(self, entry: Entry) -> bool:
        with contextlib.suppress(StoreError):
            return await asyncio.to_thread(_has, self._service.engine, entry)
        return False

    def _learn(self, entry: Entry) -> None:
        if isinstance(entry, Outcome):
            self._service.router.learn_outcome(entry, entry.finished_at)

    def _take_in(self, entry: Entry) -> None:
        """What a process did, as if this one had done it; what it taught is learnt elsewhere."""
        service = self._service
        service.ledger.append(entry)
        if isinstance(entry, Event):
            service.events.publish(entry)
        if isinstance(entry, Outcome):
            service.tallies.count(entry)
            if not is_background(entry.decision.key_id):
                service.feedbacks.remember_outcome(entry)
        elif isinstance(entry, Decision):
            service.feedbacks.remember(entry, entry.deployment)

    def _lend(self, peer: Peer, message: Message) -> None:
        service = self._service
        service.limits.elsewhere[peer.name] = Load(*message["load"])
        service.router.caps.elsewhere[peer.name] = beside_heard(message["beside"])
        now = service.clock.now()
        grants, news = self._lender.answer(peer.name, used_heard(message["caps"]), now)
        peer.send(line_of({"kind": "granted", "caps": grants_told(grants)}))
        for event in news:
            service.ingestion.publish(event)
        if message["minutes"]:
            service.key_limits.hear(message["minutes"])
            self._tell_all({"kind": "minutes", "minutes": message["minutes"]}, but=peer.name)

    def _tell(self) -> None:
        """What this process has learnt, and what its own requests used of minutes."""
        self._lender.share_out(self._service.clock.now())
        delta = self._replica.cut(self._service.clock.now())
        if delta is not None:
            self._replica.outbox.confirm(self._replica.seen)
            self._tell_all({"kind": "delta", "delta": delta.to_state()})
        if minutes := self._service.key_limits.take():
            self._tell_all({"kind": "minutes", "minutes": minutes})

    def _tell_of(self, event: Event | WeightTable) -> None:
        if isinstance(event, Event):
            self._replica.tell_of(event)

    def _tell_reading(self, definition: FeedDefinition, reading: Reading) -> None:
        body = msgspec.json.encode(reading).decode()
        self._tell_all({"kind": "reading", "feed": definition.id, "reading": body})

    def _tell_all(self, message: Message, but: str | None = None) -> None:
        line = line_of(message) if self._peers else b""
        for name, peer in self._peers.items():
            if name != but:
                peer.send(line)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _has(engine: Engine, entry: Entry) -> bool:
    """Whether the store has this one, as far as it can be told."""
    match entry:
        case Outcome():
            return isinstance(queries.decision(engine, entry.decision.id), Outcome)
        case Decision():
            return queries.decision(engine, entry.id) is not None
        case Event():
            return entry in queries.newest_events(engine, since=entry.at, kinds=[entry.kind])
    return False
