"""How the success in a report is known, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_TOLD = 12
"""Beliefs that are told one by one; `--json` has them all."""

WEAK = {
    "proxies alone": "rests on proxies alone: no label says whether they are right",
    "mere answers": "rests on mere answers: something came back, and nobody judged it",
    "lessons": "rests on past evaluations",
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
    for row in found.get("knowing", ()):
        yield _spent(row)


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
    return f"{said} says {says}, bias {bias}, λ {slope}"


def _spent(row: Mapping[str, Any]) -> str:
    usd = "unknown" if row["cost_usd"] is None else f"${row['cost_usd']:.4g}"
    return f"knowing {row['route']} by {row['by']}: {row['requests']:,} requests, {usd}"
