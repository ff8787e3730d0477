"""Events reach a receiver signed, are tried again when it stumbles, and never block."""

import asyncio
import time

from aiohttp import web

from windsock.clock import SystemClock
from windsock.core.model.events import Event
from windsock.observability.background import Supervisor
from windsock.observability.webhooks import MAX_WAITING, Hook, Webhooks, signature


def shift(kind: str = "price.shifted", n: int = 0) -> Event:
    return Event(kind=kind, deployment="acme/m", at=1.0, facts={"n": n})


async def receiver(statuses: list[int]):
    """(runner, url, seen): answers with these statuses, then 200."""
    seen: list[tuple[dict[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_post("/hook", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/hook", seen


async def until(condition, seconds: float = 5.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not come about")


async def test_an_event_arrives_signed_and_a_stumbling_receiver_gets_it_again() -> None:
    runner, url, seen = await receiver([500])
    hooks = Webhooks([Hook(url=url, secret="s" * 16, events=("price.",))], SystemClock())
    tasks = Supervisor(clock=SystemClock())
    hooks.start(tasks)
    hooks.on_event(shift("health.changed"))
    hooks.on_event(shift("price.shifted"))
    await until(lambda: len(seen) == 2)
    await tasks.stop()
    await runner.cleanup()
    headers, body = seen[1]
    assert seen[0][1] == body
    assert b'"event":"price.shifted"' in body
    expected = signature("s" * 16, headers["x-windsock-timestamp"], body)
    assert headers["x-windsock-signature"] == expected


async def test_an_absent_receiver_costs_nothing_and_the_oldest_events_go_first() -> None:
    hooks = Webhooks([Hook(url="http://127.0.0.1:9/x", secret="s" * 16)], SystemClock())
    started = time.monotonic()
    for n in range(MAX_WAITING + 5):
        hooks.on_event(shift(n=n))
    assert time.monotonic() - started < 5
    assert hooks.dropped == 5
