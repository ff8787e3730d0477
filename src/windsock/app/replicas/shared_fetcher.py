"""Feeds of several replicas: the leader fetches, the others read what it has fetched."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine

from windsock.app.replicas.role import Role
from windsock.clock import Clock
from windsock.errors import FeedError, StoreError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetched, Fetcher, Validators
from windsock.store.replicas.feed_bodies import body_of, put_body
from windsock.store.replicas.lease import Held

LOCAL = "package:"
"""The scheme of feeds that come with the program: everybody has them."""


class SharedFetcher(Fetcher):
    """Fetches for all while it leads, else takes what the leader has kept in the store.

    A body that is fetched by one who led, and does not any more when it is there, is refused.
    """

    def __init__(self, inner: Fetcher, engine: Engine, role: Role, clock: Clock) -> None:
        super().__init__()
        self._inner = inner
        self._engine = engine
        self._role = role
        self._clock = clock
        self._last: dict[str, tuple[int, Validators]] = {}

    async def fetch(self, definition: FeedDefinition, last: Validators) -> Fetched:
        """The body, or none if nothing changed; raises FeedError."""
        if definition.url.startswith(LOCAL):
            return await self._inner.fetch(definition, last)
        lease = self._role.lease
        if lease is not None and self._role.leads():
            return await self._led(definition, lease)
        return await self._followed(definition, last)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._inner.close()

    async def _led(self, definition: FeedDefinition, lease: Held) -> Fetched:
        token, feed = lease.token, definition.id
        held, validators = self._last.get(feed, (token, Validators()))
        fetched = await self._inner.fetch(definition, validators if held == token else Validators())
        try:
            is_kept = await asyncio.to_thread(
                put_body, self._engine, feed, lease, fetched.body, self._clock.now()
            )
        except StoreError:  # away: what is fetched holds here, and for the others once it is back
            return fetched
        if not is_kept:
            self._role.follow()
            raise FeedError("another replica polls by now", feed=feed)
        self._last[feed] = token, fetched.validators
        return fetched

    async def _followed(self, definition: FeedDefinition, last: Validators) -> Fetched:
        try:
            found = await asyncio.to_thread(body_of, self._engine, definition.id, last.etag)
        except StoreError as error:
            raise FeedError(str(error), feed=definition.id) from error
        if found is None:
            raise FeedError("the replica that leads has not read it yet", feed=definition.id)
        number, body = found
        return Fetched(body=body, validators=Validators(etag=number))
