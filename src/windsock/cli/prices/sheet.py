"""One deployment's price on a page: by meter, size, service tier and hour, and who says what."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from windsock.cli.layout import INDENT, Entry, age, lines, usd, wrapped
from windsock.service.control.prices.wording import PIECES, unit_price

DAYS = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

OF_TEXT = ("cache_read", "cache_write", "cache_write_1h", "reasoning")
"""Meters that any model of text may have."""

METER, FIGURE = 20, 12
"""Characters of a meter's name and of one price."""

JsonObject = dict[str, Any]


def sheet(price: JsonObject, *, width: int) -> Iterator[str]:
    """The lines to print of a row of /v1/prices."""
    pieces = ", ".join(m.replace("_", " ") for m in price["usd_per_mtok"] if m in PIECES)
    yield f"{price['deployment']}, $ per million tokens" + (
        f"; $ a piece: {pieces}" if pieces else ""
    )
    for fact in _standing(price):
        yield from wrapped(fact, width=width)
    yield from _blocks(price, width)
    others = ", ".join(f"{m} as {at}" for m, at in price["billed_as"].items() if m in OF_TEXT)
    if others:
        yield ""
        yield from wrapped(f"without a price of their own: {others}".replace("_", " "), width=width)
    for fact in _later(price):
        yield ""
        yield from wrapped(fact, width=width)
    yield from _voices(price, width)


def _standing(price: JsonObject) -> Iterator[str]:
    """Sentences on whose word it is and how sure."""
    if not price["is_priced"]:
        yield f"no price: {price['reason']}"
        if price["nearest"]:
            yield f"feeds list {', '.join(price['nearest'])}"
        return
    stale = ", stale" if price["is_stale"] else ""
    yield f"in force as {price['feed']} says of {price['feed_model']}, " + (
        f"last confirmed {age(price['age_s'])} ago{stale}"
    )
    if price["is_provisional"]:
        yield f"provisional until {_day(price['provisional_until'])}: {price['provisional_reason']}"
    if price["disputed_by"]:
        yield f"disputed by {', '.join(price['disputed_by'])}"
    if price["dearer_by"]:
        why = f"by {price['measured_by']}" if price["measured_by"] else "while lists differ"
        why = why if not price["is_stale"] else "and more each day that nothing confirms it"
        yield f"taken to cost {price['dearer_by']:+.1%} than stated, {why}"
    if price["is_bounded"]:
        yield "may draw a bounded share of requests only, since nothing comparable speaks for it"
    for more in price["adjustments"]:
        source = f" ({more['source']})" if more["source"] else ""
        yield f"{more['reason'].replace('_', ' ')} {more['share']:+.1%}{source}, in all prices here"
    if price["vanished_from"]:
        yield f"no longer listed by {', '.join(price['vanished_from'])}"
    doubted = price["doubted"] or {"bills": 0}
    if doubted["bills"]:
        yield f"{doubted['bills']} bills were not believed since the start"


