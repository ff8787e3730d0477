"""`windsock frontier`: cost against success at each wish, as the running service believes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from windsock.cli.foresight.plot import Mark, plot
from windsock.cli.layout import Entry, lines, show, terminal, wrapped
from windsock.cli.service_client import Client

Prospect = Mapping[str, Any]

LEAST_SHARE = 0.05
"""Of a weight that is told in a line."""

HEADS = {
    "today": "",
    "deployment": "",
    "quality": "quality =",
    "floor": "quality_floor =",
    "value": "usd_per_success =",
}
"""What stands before a name, by kind, in the order in which they are shown."""

MARKS = {"today": "*", "value": ".", "floor": "-"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def show_frontier(service: Client, route: str | None, *, task: str | None, as_json: bool) -> None:
    """Ask and print."""
    asked = {name: value for name, value in (("route", route), ("task", task)) if value}
    found = service.ask("/v1/frontier", params=asked)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for number, each in enumerate(found["data"]):
        show(terminal(), [""] * bool(number))
        show(terminal(), frontier_lines(each, width=terminal().width))


def frontier_lines(found: Mapping[str, Any], *, width: int) -> Iterator[str]:
    """One route: the picture over all its traffic, then each wish, then each task in short."""
    prospects = found["over_route"]
    if not prospects:
        yield f"{found['route']}: nobody can serve it"
        return
    yield from wrapped(_about(found), width=width, indent="")
    yield ""
    marks = _marks(prospects)
    points = [
        Mark(marks[_key(each)], _usd(each), each["success"])
        for each in prospects
        if each["kind"] != "floor"
    ]
    yield from plot(points, width=width, across="$ per 1,000 requests", up="success")
    yield ""
    yield from lines([_head(), *_entries(prospects, marks, found)], width=width)
    if len(found["by_task"]) > 1:
        yield ""
        yield from lines([_task_head(), *map(_task_entry, found["by_task"])], width=width)


def _about(found: Mapping[str, Any]) -> str:
    words = [f"{found['route']}: what each wish would cost and deliver, by what is believed now"]
    if found["reference"]:
        words.append(
            f"quality is measured by {found['reference']['deployment']}, or who else may be the "
            f"reference: ${found['reference']['likely_usd_per_success']:.3g} a success"
        )
    if not sum(task["rewards"] for task in found["by_task"]):
        words.append("nobody has judged an answer yet, so that success is a guess")
    if found["tasks"] > len(found["by_task"]):
        words.append(f"the {len(found['by_task'])} busiest of {found['tasks']} tasks")
    return "; ".join(words)


def _head() -> Entry:
    return Entry("wish", ("success", "90 % from", "to", "$/1000"), "who gets how much")


def _entries(
    prospects: Sequence[Prospect], marks: Mapping[tuple[str, str], str], found: Mapping[str, Any]
) -> Iterator[Entry]:
    for kind, head in HEADS.items():
        for each in prospects:
            if each["kind"] == kind:
                name = " ".join(filter(None, (marks[_key(each)], head, each["name"])))
                yield Entry(name, _figures(each), "; ".join(_notes(each, found)))


def _figures(each: Prospect) -> tuple[str, ...]:
    low, high = each["success_interval"]
    return f"{each['success']:.3f}", f"{low:.3f}", f"{high:.3f}", f"{_usd(each):.4g}"


def _notes(each: Prospect, found: Mapping[str, Any]) -> Iterator[str]:
    if each["kind"] == "deployment":
        if each["name"] == found["incumbent"]:
            yield "the incumbent"
        if each["traffic_share"] < 1 - 1e-9:
            yield f"of the {each['traffic_share']:.0%} of traffic that it can serve"
        return
    if each["kind"] == "value":
        return
    if not each["is_held"]:
        yield "not certain, or out of reach"
    shares = sorted(each["weights"].items(), key=lambda pair: -pair[1])
    told = [f"{name} {weight:.0%}" for name, weight in shares if weight >= LEAST_SHARE]
    yield ", ".join(told)


def _task_head() -> Entry:
    return Entry("task", ("traffic", "rewards", "success", "$/1000"), "today")


def _task_entry(task: Mapping[str, Any]) -> Entry:
    today = next(each for each in task["prospects"] if each["kind"] == "today")
    share, rewards = f"{task['traffic_share']:.1%}", f"{task['rewards']:.0f}"
    return Entry(task["task"], (share, rewards, f"{today['success']:.3f}", f"{_usd(today):.4g}"))


def _marks(prospects: Sequence[Prospect]) -> dict[tuple[str, str], str]:
    """A letter for each point of the picture."""
    letters, found = iter(LETTERS), {}
    for each in prospects:
        if each["kind"] == "deployment":
            mark = next(letters, "+")
        elif each["kind"] == "quality":
            mark = each["name"][0].upper()
        else:
            mark = MARKS[each["kind"]]
        found[_key(each)] = mark
    return found


def _key(each: Prospect) -> tuple[str, str]:
    return each["kind"], each["name"]


def _usd(each: Prospect) -> float:
    return float(each["usd_per_request"]) * 1000.0
