"""What `windsock prices` prints, from the answers of a service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from windsock.cli.layout import Entry, age, lines, show, terminal, usd
from windsock.cli.prices.sheet import sheet
from windsock.cli.service_client import Client


def show_prices(service: Client, *, as_json: bool = False) -> None:
    """Prices in force, USD per million tokens, with feed and age."""
    found = service.ask("/v1/prices")["data"]
    if as_json:
        _print_json(found)
        return
    head = Entry("deployment", ("in $/M", "out $/M", "cached", "age"))
    show(terminal(), lines([head, *map(_entry, found)], width=terminal().width))


def show_price(service: Client, deployment: str, *, as_json: bool = False) -> None:
    """One price by meter, size, service tier and hour, with every voice."""
    (price,) = service.ask("/v1/prices", params={"deployment": deployment})["data"]
    if as_json:
        _print_json(price)
    else:
        show(terminal(), sheet(price, width=terminal().width))


def show_history(service: Client, deployment: str, *, as_json: bool = False) -> None:
    """Every accepted quote of a deployment, as the service orders them."""
    answer = service.ask("/v1/prices/history", params={"deployment": deployment})
    if as_json:
        _print_json(answer["data"])
        return
    quotes = [
        Entry(moment(each["seen_at"]), in_and_out(each), f"{each['feed']} as {each['feed_model']}")
        for each in answer["data"]
    ]
    show(
        terminal(),
        lines([Entry("seen (UTC)", ("in $/M", "out $/M")), *quotes], width=terminal().width),
    )


def show_quarantine(service: Client, *, as_json: bool = False) -> None:
    """Quotes that are held, and why."""
    held = service.ask("/v1/prices/quarantine")["data"]
    if as_json:
        _print_json(held)
        return
    if not held:
        terminal().print("No quote is held.")
        return
    entries = [
        Entry(
            each["deployment"],
            (*in_and_out(each), str(each["polls"])),
            f"{each['feed']}: {each['reason']}",
        )
        for each in held
    ]
    head = Entry("deployment", ("in $/M", "out $/M", "polls"))
    show(terminal(), lines([head, *entries], width=terminal().width))


def rule(
    service: Client, verdict: str, deployment: str, feed: str, *, as_json: bool = False
) -> None:
    """Approve or reject a held quote; `verdict` is the word for it in the path."""
    path = f"/v1/prices/quarantine/{verdict}"
    answer = service.ask(path, method="POST", json={"deployment": deployment, "feed": feed})
    if as_json:
        _print_json(answer)
    else:
        done = {"approve": "approved", "reject": "rejected"}[verdict]
        show(terminal(), [f"{deployment} as quoted by {feed}: {done}"])


def moment(at: float) -> str:
    """UTC, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def in_and_out(priced: dict[str, Any]) -> tuple[str, str]:
    """The two prices that every chat model has, empty where it has none."""
    prices = priced["usd_per_mtok"]
    return usd(prices.get("input")), usd(prices.get("output"))


def _entry(price: dict[str, Any]) -> Entry:
    cached = usd(price["usd_per_mtok"].get("cache_read"))
    figures = (*in_and_out(price), cached, age(price["age_s"]))
    return Entry(price["deployment"], figures, "; ".join(_notes(price)))


def _notes(price: dict[str, Any]) -> Iterator[str]:
    """What is special about a price, the most important first."""
    if not price["is_priced"]:
        yield f"no price: {price['reason']}"
        if price["nearest"]:
            yield f"feeds list {', '.join(price['nearest'])}"
    else:
        yield f"{price['feed']} as {price['feed_model']}"
        for piece in ("request", "image"):
            if fee := price["usd_per_mtok"].get(piece):
                yield f"${usd(fee / 1e6)} a {piece}"
    if price["is_stale"]:
        yield "stale"
    if price["is_provisional"]:
        yield "provisional"
    if price["disputed_by"]:
        yield f"disputed by {', '.join(price['disputed_by'])}"
    if price["is_priced"] and price["held"]:
        yield f"held: {', '.join(each['feed'] for each in price['held'])}"
    if price["vanished_from"]:
        yield f"no longer listed by {', '.join(price['vanished_from'])}"
    yield from _terms(price)


def _terms(price: dict[str, Any]) -> Iterator[str]:
    by = [
        word
        for word, holds in (
            ("prompt size", price["has_tiers"]),
            ("the hour", price["has_windows"]),
        )
        if holds
    ]
    if by:
        yield f"by {' and '.join(by)}"
    if price["service_tiers"]:
        yield f"tiers {', '.join(price['service_tiers'])}"


def _print_json(found: Any) -> None:
    print(json.dumps(found, indent=2))
