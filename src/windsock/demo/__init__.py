"""`windsock demo`: the production service, paper providers, replayed prices, generated traffic."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
from datetime import UTC, datetime
from typing import Any

import uvicorn
from rich.console import Console
from rich.panel import Panel

from windsock.app.bootstrap import build
from windsock.app.http_server import Server, refuse_taken, server_of
from windsock.app.service import Service
from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.demo.paper_provider import PaperModel, PaperProviders
from windsock.demo.parent import Parent
from windsock.demo.price_history import DAY_S, PRICES_AT_START, STORY_BEGINS, PriceHistory
from windsock.demo.traffic import QUALITY, TASKS, traffic
from windsock.observability import log


def run_demo(*, host: str, port: int, with_parent: bool = False) -> None:
    """Run until interrupted; with_parent: or until the process ends that started this one."""
    log.configure(level="error", is_json=False)  # prices that move and fail to are the story told
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_main(host, port, Parent.of_now() if with_parent else None))


async def _main(host: str, port: int, parent: Parent | None) -> None:
    refuse_taken(host, port)
    with tempfile.TemporaryDirectory(prefix="windsock-demo-") as folder:
        paper_port = _free_port()
        history = PriceHistory(SystemClock(), SystemClock().now())
        paper = Server(
            uvicorn.Config(
                _with_feed(paper_providers(), history),
                host="127.0.0.1",
                port=paper_port,
                log_config=None,
                access_log=False,
                lifespan="off",
            )
        )
        service = build(demo_settings(folder, paper_port), {})
        service.dashboard.replayed = history.as_shown()
        server = server_of(service, host=host, port=port)
        paper_task = asyncio.create_task(paper._serve())
        server_task = asyncio.create_task(server.serve())
        while not (server.started and paper.started):
            await asyncio.sleep(0.02)
            if server_task.done():
                server_task.result()
        _announce(host, port)
        url = f"http://{host}:{port}"
        tasks = [
            asyncio.create_task(traffic(url)),
            asyncio.create_task(_narrate(service, history)),
        ]
        if parent is not None:
            tasks.append(asyncio.create_task(_end_with(parent, server)))
        await server_task
        for task in tasks:
            task.cancel()
        paper.should_exit = True
        await paper_task


async def _end_with(parent: Parent, server: Server) -> None:
    await parent.ended()
    server.should_exit = True


def paper_providers() -> PaperProviders:
    """The demo's models, with latencies that grow with their price."""
    models: dict[str, dict[str, PaperModel]] = {}
    for name, rates in QUALITY.items():
        provider, _, model = name.partition("/")
        usd_out = PRICES_AT_START[name][1]
        models.setdefault(provider, {})[model] = PaperModel(
            quality=dict(zip(TASKS, rates, strict=True)),
            latency_s=0.08 + 0.02 * usd_out**0.5,
            verbosity=60,
        )
    return PaperProviders(models)


def demo_settings(folder: str, paper_port: int) -> Any:
    """The same windsock.toml a user would write."""
    providers = "\n".join(
        f'[providers.{name}]\nbase_url = "http://127.0.0.1:{paper_port}/{name}/v1"\n'
        'api_key = "paper"'
        for name in dict.fromkeys(name.partition("/")[0] for name in QUALITY)
    )
    text = f"""
{providers}
[store]
url = "sqlite:///{folder}/windsock.db"
[routes.auto]
candidates = {json.dumps(list(QUALITY))}
objective = "cost_per_success"
quality_floor = 0.86
explore = 0.04
[feeds]
enabled = ["models-dev"]
[feeds.override.models-dev]
url = "http://127.0.0.1:{paper_port}/feed/api.json"
every = "1s"
allow_private = true
"""
    return parse(text, {}, source="demo")


def _with_feed(paper: PaperProviders, history: PriceHistory) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/feed/api.json":
            raw = json.dumps(history.body()).encode()
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": raw})
            return
        await paper(scope, receive, send)

    return app


async def _narrate(service: Service, history: PriceHistory) -> None:
    """Price moves as they are seen, one line each."""
    console = Console(stderr=True)
    async for event in service.events.stream():
        if getattr(event, "kind", "") in ("price.shifted", "price.held", "price.released"):
            date = datetime.fromtimestamp(
                STORY_BEGINS.timestamp() + history.day() * 86400, UTC
            ).strftime("%Y-%m-%d")
            prices: Any = event.facts["usd_per_mtok"]  # type: ignore[union-attr]
            told = ", ".join(f"{meter} ${float(usd):g}" for meter, usd in prices.items())
            reason = event.facts.get("reason", "")  # type: ignore[union-attr]
            line = f"[dim]{date}[/]  {event.kind:<15} [bold]{event.deployment}[/]  {told}  {reason}"  # type: ignore[union-attr]
            console.print(
                line.rstrip(),
                highlight=False,
                soft_wrap=True,
            )


def _announce(host: str, port: int) -> None:
    """The commands stand outside of the box, to be copied as they are."""
    url = f"http://{host}:{port}"
    console = Console(stderr=True)
    console.print(
        Panel(
            f"windsock is routing on [bold]{url}[/]  (open it in a browser)\n"
            f"Prices of 2025 are replayed at {DAY_S:g} s a day; traffic follows them.\n"
            "Ctrl-C ends it.",
            title="demo",
            expand=False,
        ),
        highlight=False,
    )
    console.print(
        f"curl -s {url}/v1/chat/completions -H 'content-type: application/json' \\\n"
        '  -d \'{"model":"auto","metadata":{"task":"sentiment"},"messages":[{"role":"user",\n'
        '    "content":"Is this review positive or negative? I love it"}]}\'\n'
        f"curl -s '{url}/v1/weights?task=sql'\n",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
