"""A service's part in a group of replicas: tells once in a while, hears when called, leads or not.

Nothing here is on a request's way: while the database is away every replica serves by what it
knows, and tells the rest later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from windsock.app.replicas.rates import RateKeeper
from windsock.app.replicas.role import Role
from windsock.app.replicas.shares import ShareKeeper
from windsock.app.state_recovery import Known
from windsock.clock import Clock
from windsock.config.store.replica_settings import ReplicaSettings
from windsock.core.model.events import Event, EventKind
from windsock.core.replicas.deltas import Delta, Seen
from windsock.core.routing.replication.replica import Replica
from windsock.errors import StoreError
from windsock.feeds.poller import Poller
from windsock.observability.background import Supervisor
from windsock.observability.log import event_log
from windsock.store.ledger import Ledger
from windsock.store.replicas import group, waking
from windsock.store.replicas.group import Member, Told
from windsock.store.replicas.lease import Held, Lease
from windsock.store.replicas.listening import Listener
from windsock.store.replicas.news import News, news_after

LEAST_S = 0.1
"""Between two looks, however often others call."""

BEATS = 4.0
"""Times within a lease that it is said again."""


@dataclass(slots=True, kw_only=True)
class Membership:
    """Callbacks run on the event loop; the database is asked in threads.

    known       deltas that were learnt when the state was restored
    told        what this replica says of itself, given the position up to which it has heard
    publish     tells of replicas that differ, if this one leads
    on_lead     called when this process begins to lead
    on_keys     called, and awaited, when others have called: keys may have been changed
    """

    settings: ReplicaSettings
    name: str
    replica: Replica
    role: Role
    known: Known
    engine: Engine
    ledger: Ledger
    clock: Clock
    poller: Poller
    shares: ShareKeeper
    rates: RateKeeper
    told: Callable[[int], Told]
    publish: Callable[[Event], object]
    on_lead: Callable[[], None]
    on_keys: Callable[[], Awaitable[None]]
    members: list[Member] = field(default_factory=list)
    leader: str | None = None
    is_away: bool = False
    _beat_at: float = -1e9
    _seen: dict[str, float] = field(default_factory=dict)
    _differing: list[str] = field(default_factory=list)
    _joined: bool = False
    _has_ended: bool = False
    _listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is connected yet, and another may lead."""
        self.replica.router.beliefs.quality.is_judge = False
        self._listener = Listener(self.engine)
        self.replica.seen = self.known.seen

    async def begin(self, tasks: Supervisor) -> None:
        """Take part, if the database is there; have it done from now on in any case."""
        self.ledger.seal(None)
        await self.look()
        every_s = self.settings.exchange
        tasks.keep_every("tell replicas", every_s, self.tell)
        tasks.keep("hear replicas", lambda: self._hear_forever(tasks))

    def tell(self) -> None:
        """What was learnt since the last time goes to the ledger, with the rows that taught it."""
        self.rates.shares.age()
        if self.can_tell:
            self._seal()

    @property
    def can_tell(self) -> bool:
        """False while the database is away: sums go on adding up, and rows wait for them. And until
        this replica takes part, as all of its rows stand behind the position at which it joined."""
        return self._joined and self.ledger.stats().error is None

    def rebuild(self, restore: Callable[[], None]) -> None:
        """A database that was away at the start is there: `restore` makes the state anew, to which
        comes what was learnt here and is not there yet. It blocks, and raises StoreError."""

        def build() -> Seen:
            self.known.seen, self.known.position = Seen(), 0
            restore()
            return self.known.seen

        self.replica.begin_anew(build)

    def tell_of(self, event: Event) -> None:
        """An event was published here."""
        self.replica.tell_of(event)

    async def look(self) -> None:
        """Hear what others have told, say that this one is there, and see who leads."""
        if self._has_ended:
            return
        try:
            await self._hear()
            await self._beat()
            await self.shares.sync(self.role.replicas, leads=self.role.leads())
            await self.rates.sync({each.id for each in self.members if each.is_there})
        except StoreError as error:
            self._note_away(str(error))
            self.replica.router.beliefs.quality.is_judge &= self.role.leads()
            return
        self._note_away(None)

    async def _hear(self) -> None:
        """Before all else: nothing that is asked or claimed is waited for by what is learnt."""
        news = await asyncio.to_thread(self._news)
        if self.is_away:
            self.ledger.retry()
        self.absorb(news.deltas)
        self._follow_feeds(news.bodies)

    async def _beat(self) -> None:
        begun = self.clock.elapsed()
        if begun - self._beat_at < self.settings.lease / BEATS:
            return
        name, told = self.replica.name, self.told(self.known.position)
        lease, members = await asyncio.to_thread(
            group.beat, self.engine, name, told, self.settings.lease
        )
        self._joined = any(each.id == name for each in members)  # cut off for days: once more
        self._beat_at = begun
        self._note_lease(lease, members, begun)
        self._note_differing(members)

    def absorb(self, deltas: Iterable[tuple[int, Delta | None]]) -> None:
        """Learn what others have told."""
        now = self.clock.now()
        for position, delta in deltas:
            if delta is None:
                self.replica.note_unheard("delta")
            else:
                self._absorb(delta, now)
            self.known.position = max(self.known.position, position)

    def _absorb(self, delta: Delta, now: float) -> None:
        if delta.replica == self.replica.name:  # durable: it need not be kept
            self.replica.outbox.confirm(Seen.from_state({delta.replica: [delta.number]}))
        self.replica.absorb(delta, now)

    async def end(self) -> None:
        """Tell the rest, and take part no more."""
        self._has_ended = True
        if self._joined:
            self._seal()
        self.role.follow()
        with contextlib.suppress(StoreError):
            await self.ledger.flushed_within(2.0)
            await asyncio.to_thread(group.leave, self.engine, self.replica.name)
            await asyncio.to_thread(self.shares.give_back)
        await asyncio.to_thread(self._listener.close)

    def to_state(self) -> dict[str, object]:
        """What a snapshot must say of the deltas that it holds; tell before it is taken."""
        return {"seen": self.replica.seen.to_state(), "position": self.known.position}

    def _seal(self) -> None:
        self.ledger.seal(self.replica.cut(self.clock.now()))

    async def _hear_forever(self, tasks: Supervisor) -> None:
        while True:
            called = await asyncio.to_thread(self._listener.wait, self.settings.exchange)
            self.rates.is_called |= waking.LIMITS in called
            await self.look()
            if waking.KEYS in called:
                await self.on_keys()
            tasks.turned("hear replicas")
            await asyncio.sleep(LEAST_S)

    def _news(self) -> News:
        """In a thread."""
        if not self._joined:
            group.join(self.engine, self.replica.name, self.told(self.known.position))
            self._joined = True
        return news_after(self.engine, self.known.position)

    def _note_lease(self, lease: Lease, members: list[Member], begun: float) -> None:
        self.members, self.leader = members, lease.holder
        known = {self.replica.name, *(each.id for each in members)}
        self.replica.seen.forget(self.replica.seen.to_state().keys() - known)
        self.role.replicas = max(1, sum(each.is_there for each in members))
        router, had = self.replica.router, self.role.lease
        if lease.holder != self.replica.name:
            self.role.follow()
            router.beliefs.quality.is_judge = False
            return
        held = Held(lease.token, self.settings.lease)
        self.role.lead(held, begun + self.settings.lease)
        if held != had or not router.beliefs.quality.is_judge:
            self._begin_to_lead()

    def _note_differing(self, members: list[Member]) -> None:
        """Replicas that are there with another configuration than the newest, as while one after
        the other is given a new one. One whose lease was over before it was heard of tells later.
        """
        if not self.role.leads():
            return
        latest = group.newest(members)
        config = latest.told.config if latest else ""
        there = (each.told for each in members if each.is_there)
        differing = sorted(each.name for each in there if each.config != config)
        if differing != self._differing:
            self._differing = differing
            kind = EventKind.REPLICAS_DIFFER if differing else EventKind.REPLICAS_AGREE
            facts = {"replicas": differing, "newest": config} if differing else {"newest": config}
            self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))

    def _begin_to_lead(self) -> None:
        self.replica.router.beliefs.quality.is_judge = True
        self._differing = []  # who led before may have told of them, but has no alarms any more
        event_log().info("replica.leads", name=self.name)
        for definition in self.poller.definitions():
            self.poller.poll_soon(definition.id)
        self.on_lead()

    def _follow_feeds(self, bodies: dict[str, float]) -> None:
        """Read what the leader has fetched since the last look."""
        polled = {each.id for each in self.poller.definitions()}
        news = {feed for feed, at in bodies.items() if self._seen.get(feed) != at} & polled
        self._seen = bodies
        if not self.role.leads():
            for feed in news:
                self.poller.poll_soon(feed)

    def _note_away(self, error: str | None) -> None:
        if (error is not None) == self.is_away:
            return
        self.is_away = error is not None
        if error is not None:
            event_log().warning("replicas.away", error=error)
        else:
            event_log().info("replicas.back")
