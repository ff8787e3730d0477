"""Events reach a receiver signed, are tried again when it stumbles, and never block."""

import asyncio
import contextlib
import json
import time
from decimal import Decimal

import pytest
from aiohttp import web

from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.core.model.events import Event
from windsock.errors import ConfigError
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


async def test_slack_is_sent_a_line_for_people_and_nothing_is_signed_without_a_secret() -> None:
    runner, url, seen = await receiver([])
    hooks = Webhooks([Hook(url=url, style="slack")], SystemClock())
    tasks = Supervisor(clock=SystemClock())
    hooks.start(tasks)
    facts = {"feed": "openrouter", "usd_per_mtok": {"input": Decimal("0.28")}, "before": None}
    hooks.on_event(Event(kind="price.shifted", deployment="acme/m", at=1.0, facts=facts))
    await until(lambda: seen)
    await tasks.stop()
    await runner.cleanup()
    headers, body = seen[0]
    told = "price.shifted acme/m: feed openrouter, usd_per_mtok input 0.28, before unknown"
    assert json.loads(body) == {"text": told}
    assert "x-windsock-signature" not in headers


@pytest.mark.parametrize(
    ("stated", "is_fine"),
    [
        ('format = "slack"', True),
        ('secret = "12345678"', True),
        ('format = "slack"\nsecret = "short"', False),
        ('secret = "short"', False),
        ("", False),
    ],
)
def test_json_is_signed_and_slack_need_not_be(stated, is_fine) -> None:
    text = f'[[webhooks]]\nurl = "http://127.0.0.1/x"\n{stated}\n'
    with contextlib.nullcontext() if is_fine else pytest.raises(ConfigError, match="secret"):
        parse(text, {}, source="windsock.toml")
