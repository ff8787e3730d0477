"""Weights and decisions in a terminal, from the answers of a running service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from rich.live import Live
from rich.text import Text

from windsock.cli.layout import Entry, age, lines, show, terminal, usd, wrapped
from windsock.cli.service_client import Client, NothingAnswers

WATCH_S = 2.0
"""Between two looks at weights that are watched."""

JsonObject = dict[str, Any]


class Asked(NamedTuple):
    """Whose weights; None is every one. tokens: size of the prompt, of all sizes together."""

    route: str | None = None
    task: str | None = None
    tokens: int | None = None


ALL = Asked()


def show_weights(service: Client, asked: Asked = ALL, *, as_json: bool = False) -> None:
    """Every route and task asked for."""
    found = _weights(service, asked)
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        show(terminal(), _cells(found))


def watch_weights(service: Client, asked: Asked = ALL, *, as_json: bool = False) -> None:
    """The same anew when it changes, until Ctrl-C; in a terminal in place, else below each other.

    A service that does not answer for a while is waited for, once it has answered.
    """
    found = _weights(service, asked)
    if as_json or not terminal().is_terminal:
        for each in _changes(found, service, asked):
            _print_change(each, as_json=as_json)
        return
    with Live(console=terminal(), auto_refresh=False, vertical_overflow="visible") as live:
        for each, note in _looks(found, service, asked):
            live.update(Text("\n".join([*_cells(each), note]), no_wrap=True), refresh=True)


def _weights(service: Client, asked: Asked) -> JsonObject:
    params = {name: value for name, value in asked._asdict().items() if value}
    found: JsonObject = service.ask("/v1/weights", params=params)
    return found


def _looks(found: JsonObject, service: Client, asked: Asked) -> Iterator[tuple[JsonObject, str]]:
    """Weights every WATCH_S, and what is to be said below them."""
    while True:
        yield found, f"at {time.strftime('%H:%M:%S')}; Ctrl-C ends it"
        time.sleep(WATCH_S)
        try:
            found = _weights(service, asked)
        except NothingAnswers as error:
            yield found, str(error)
            time.sleep(WATCH_S)


def _changes(found: JsonObject, service: Client, asked: Asked) -> Iterator[JsonObject]:
    """Weights whose shares are others than those before."""
    last: object = None
    for each, _ in _looks(found, service, asked):
        shares = [[arm["weight"] for arm in cell["candidates"]] for cell in each["data"]]
        if shares != last:
            yield each
        last = shares


def _print_change(found: JsonObject, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found), flush=True)
    else:
        show(terminal(), [time.strftime("%H:%M:%S"), *_cells(found)])


def _cells(found: JsonObject) -> Iterator[str]:
    for number, cell in enumerate(found["data"]):
        yield from [""] * bool(number)
        yield from weights_lines(cell, width=terminal().width)
    if others := found.get("others"):
        yield from ("", f"{others:,} more tasks with less evidence: --task NAME shows one")


def weights_lines(cell: JsonObject, *, width: int) -> Iterator[str]:
    """One route and task: who gets what share, and below each name what holds it there."""
    head = Entry(
        f"{cell['route']} / {cell['task']}",
        ("weight", "success", "n", "$/request"),
        "90 % interval of success, $ per million in and out, feed, age, limits",
    )
    arms = sorted(cell["candidates"], key=lambda arm: -arm["weight"])
    ruled_out = [Entry(name, ("out",), reason) for name, reason in cell["ruled_out"].items()]
    why = f"decided by {cell['decided_by']}" if cell.get("decided_by") else ""
    more = further_words(cell["further"]) if "search" in cell.get("decided_by", "") else ""
    told = (size_words(cell.get("size")), why, cell["note"], more)
    yield from wrapped("; ".join(filter(None, told)), width=width, indent="")
    yield from lines([head, *map(_arm, arms), *ruled_out], width=width)


def size_words(size: JsonObject | None) -> str:
    """Which prompts weights are for, where a task has several classes of size."""
    if size is None:
        return ""
    bounds = f"{size['from_tokens']:,} to {size['below_tokens'] - 1:,} tokens"
    return f"for prompts of {bounds}, {size['share']:.0%} of the requests"


def further_words(further: Sequence[JsonObject]) -> str:
    """What each further hundredth of success would cost; empty where there is none."""
    steps = (
        f"${each['usd_per_1000_per_point']:.3g} up to {each['success_to']:.3f} with "
        f"{each['deployment']}"
        for each in further
    )
    told = ", ".join(steps)
    return f"each further point costs, per 1,000 requests, {told}" if told else ""


def _arm(arm: JsonObject) -> Entry:
    figures = (
        f"{arm['weight']:.1%}",
        f"{arm['success_mean']:.3f}",
        f"{arm['effective_samples']:.0f}",
        usd(float(f"{arm['expected_usd']:.3g}")),
    )
    return Entry(arm["deployment"], figures, "; ".join(_arm_facts(arm)))


def _arm_facts(arm: JsonObject) -> Iterator[str]:
    low, high = arm["success_interval"]
    yield f"{low:.2f}-{high:.2f}"
    price = arm["price"]
    prices = [usd(price[f"{side}_usd_per_mtok"]) or "?" for side in ("input", "output")]
    said = " ".join(filter(None, (price["feed"], age(price["age_s"]))))
    yield f"${prices[0]} ${prices[1]}" + (f" {said}" if said else "")
    if arm["limits"]:
        yield ", ".join(arm["limits"])


def show_decision(service: Client, decision: str, *, as_json: bool) -> None:
    """One decision: what was asked, the weights, the draw from them, and what came of it."""
    told = service.ask(f"/v1/decisions/{quote(decision, safe='')}")
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        show(terminal(), decision_lines(told, width=terminal().width))


def decision_lines(told: JsonObject, *, width: int) -> Iterator[str]:
    """The same in lines."""
    when, draw = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(told["at"])), told["draw"]
    facts = [
        f"{told['deployment']} for {told['requested_model']!r}, task {told['task']!r}, at {when} "
        f"UTC, with probability {told['propensity']:.6f}",
        f"the draw {draw['u']:.6f}, made again from the weights below, gives {draw['gives']}",
    ]
    yield from _paragraphs(facts, width)
    if told["table"]:
        yield from ("", *weights_lines(told["table"], width=width), "")
    if told.get("conversation"):
        yield from ("", *_conversation(told["conversation"], width), "")
    yield from _paragraphs(_came_of_it(told), width)


def _came_of_it(told: JsonObject) -> Iterator[str]:
    """The calls, the cost and the judgements."""
    for attempt in told.get("attempts") or ():
        adapted = ", ".join(attempt.get("adapted") or ())
        yield (
            f"{attempt['reason']} {attempt['deployment']}: {attempt['kind']} in "
            f"{attempt['latency_s']:.2f} s" + (f", adapted {adapted}" if adapted else "")
        )
    if "cost_usd" in told:
        dollars = told["cost_usd"]
        cost = "unknown cost" if dollars is None else f"cost ${dollars:.8f}"
        yield f"{cost}, served by {told['served']}"
    for each in told["feedback"]:
        yield f"judged {each['value']:g} by {each['source']}"


def _conversation(told: JsonObject, width: int) -> Iterator[str]:
    """What is known of a conversation, and what it would cost where."""
    home = told["home"] or "nobody yet"
    words = (
        f"turn {told['turn']} of conversation {told['session']} (named by {told['kind']}), last "
        f"answered by {home}; about {told['turns_left']:.0f} turns are still to come"
    )
    yield from _paragraphs([words], width)
    columns = ("held", "hit rate", "turn $", "later $", "saves $")
    note = "tokens its cache holds, this turn, later turns, what the cache saves"
    seats = [_seat(seat) for seat in told["seats"]]
    yield from lines([Entry("deployment", columns, note), *seats], width=width)


def _seat(seat: JsonObject) -> Entry:
    dollars = (f"{seat[name]:.6f}" for name in ("turn_usd", "next_usd", "saved_usd"))
    figures = (str(seat["held_tokens"]), f"{seat['hit_rate']:.0%}", *dollars)
    return Entry(seat["deployment"], figures)


def _paragraphs(facts: Iterable[str], width: int) -> Iterator[str]:
    for fact in facts:
        yield from wrapped(fact, width=width, indent="")
