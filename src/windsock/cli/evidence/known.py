"""How the success in a report is known, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_TOLD = 12
"""Beliefs that are told one by one, and places that knowing was paid for; `--json` has them all."""

LEAST_LOST = 0.05
"""Successes that are told; fewer would be told as 0.0."""

WEAK = {
    "proxies alone": "rests on proxies alone: no label says whether they are right",
    "mere answers": "rests on mere answers: something came back, and nobody judged it",
    "lessons": "rests on past evaluations, for the most part",
    "public figures": "rests on public figures",
    "nothing": "rests on nothing yet",
}


def known_words(found: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a report's `known` and `knowing`; none where it has none."""
    rows: Sequence[Mapping[str, Any]] = found.get("known", ())
    weak = sum(row["basis"] != "judged" for row in rows)
    if rows:
        yield f"how success is known: {len(rows) - weak} of {len(rows)} beliefs rest on labels"
    for row in rows[:MOST_TOLD]:
        yield _belief(row)
    spent: Sequence[Mapping[str, Any]] = found.get("knowing", ())
    for row in spent:
        yield f"knowing {row['route']} by {_spent(row)}"
    places = [(row["route"], cell) for row in spent for cell in row["cells"] if cell["cost_usd"]]
    places.sort(key=lambda place: -place[1]["cost_usd"])
    for route, cell in places[:MOST_TOLD]:
        where = f"{cell['task']}, {cell['deployment']}" if cell["task"] else "not kept where"
        yield f"{route} / {where}: by {_spent(cell)}"


def _belief(row: Mapping[str, Any]) -> str:
    low, high = row["success_interval"]
    place = f"{row['route']} / {row['task']}, {row['deployment']}"
    facts = [f"{row['success_mean']:.0%} ({low:.0%} to {high:.0%})"]
    if row["basis"] in WEAK:
        facts.append(WEAK[row["basis"]])
    return "; ".join([f"{place}: {facts[0]}", *facts[1:], *map(_source, row["sources"])])


def _source(each: Mapping[str, Any]) -> str:
    """A label by its number; a proxy with what is learnt of it."""
    said = f"{each['source']} {each['rewards']:.0f}"
    if each["kind"] == "label":
        return said
    bias = "unknown" if each["bias"] is None else f"{100 * each['bias']:+.0f} points"
    slope = "unknown" if each["slope"] is None else f"{each['slope']:.2f}"
    says = "unknown" if each["says"] is None else f"{each['says']:.1f} rewards"
    low, high = each["interval"] or (None, None)
    alone = "unknown" if low is None else f"{low:.0%} to {high:.0%}"
    return f"{said} says {says}, bias {bias}, λ {slope}, success {alone}"


def _spent(row: Mapping[str, Any]) -> str:
    """What one way to know cost, and what that bought where anything is known of it."""
    usd = "unknown" if row["cost_usd"] is None else f"${row['cost_usd']:.4g}"
    unit = "request" if row["requests"] == 1 else "requests"
    facts = [f"{row['by']}: {row['requests']:,} {unit}, {usd}"]
    for name, unit in (("usd_per_reward", "a reward"), ("usd_per_halving", "a halved interval")):
        if row.get(name) is not None:
            facts.append(f"${row[name]:.4g} {unit}")
    if (row.get("lost_successes") or 0.0) >= LEAST_LOST:
        facts.append(f"{row['lost_successes']:.1f} successes lost")
    return ", ".join(facts)