def _blocks(price: JsonObject, width: int) -> Iterator[str]:
    """A block for each service tier and hour, its sizes side by side, as many as there is room."""
    ages = {said["feed"]: said["age_s"] for said in price["statements"]}
    most = max(1, (width - METER) // FIGURE)
    for _, group in groupby(price["lines"], key=_term):
        sizes = list(group)
        for start in range(0, len(sizes), most):
            yield ""
            yield from _block(price, sizes[start : start + most], ages, width)


def _term(line: JsonObject) -> tuple[str | None, list[int]]:
    return line["service_tier"], line["open_windows"]


def _block(
    price: JsonObject, shown: Sequence[JsonObject], ages: dict[str, float], width: int
) -> Iterator[str]:
    title = ", ".join([shown[0]["service_tier"] or "standard", *_hours(price, shown[0])])
    bounds = _bounds(price)
    sizes = tuple(_size(line["from_prompt_tokens"], bounds) for line in shown)
    meters = dict.fromkeys(meter for line in shown for meter in line["usd_per_mtok"])
    entries = [
        Entry(_words(meter), _figures(meter, shown), _from(meter, shown, ages)) for meter in meters
    ]
    yield title
    yield from lines([Entry(f"{INDENT}prompt", sizes), *entries], width=width, figure=FIGURE)


def _words(meter: str) -> str:
    return INDENT + meter.replace("_", " ")


def _figures(meter: str, shown: Sequence[JsonObject]) -> tuple[str, ...]:
    found = (line["usd_per_mtok"].get(meter) for line in shown)
    return tuple(usd(unit_price(meter, price)) for price in found)


def _from(meter: str, shown: Sequence[JsonObject], ages: dict[str, float]) -> str:
    """Feeds that state these prices, and when they last did."""
    feeds = dict.fromkeys(line["feed_by_meter"].get(meter) for line in shown)
    return ", ".join(f"{feed} {age(ages.get(feed))}".rstrip() for feed in feeds if feed)


def _bounds(price: JsonObject) -> dict[int, str]:
    """By the smallest prompt of a size, its bound in words."""
    bounds = {each["min_prompt_tokens"]: each["is_strict"] for each in price["tiers"]}
    bounds |= {each["min_prompt_tokens"]: True for each in price["windows"]}
    return {
        least + is_strict: f"above {_tokens(least)}" if is_strict else f"from {_tokens(least)}"
        for least, is_strict in bounds.items()
        if least
    }


def _size(least: int, bounds: dict[int, str]) -> str:
    if least:
        return bounds.get(least, f"from {_tokens(least)}")
    return "smaller" if bounds else "any"


def _tokens(count: int) -> str:
    for size, unit in ((1_000_000, "M"), (1000, "k")):
        if count % size == 0:
            return f"{count // size}{unit}"
    return f"{count:,}"


def _hours(price: JsonObject, line: JsonObject) -> Iterator[str]:
    """When a line holds, and whether that is now; nothing if it always does."""
    windows = price["windows"]
    if not windows:
        return
    places = line["open_windows"]
    yield " and ".join(_window(windows[place]) for place in places) or "other hours"
    if places == [n for n, window in enumerate(windows) if window["is_open"]]:
        yield "now"


def _window(window: JsonObject) -> str:
    days = window["days"]
    is_run = len(days) > 2 and days == list(range(days[0], days[-1] + 1))
    named = [DAYS[days[0]], DAYS[days[-1]]] if is_run else [DAYS[day] for day in days]
    when = "" if len(days) == 7 else ("-" if is_run else " ").join(named) + " "
    return f"{when}{window['start']}-{window['end']} {window['timezone']}"


def _voices(price: JsonObject, width: int) -> Iterator[str]:
    """What every feed says, and what is held."""
    if price["statements"]:
        yield ""
        head = Entry("said by", ("in $/M", "out $/M", "age", "trust"), "stands")
        yield from lines([head, *map(_voice, price["statements"])], width=width)
    for held in price["held"]:
        until = f", or {_day(held['needs_until'])} comes" if held["needs_until"] else ""
        polls = (
            f"{held['polls']} of {held['needs_polls']} polls"
            if held["needs_polls"]
            else f"until a second feed, a bill or a person says so{until}"
        )
        yield from wrapped(f"held: {held['feed']} {held['reason']}; {polls}", width=width)


def _later(price: JsonObject) -> Iterator[str]:
    """Prices that take effect at a date."""
    for later in price["scheduled"]:
        usd_of = ", ".join(
            f"{meter.replace('_', ' ')} {usd(unit_price(meter, cost))}"
            for meter, cost in later["usd_per_mtok"].items()
        )
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(later["valid_from"]))
        yield f"from {at} UTC on, says {later['feed']}: {usd_of}"


def _voice(said: JsonObject) -> Entry:
    prices = said["usd_per_mtok"]
    figures = (usd(prices.get("input")), usd(prices.get("output")), age(said["age_s"]))
    terms = [
        *said["service_tiers"],
        *["size"] * bool(said["tiers"]),
        *["hour"] * bool(said["windows"]),
    ]
    alone = ", unconfirmed" if said["is_provisional"] else ""
    note = said["stands"] + alone + (f", by {' '.join(terms)}" if terms else "")
    return Entry(f"{INDENT}{said['feed']}", (*figures, f"{said['trust']:g}"), note)


def _day(at: float | None) -> str:
    return "it is confirmed" if at is None else time.strftime("%Y-%m-%d", time.gmtime(at))
