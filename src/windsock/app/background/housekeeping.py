"""What runs beside the requests: fresh tables and keys, snapshots, a bounded store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Engine

from windsock.app import interpreter
from windsock.app.background.cap_keeping import CapKeeper
from windsock.app.background.ledger_watch import LedgerWatch
from windsock.app.background.snapshot_body import body_of, written
from windsock.app.replicas.membership import Membership
from windsock.app.replicas.role import Role
from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.observability.background import Step, Supervisor
from windsock.observability.event_bus import EventBus
from windsock.observability.loop_watch import LoopWatch
from windsock.service.auth import Access
from windsock.service.control.app import KEYS_TASK
from windsock.service.execution.completion import hand_out_tables
from windsock.service.gateway.admission import Limits
from windsock.store.compact.conversion import Conversion
from windsock.store.keys import keys_and_trace, stamp_of_keys
from windsock.store.ledger import Ledger
from windsock.store.retention import Keep, prune
from windsock.store.rows import StateSnapshot

KEPT_WITHIN_S = 2.0
"""For which a person waits to hear that the store holds a command."""

TURN_S = 0.25
"""Between two turns of `turn_forever`."""

KEYS_EVERY_S = 2.0
"""Between two looks for keys in the store."""

MANY_KEYS = 1_000
"""From so many on they are read again only where something has changed."""

SECOND_S = 1.0

PRUNE_EVERY_S = 3600.0

GIVE_BACK_EVERY_S = 60.0
"""Between two times that unused memory goes back to the system."""

BETWEEN_SLICES_S = 0.1
"""Of old rows, some 250, that are brought into today's form."""

RESTORE_AGAIN_S = 1.0
"""Between two attempts to read a store that was away at the start."""

BETWEEN_SOLVES_S = 0.004
"""Long enough for a request that came during a solve, and may need one itself, to have its turn."""

MAX_SOLVES = 8
"""Tables solved at one turn; what is left waits for the next, or a request."""


