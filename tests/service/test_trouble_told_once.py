"""A cache that is away is told of once and then left alone, however many were asking it."""

import asyncio

from tests.process import free_port
from windsock.service.gateway.caching.redis_cache import RedisCache


async def test_twenty_who_find_the_cache_away_at_once_tell_of_it_once() -> None:
    told: list[str] = []
    shelf = RedisCache(f"redis://127.0.0.1:{free_port()}", on_trouble=told.append)
    found = await asyncio.gather(*(shelf.get(b"key", 0.0) for _ in range(20)))
    await shelf.close()
    assert found == [None] * 20
    assert len(told) == 1
