"""`windsock whatif`: the next split under other prices, as the running service reckons it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console

from windsock.cli.layout import Entry, lines, show
from windsock.cli.service_client import Client
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, to_float
from windsock.evaluation.repricing import Repriced, repriced

LEAST_SHOWN = 0.0005


def show_what_if(
    service: Client,
    prices: Sequence[str],
    aims: Mapping[str, float | str | None],
    *,
    route: str | None,
    task: str | None,
    requests_per_day: float | None,
    as_json: bool,
) -> None:
    """Ask and print; raises ConfigError on a price that cannot be read."""
    asked = {
        "prices": imagined(service.ask("/v1/prices")["data"], repriced(prices)),
        "route": route,
        "task": task,
        **aims,
    }
    body = {key: value for key, value in asked.items() if value is not None}
    params = {"requests_per_day": requests_per_day} if requests_per_day else {}
    found = service.ask("/v1/whatif", method="POST", json=body, params=params)
    if as_json:
        print(json.dumps(found))
        return
    console = Console()
    for cell in found["data"]:
        show(console, what_if_lines(cell, width=console.width))


def imagined(known: Sequence[Mapping[str, Any]], prices: Repriced) -> dict[str, dict[str, float]]:
    """By deployment and meter; raises ConfigError where nothing fits."""
    priced = {each["deployment"]: each["usd_per_mtok"] for each in known if each["is_priced"]}
    prices.check(sorted(priced))
    return {
        name: _prices(prices.applied(_quote(name, meters)))
        for name, meters in priced.items()
        if prices.of(name) is not None
    }


def _quote(name: str, meters: Mapping[str, float]) -> Quote:
    usd = {Meter(meter): Decimal(str(price)) for meter, price in meters.items()}
    return Quote(deployment=name, feed="", feed_model=name, usd_per_mtok=usd, seen_at=0.0)


def _prices(quote: Quote) -> dict[str, float]:
    return {meter.value: to_float(usd) for meter, usd in quote.usd_per_mtok.items()}


def what_if_lines(cell: Mapping[str, Any], *, width: int) -> Iterator[str]:
    """One route and task: what it costs, and who gets what share, now and then."""
    now, then = cell["usd_per_request_now"], cell["usd_per_request_then"]
    yield f"{cell['route']} / {cell['task']}: ${now:.6f} a request now, ${then:.6f} then"
    if cell.get("success_then") is not None:
        was, will = cell["success_now"], cell["success_then"]
        yield f"  {was:.1%} expected to succeed now, {will:.1%} then"
    if cell.get("note_then"):
        yield f"  {cell['note_then']}"
    if cell["requests_per_day"] is not None:
        before, after = cell["daily_bill_now_usd"], cell["daily_bill_then_usd"]
        yield f"  ${before:,.2f} a day now, ${after:,.2f} then"
    yield from lines([Entry("  deployment", ("now", "then")), *_shares(cell)], width=width)


def _shares(cell: Mapping[str, Any]) -> Iterator[Entry]:
    weights = {**cell["weights_now"], **cell["weights_then"]}
    for name in sorted(weights, key=lambda name: -weights[name]):
        was, will = (cell[key].get(name, 0.0) for key in ("weights_now", "weights_then"))
        if max(was, will) >= LEAST_SHOWN:
            yield Entry(f"  {name}", (f"{was:.1%}", f"{will:.1%}"))