@dataclass(slots=True, kw_only=True)
class Housekeeping:
    """The background work of a service, each kind a task of its own under the supervisor.

    snapshot_every_s    between two snapshots of the router
    publish             tells the log, the ledger and every listener of an event
    restore             reads what a store holds that was away at the start; raises StoreError
    is_restored         False until it has; no snapshot is taken before
    on_second           called about once a second, by name
    role                of several replicas one keeps the store for all
    membership          this process's part in the group of them
    """

    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    events: EventBus
    access: Access
    limits: Limits
    snapshot_every_s: float
    publish: Callable[[Event], None]
    restore: Callable[[], None]
    caps: CapKeeper
    keep: Keep = field(default_factory=Keep)
    loop: LoopWatch
    role: Role
    membership: Membership | None = None
    is_restored: bool = True
    on_second: dict[str, Step] = field(default_factory=dict)
    _keys_read: tuple[int, int, str] = (0, 0, "")
    _reading_keys: asyncio.Lock = field(default_factory=asyncio.Lock)

    def start(self, tasks: Supervisor, *, is_leading: bool = True) -> None:
        """Have all of it done from now on; of several processes, one keeps the store."""
        tasks.keep("tables", partial(self.turn_forever, partial(tasks.turned, "tables")))
        tasks.keep_every(KEYS_TASK, KEYS_EVERY_S, self.read_keys)
        tasks.keep_every("ledger", SECOND_S, self._ledger_watch().check)
        tasks.keep_every("memory", GIVE_BACK_EVERY_S, self.give_back_memory)
        for name, step in self.on_second.items():
            tasks.keep_every(name, SECOND_S, step)
        if is_leading:
            self._keep_store(tasks)

    def _keep_store(self, tasks: Supervisor) -> None:
        tasks.keep_every("snapshots", self.snapshot_every_s, self.keep_snapshot)
        tasks.keep_every("pruning", PRUNE_EVERY_S, self.prune_store)
        tasks.keep("recovery", self.recover)
        tasks.keep("conversion", self.convert_store)

    async def turn_forever(self, turned: Callable[[], None]) -> None:
        """Adapt to the load, solve stale tables ahead of requests, hand out new ones."""
        turned_at = self.clock.elapsed()
        while True:
            slept_at = self.clock.elapsed()
            await asyncio.sleep(TURN_S)
            now = self.clock.elapsed()
            self.limits.adapt(now - slept_at - TURN_S, now - turned_at)
            self.loop.note(now - slept_at - TURN_S, TURN_S)
            turned_at = now
            await self._solve_ahead()
            self._hand_out()
            turned()

    async def read_keys(self) -> None:
        """Keys as the store has them; while it is away, those known before."""
        with contextlib.suppress(StoreError):
            async with self._reading_keys:
                await self._read_keys()

    async def _read_keys(self) -> None:
        count, digest = await asyncio.to_thread(stamp_of_keys, self.engine)
        read = (count, digest, self.caps.timezone)
        if count >= MANY_KEYS and read == self._keys_read:
            await self.caps.read_new()
            return
        keys, was_keyed = await asyncio.to_thread(keys_and_trace, self.engine)
        await asyncio.to_thread(self.access.replace_keys, keys, was_keyed)
        await self.caps.adopt_keys(keys)
        self._keys_read = read

    async def give_back_memory(self) -> None:
        """What bursts have left behind."""
        await asyncio.to_thread(interpreter.give_back)

    def _ledger_watch(self) -> LedgerWatch:
        return LedgerWatch(ledger=self.ledger, clock=self.clock, publish=self.publish)

    async def prune_store(self) -> None:
        """Keep the store bounded; what cannot be deleted now is deleted an hour later."""
        if self.role.leads():
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(prune, self.engine, self.clock.now(), self.keep)

    async def convert_store(self) -> None:
        """Bring what an earlier version kept into today's form, a slice at a time; a slice that
        the store does not take now is tried again."""
        conversion = Conversion(self.engine)
        is_left = True
        while is_left:
            with contextlib.suppress(StoreError):
                is_left = await asyncio.to_thread(conversion.step)
            await asyncio.sleep(BETWEEN_SLICES_S)

    async def recover(self) -> None:
        """Read a store that was away at the start, once it takes entries.

        All that happened since is in it by then, so that restoring it is as good as having
        restored it at the start. Reading holds up the event loop: no entry may come between.
        """
        if self.is_restored:
            return
        now = self.clock.now()
        self.ledger.append(Event(kind=EventKind.STORE_RECOVERED, deployment="", at=now))
        while not self.is_restored:
            await self._written()
            try:
                self._restore()
                self.caps.restore()
            except StoreError:  # away again; what it holds is read whole at the next attempt
                await asyncio.sleep(RESTORE_AGAIN_S)
            else:
                self.is_restored = True

    async def _written(self) -> None:
        """Wait until the store has all that it must; what replicas learn meanwhile they know."""
        await self.ledger.flushed()
        while self.membership is None and self.ledger.stats().pending:
            await self.ledger.flushed()

    def _restore(self) -> None:
        if self.membership is None:
            self.restore()
        else:
            self.membership.rebuild(self.restore)

    def keep_snapshot(self) -> None:
        """Append the router's state of now to the ledger, if it is whole; the writer shapes it."""
        if not self.is_restored or not self.role.leads():
            return
        shared = self._shared_state()
        if shared is None:
            return
        with interpreter.uncollected():
            health = self.router.health.to_state()
            kept = {"seed": self.router.seed, **shared, "health": health}
            beside = self.router.state_beside_beliefs()
            body = partial(
                body_of,
                {name: written(part) for name, part in kept.items()},
                self.router.book.moment(),
                {name: written(part) for name, part in beside.items()},
                self.router.beliefs.moment(),
            )
        self.ledger.append(self.role.led(StateSnapshot(self.clock.now(), body)))

    async def is_kept(self) -> bool:
        """Wait until the store holds what was done so far; False if that takes KEPT_WITHIN_S."""
        membership = self.membership
        if membership is not None:
            membership.tell()
        is_told = self.is_restored and (membership is None or membership.can_tell)
        return await self.ledger.flushed_within(KEPT_WITHIN_S) and is_told

    def _shared_state(self) -> dict[str, object] | None:
        """Which deltas of replicas the state holds: all that this one has told by now; None if it
        cannot tell just now."""
        if self.membership is None:
            return {}
        if not self.membership.can_tell:
            return None
        self.membership.tell()
        return {"replicas": self.membership.to_state()}

    def hand_out_tables(self) -> None:
        """New weight tables go to the ledger and to who listens."""
        hand_out_tables(self.router, self.ledger, self.events)

    def _hand_out(self) -> None:
        self.hand_out_tables()
        for event in self.router.drain_shifts():
            self.publish(event)

    async def _solve_ahead(self) -> None:
        for _ in range(MAX_SOLVES):
            if not self.router.tables.refresh(self.clock.now()):
                return
            await asyncio.sleep(BETWEEN_SOLVES_S)
