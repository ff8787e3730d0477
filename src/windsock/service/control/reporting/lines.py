"""Groups of a report: spend, bills, and success where it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from itertools import chain
from typing import Any

Lines = list[dict[str, Any]]
Place = tuple[Any, ...]
"""A group: what it is of each name that is grouped by."""

NOTHING = {
    **dict.fromkeys(("requests", "answered", "attempts", "unknown_cost", "judged"), 0),
    **dict.fromkeys(("cost_usd", "cost_nano_usd", "successes", "mean_latency_s")),
}
"""Of a group without requests."""

BILLED = ("billed_usd", "counted_usd", "bill_ratio", "doubted_usd")


SUMS = frozenset(
    ("requests", "answered", "attempts", "unknown_cost", "cost_usd", "cost_nano_usd", "judged",
     "successes", "bills", "billed_usd", "counted_usd", "doubted_bills", "doubted_usd", "refused",
     "cache_hits", "saved_usd")
)  # fmt: skip
"""Of the store's lines: what adds up."""


def busiest_lines(
    rows: Lines, bills: Lines, uncalled: Lines, by: tuple[str, ...], most: int
) -> tuple[Lines, dict[str, Any] | None]:
    """So many groups with most requests, in their order, and one line of all others, if any.

    groups      of that line, how many those are
    """
    requests = {_place(row, by): row["requests"] for row in rows}
    places = dict.fromkeys(_place(row, by) for row in chain(rows, bills, uncalled))
    if len(places) <= most:
        return report_lines(rows, bills, uncalled, by), None
    told = set(nlargest(most, places, key=lambda place: requests.get(place, 0)))

    def parted(lines: Lines) -> tuple[Lines, Lines]:
        parts: tuple[Lines, Lines] = [], []
        for line in lines:
            parts[_place(line, by) not in told].append(line)
        return parts

    (rows, served), (bills, billed), (uncalled, left) = map(parted, (rows, bills, uncalled))
    wait = {"mean_latency_s": _mean_latency_s(served)}
    sums = [{**line, **wait} for line in summed(served, ())]
    (others,) = report_lines(sums, summed(billed, ()), summed(left, ()), ())
    return report_lines(rows, bills, uncalled, by), {"groups": len(places) - most, **others}


def summed(rows: Sequence[dict[str, Any]], by: tuple[str, ...]) -> Lines:
    """Lines of fewer groups: counts and dollars add up; what no line knows stays unknown."""
    found: dict[Place, dict[str, Any]] = {}
    names_in: dict[Place, list[str]] = {}
    for row in rows:
        place = _place(row, by)
        into = found.get(place)
        if into is None:
            into = found[place] = dict(zip(by, place, strict=True))
        names = names_in.get(columns := tuple(row))
        if names is None:
            names = names_in[columns] = [name for name in row if name in SUMS]
        for name in names:
            had, more = into.get(name), row[name]
            into[name] = more if had is None else had if more is None else had + more
    return list(found.values())


def _place(row: dict[str, Any], by: tuple[str, ...]) -> Place:
    return tuple([row[name] for name in by])


def _mean_latency_s(rows: Lines) -> float | None:
    answered = sum(row["answered"] for row in rows)
    waited_s = sum(row["answered"] * (row["mean_latency_s"] or 0.0) for row in rows)
    return waited_s / answered if answered else None


def report_lines(rows: Lines, bills: Lines, uncalled: Lines, by: tuple[str, ...]) -> Lines:
    """Groups with what was billed there, and what was refused or answered from the cache.

    One that was called and served nothing has no requests; nor has one that nobody was asked for.
    """
    by_place = {tuple(row[name] for name in by): row for row in rows}
    billed = {tuple(row[name] for name in by): row for row in bills}
    aside = {tuple(row[name] for name in by): row for row in uncalled}
    return [
        {
            **report_line(by_place.get(place) or {**dict(zip(by, place, strict=True)), **NOTHING}),
            **bill_facts(billed.get(place)),
            **uncalled_facts(aside.get(place)),
        }
        for place in dict.fromkeys([*by_place, *billed, *aside])
    ]


def uncalled_facts(row: dict[str, Any] | None) -> dict[str, Any]:
    """Requests that no provider was asked for, which are in no other sum."""
    if row is None:
        return {"refused": 0, "cache_hits": 0, "saved_usd": 0.0}
    return {
        **{name: row[name] for name in ("refused", "cache_hits")},
        "saved_usd": float(row["saved_usd"]),
    }


def bill_facts(row: dict[str, Any] | None) -> dict[str, Any]:
    """What providers said they charged beside what was counted of the same calls, at our prices."""
    if row is None:
        return {**dict.fromkeys(("bills", "doubted_bills"), 0), **dict.fromkeys(BILLED)}
    billed, counted = float(row["billed_usd"]), float(row["counted_usd"])
    return {
        "bills": row["bills"],
        "billed_usd": billed if row["bills"] else None,
        "counted_usd": counted if row["bills"] else None,
        "bill_ratio": billed / counted if counted else None,
        "doubted_bills": row["doubted_bills"],
        "doubted_usd": float(row["doubted_usd"]) if row["doubted_bills"] else None,
    }


def report_line(row: dict[str, Any]) -> dict[str, Any]:
    """One group: spend, success where it was judged, and cost per success.

    Requests of unknown cost are in `unknown_cost` and in no sum; dollars are null where there is
    no other request.
    """
    judged, successes = row["judged"] or 0, float(row["successes"] or 0.0)
    requests = row["requests"]
    priced = requests - row["unknown_cost"]
    cost_usd = None if row["cost_usd"] is None else row["cost_nano_usd"] / 1e9
    rate = successes / judged if judged else None
    expected = rate * priced if rate else None
    known = ("route", "task", "deployment", "key")
    return {
        **{name: row[name] for name in known if name in row},
        "requests": requests,
        "answered": row["answered"],
        "retry_rate": (row["attempts"] - requests) / requests if requests else None,
        "cost_usd": cost_usd,
        "unknown_cost": row["unknown_cost"],
        "judged": judged,
        "success_rate": rate,
        "cost_per_success_usd": cost_usd / expected if expected and cost_usd is not None else None,
        "mean_latency_s": row["mean_latency_s"],
    }
