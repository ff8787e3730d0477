"""CPU of one full poll of three large feeds: parse, guard, store.

python -m tests.benchmarks.feeds_poll
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from windsock.clock import SystemClock
from windsock.core.catalog import Catalog, Deployment
from windsock.core.identity import Identity
from windsock.core.policy import Objective, PriceAware
from windsock.core.posterior import Beliefs
from windsock.core.prices import PriceBook
from windsock.core.records import RouteRequest
from windsock.core.router import Router
from windsock.core.routes import Route
from windsock.feeds.definition import load_feed
from windsock.feeds.reading import read
from windsock.intake import Intake
from windsock.rooms import folders
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

MODELS = 2200
BAR_S = 2.0


def names() -> list[str]:
    return [f"vendor{i % 40}/model-{i}" for i in range(MODELS)]


def price(i: int, turn: int) -> float:
    """Between $0.05 and $20 per million; every tenth moves by 5 % a turn."""
    base = 0.05 * 1.0027**i
    return round(base * (1.05 if turn and i % 10 == 0 else 1.0), 6)


def openrouter(turn: int) -> bytes:
    models = [
        {
            "id": name,
            "context_length": 128000,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "pricing": {
                "prompt": f"{price(i, turn) / 1e6:.12f}",
                "completion": f"{price(i, turn) * 4 / 1e6:.12f}",
            },
            "top_provider": {"max_completion_tokens": 8192},
            "supported_parameters": ["tools"],
        }
        for i, name in enumerate(names())
    ]
    return json.dumps({"data": models}).encode()


def litellm(turn: int) -> bytes:
    return json.dumps(
        {
            name: {
                "input_cost_per_token": price(i, turn) / 1e6,
                "output_cost_per_token": price(i, turn) * 4 / 1e6,
                "litellm_provider": name.partition("/")[0],
                "mode": "chat",
                "max_input_tokens": 128000,
            }
            for i, name in enumerate(names())
        }
    ).encode()


def models_dev(turn: int) -> bytes:
    body: dict[str, dict[str, dict[str, object]]] = {}
    for i, name in enumerate(names()):
        vendor, _, model = name.partition("/")
        entry = {
            "id": model,
            "cost": {"input": price(i, turn), "output": round(price(i, turn) * 4, 6)},
            "limit": {"context": 128000, "output": 8192},
            "modalities": {"input": ["text"], "output": ["text"]},
        }
        body.setdefault(vendor, {"models": {}})["models"][model] = entry
    return json.dumps(body).encode()


BODIES = {"openrouter": openrouter, "litellm": litellm, "models-dev": models_dev}


def main() -> None:
    catalog = Catalog(
        Deployment(id=name, provider=name.partition("/")[0], model=name.partition("/")[2])
        for name in names()
    )
    beliefs = Beliefs()
    policy = PriceAware(beliefs, Objective(kind="quality_floor", quality_floor=0.8))
    router = Router(
        catalog=catalog,
        routes={"auto": Route(name="auto", candidates=tuple(names()[:8]), policy=policy)},
        book=PriceBook(),
        beliefs=beliefs,
        default_policy=lambda _: policy,
    )
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'w.db'}")
        upgrade_engine(engine)
        ledger = Ledger(engine)
        ledger.open()
        intake = Intake(
            router=router,
            identity=Identity(catalog),
            clock=SystemClock(),
            keep=ledger.append,
            publish=lambda _: None,
        )
        feeds = {name: load_feed(folders("pricefeeds", "feed.toml")[name]) for name in BODIES}
        for turn, title in enumerate(("first poll", "a tenth moved", "nothing moved")):
            spent = 0.0
            for name, definition in feeds.items():
                body = BODIES[name](min(turn, 1))
                started = time.process_time()
                intake.on_reading(definition, read(definition, body, seen_at=time.time()))
                spent += time.process_time() - started
            print(f"{title:<14} {spent:.2f} s of CPU for 3 x {MODELS} models (bar {BAR_S} s)")
        started = time.process_time()
        ledger.close()
        print(
            f"writing the rest {time.process_time() - started:.2f} s, {ledger.stats().written} rows"
        )
        request = RouteRequest(model="auto", prompt_tokens=500)
        now = time.time()
        router.open(request, now)
        costs = []
        for _ in range(2000):
            started = time.perf_counter()
            router.open(request, now)
            costs.append(time.perf_counter() - started)
        print(f"a decision afterwards: p50 {sorted(costs)[1000] * 1e6:.1f} us")
        engine.dispose()


if __name__ == "__main__":
    main()
