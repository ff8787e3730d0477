"""What is bounded is bounded after it was sorted out, so that the many never hide the few."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tests.builders import START, request, router
from tests.running import config_of, running
from tests.store.samples import decision, outcome, table
from windsock.clock import ManualClock
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.observability.event_bus import MAX_BACKLOG, EventBus
from windsock.service.auth import new_key
from windsock.service.control.page.dashboard import CELLS_OF_A_ROUTE, EVENTS, MAX_CELLS, Dashboard
from windsock.store.keys import VirtualKey, add_key, keys

CLOSED = "http://127.0.0.1:9"


def in_namespace(name: str, number: int, at: float):
    made = decision(number, cell=Cell(name, "auto", "chat"), at=at)
    return outcome(number, decision=made, cost_usd=Decimal(0))


async def test_an_export_is_limited_among_the_rows_of_its_own_namespace(tmp_path: Path) -> None:
    async with running(config_of(("acme", CLOSED, 1.0)), tmp_path) as it:
        service = it.service
        secret, public, digest = new_key()
        key = VirtualKey(id=public, name="n", sha256=digest, namespace="small", scopes=("read",),
                         created_at=1.0)  # fmt: skip
        add_key(service.engine, key)
        service.access.replace_keys(keys(service.engine))
        begin = service.clock.now() - 3600
        for number in range(1200):
            service.ledger.append(in_namespace("crowd", number, begin + number * 0.01))
        for number in range(50):
            service.ledger.append(in_namespace("small", 2000 + number, begin + 100 + number))
        await service.ledger.flushed()
        bearer = {"authorization": f"Bearer {secret}"}
        for limit, found in ((1000, 50), (20, 20)):
            lines = (await it.http.get(f"/v1/decisions?limit={limit}", headers=bearer)).text
            assert len([json.loads(line) for line in lines.splitlines()]) == found


async def test_a_stream_keeps_room_for_what_it_wants_only() -> None:
    bus = EventBus()
    stream = bus.stream(lambda event: not isinstance(event, Event))
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    bus.publish(table(1))
    bus.publish(table(2))
    for _ in range(MAX_BACKLOG + 5):
        bus.publish(Event(kind="price.shifted", deployment="acme/m", at=START))
    assert [await first, await anext(stream)] == [table(1), table(2)]
    await stream.aclose()


async def test_a_stream_opened_after_the_close_ends_at_once() -> None:
    bus = EventBus()
    bus.close()
    assert [event async for event in bus.stream()] == []


def test_the_page_shows_the_events_of_a_route_whatever_others_do() -> None:
    wind = router()
    dashboard = Dashboard(wind, ManualClock(START))
    rare, busy = list(wind.catalog.deployments)[:2]
    dashboard.on_event(Event(kind="price.held", deployment=rare, at=START))
    for number in range(EVENTS + 5):
        dashboard.on_event(Event(kind="price.shifted", deployment=busy, at=START + number))
    shown = dashboard.view(None, None, "default")["events"]
    assert len(shown) == EVENTS
    wind.adopt(
        [each for name, each in wind.catalog.deployments.items() if name != busy],
        {"auto": replace(wind.routes["auto"], candidates=(rare,))},
    )
    (event,) = dashboard.view(None, None, "default")["events"]
    assert event["deployment"] == rare


def test_the_page_remembers_no_more_cells_than_it_draws() -> None:
    wind = router()
    dashboard = Dashboard(wind, ManualClock(START))
    for round_ in range(3):
        for number in range(50):
            wind.open(request(task=f"t{round_}-{number}"), START)
        dashboard.sample()
        wind.tables.adopt({})
    shown = dashboard.view("auto", None, "default")["routes"]["auto"]
    assert len(shown) == CELLS_OF_A_ROUTE
    assert {f"t2-{number}" for number in range(50)} <= set(shown)


def test_the_page_remembers_some_of_every_namespace_within_one_bound() -> None:
    wind = router()
    dashboard = Dashboard(wind, ManualClock(START))
    for number in range(MAX_CELLS // 8):
        for task in range(20):
            wind.open(request(task=f"t{task}", namespace=f"n{number}"), START)
    dashboard.sample()
    wind.tables.adopt({})
    shown = [
        len(dashboard.view("auto", None, f"n{number}")["routes"]["auto"])
        for number in range(MAX_CELLS // 8)
    ]
    assert set(shown) == {8}
