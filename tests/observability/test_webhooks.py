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
from windsock.observability import webhooks
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


class Receiver:
    """Answers with `status` until it is told otherwise; counts what comes."""

    def __init__(self) -> None:
        self.status, self.wait_s = 200, 0.0
        self.headers: dict[str, str] = {}
        self.seen: list[dict] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(await request.json())
        await asyncio.sleep(self.wait_s)
        return web.Response(status=self.status, headers=self.headers)


@contextlib.asynccontextmanager
async def hooked(**facts):
    it = Receiver()
    app = web.Application()
    app.router.add_post("/secret-path", it.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/secret-path"
    hooks, tasks = (
        Webhooks([Hook(url=url, **facts)], SystemClock()),
        Supervisor(clock=SystemClock()),
    )
    hooks.start(tasks)
    try:
        yield it, hooks, tasks
    finally:
        await tasks.stop()
        await runner.cleanup()


async def test_what_happens_while_a_receiver_is_away_arrives_in_order_when_it_is_back(
    monkeypatch, capsys
) -> None:
    monkeypatch.setattr(webhooks, "FIRST_PAUSE_S", 0.001)
    async with hooked(secret="s" * 16) as (it, hooks, _):
        it.status = 503
        for n in range(30):
            hooks.on_event(shift(n=n))
        await until(lambda: len(it.seen) > 8)
        assert {each["n"] for each in it.seen} == {0}, "the oldest is tried until it arrives"
        it.status = 200
        await until(lambda: hooks.lines[0].waiting == 0)
        arrived = list(dict.fromkeys(each["n"] for each in it.seen))
        assert arrived == list(range(30))
        assert hooks.dropped == 0
    said = "".join(capsys.readouterr())
    assert said.count("webhook.failed") == said.count("webhook.recovered") == 1, "not once a try"
    assert "secret-path" not in said


async def test_what_is_refused_is_given_up_and_holds_up_nothing(capsys) -> None:
    async with hooked(secret="s" * 16) as (it, hooks, _):
        it.status = 404
        hooks.on_event(shift(n=1))
        await until(lambda: hooks.dropped == 1)
        it.status = 200
        hooks.on_event(shift(n=2))
        await until(lambda: hooks.lines[0].waiting == 0)
        assert [each["n"] for each in it.seen] == [1, 2]
    assert "secret-path" not in "".join(capsys.readouterr())


async def test_a_receiver_says_how_long_to_wait() -> None:
    async with hooked(secret="s" * 16) as (it, hooks, _):
        it.status, it.headers = 429, {"retry-after": "60"}
        hooks.on_event(shift())
        await until(lambda: it.seen)
        await asyncio.sleep(1.2)
        assert len(it.seen) == 1


async def test_a_storm_is_one_message_for_people(monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "PEOPLE_S", 0.05)
    async with hooked(style="slack") as (it, hooks, _):
        it.wait_s = 0.2
        for n in range(500):
            hooks.on_event(shift(n=n))
        await until(lambda: hooks.lines[0].waiting == 0)
        texts = [each["text"] for each in it.seen]
    assert len(texts) <= 2
    assert texts[-1].endswith(" more: GET /v1/events")
    assert all(len(text) <= webhooks.MOST_CHARACTERS and text.count("\n") <= 20 for text in texts)


async def test_names_that_a_feed_chose_call_nobody_and_link_nowhere() -> None:
    async with hooked(style="slack") as (it, hooks, _):
        name = "<!channel> <https://evil.test|here> @everyone @here a@us-east"
        hooks.on_event(Event(kind="model.listed", deployment="", at=1.0, facts={"model": name}))
        await until(lambda: it.seen)
        text = it.seen[0]["text"]
    assert "<" not in text and "@everyone" not in text and "@here" not in text
    assert "&lt;!channel&gt;" in text and "a@us-east" in text


@pytest.mark.parametrize(("status", "arrives"), [(200, True), (503, False)])
async def test_what_waits_at_the_end_is_sent_or_told_as_lost(status, arrives, capsys) -> None:
    async with hooked(secret="s" * 16) as (it, hooks, tasks):
        await tasks.stop()
        it.status = status
        for n in range(3):
            hooks.on_event(shift(n=n))
        await hooks.finish()
        assert len(it.seen) == (3 if arrives else 1)
    assert ("lost=3" in "".join(capsys.readouterr())) is not arrives


@pytest.mark.parametrize(
    "url", ["https://", "https:///T000/B000/key", "https://host:port/T000/key", "http://[::1/key",
            "https://host/with space/key", "ftp://host/key"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_not_shown(url) -> None:
    text = f'[[webhooks]]\nurl = "{url}"\nformat = "slack"\n'
    with pytest.raises(ConfigError, match=r"webhooks.*url") as refused:
        parse(text, {}, source="windsock.toml")
    assert "key" not in str(refused.value).replace("unknown key", "")
