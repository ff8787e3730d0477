"""What was spent and delivered in any span of time: requests, calls, bills, delay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Engine

from windsock.core.model.requests import owner_key
from windsock.store.compact.totals import Totals, totals, totals_by_step
from windsock.store.rollups.keeping import call_sums, request_sums
from windsock.store.rollups.money import usd
from windsock.store.rollups.sums import MICRO, NANO, Series, Sums

K = TypeVar("K", bound=Hashable)
Group = tuple[str | None, ...]
Lines = list[dict[str, Any]]

PERCENTS = (50, 95)

GROUPS: Mapping[str, Callable[[Series], str]] = {
    **{name: attrgetter(name) for name in ("task", "route", "deployment", "namespace", "key_id")},
    "key": lambda series: owner_key(series.key_id),
}
"""What a report can be grouped by; a key is whose it is, a key_id also tells about whom windsock
asked by itself."""


def report(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str] = ("task", "deployment", "key"),
    namespace: str | None = None,
) -> Lines:
    """Finished requests of a span of time, grouped by task, deployment (that served), route, key.

    requests, answered, attempts, judged     counts
    unknown_cost            requests whose cost is not known, and in no sum of costs
    cost_usd                exact sum of the others, Decimal, None without one; cost_nano_usd the
                            same in rounded billionths
    successes               sum of rewards, each judged request once: the mean of the last word on
                            each matter (metric, source, key)
    prompt_tokens, cached_tokens, completion_tokens     of the answers that were given
    mean_latency_s          of answered requests

    raises  KeyError if `by` names anything else, StoreError
    """
    check_groups(by)
    return _report(totals(engine, since=since, until=until, parts=(request_sums,)), by, namespace)


def report_by_step(
    engine: Engine,
    *,
    since: float,
    until: float,
    step_s: float,
    by: Sequence[str],
    namespace: str | None = None,
) -> list[Lines]:
    """The same of each step of [since, until), which are whole minutes."""
    check_groups(by)
    found = totals_by_step(
        engine, since=since, until=until, step_s=step_s, has_delays=False, parts=(request_sums,)
    )
    return [_report(each, by, namespace) for each in found]


def _report(found: Totals, by: Sequence[str], namespace: str | None) -> Lines:
    sums = grouped(found.requests, by, namespace)
    lines = [_line(group, sums[group], by) for group in in_order(sums) if sums[group]["requests"]]
    return lines or ([] if by else [_line((), Counter(), by)])


def attempts_report(engine: Engine, *, since: float, until: float | None = None) -> Lines:
    """Calls by deployment and how they ended, of all namespaces: calls, mean_latency_s."""
    return _attempts(totals(engine, since=since, until=until, parts=(call_sums,)))


def health_by_step(
    engine: Engine, *, since: float, until: float, step_s: float
) -> list[tuple[Lines, Lines]]:
    """Of each step of [since, until), which are whole minutes, in all namespaces:
    `attempts_report`, and how long answers took: deployment, p50_latency_s, p95_latency_s.

    The percentiles are by nearest rank, to two digits and the millisecond, of the hours that the
    step touches.
    """
    found = totals_by_step(engine, since=since, until=until, step_s=step_s, has_delays=True)
    return [(_attempts(each), _delays(each)) for each in found]


def _delays(found: Totals) -> Lines:
    sums = grouped(found.requests, ("deployment",), None)
    answered = [name or "" for (name,) in in_order(sums) if sums[name,]["answered"]]
    return [
        {
            "deployment": name,
            **{f"p{each}_latency_s": nearest_rank(delays, each) for each in PERCENTS},
        }
        for name, delays in ((name, found.delays[name]) for name in answered)
    ]


def _attempts(found: Totals) -> Lines:
    calls: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for series, sums in found.calls.items():
        calls[series.deployment, series.kind].update(sums)
    return [
        {
            "deployment": deployment,
            "kind": kind,
            "calls": sums["calls"],
            "mean_latency_s": sums["latency_us"] / sums["calls"] / MICRO,
        }
        for (deployment, kind), sums in sorted(calls.items())
        if sums["calls"]
    ]


def bills_report(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str] = ("deployment",),
    namespace: str | None = None,
) -> Lines:
    """Calls that were billed, grouped by task, deployment (that was called), route, key.

    bills, billed_usd, counted_usd      those believed whose use has a price here, and both sums
    doubted_bills, doubted_usd          those that are in no sum, and what they said

    Sums are exact Decimals. raises  KeyError if `by` names anything else, StoreError
    """
    check_groups(by)
    return _bills(totals(engine, since=since, until=until, parts=(call_sums,)), by, namespace)


def _bills(found: Totals, by: Sequence[str], namespace: str | None) -> Lines:
    sums = grouped(_with(found.calls, "bills", "doubted_bills"), by, namespace)
    return [
        {
            **dict(zip(by, group, strict=True)),
            **{name: sums[group][name] for name in ("bills", "doubted_bills")},
            **{f"{name}_usd": usd(sums[group][name]) for name in ("billed", "counted", "doubted")},
        }
        for group in in_order(sums)
    ]


def _uncalled(found: Totals, by: Sequence[str], namespace: str | None) -> Lines:
    """Requests that no provider was asked for; those refused have no deployment."""
    sums = grouped(_with(found.requests, "refused", "cache_hits"), by, namespace)
    return [
        {
            **dict(zip(by, group, strict=True)),
            **{name: sums[group][name] for name in ("refused", "cache_hits")},
            "saved_usd": usd(sums[group]["saved"]),
        }
        for group in in_order(sums)
    ]


def _with(sums: Mapping[Series, Sums], *names: str) -> dict[Series, Sums]:
    """Those that have any of these counts, which are few."""
    return {each: found for each, found in sums.items() if any(found.get(name) for name in names)}


class Accounts(NamedTuple):
    """A span of time as of one moment, for the price of one of these.

    rows, bills     see `report` and `bills_report`
    uncalled        requests that no provider was asked for: refused, cache_hits, saved_usd
    further         `rows` by other groups, where they are asked for
    """

    rows: Lines
    bills: Lines
    uncalled: Lines
    further: Lines


def accounts(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str],
    further: Sequence[str] = (),
    namespace: str | None = None,
) -> Accounts:
    """Raises KeyError if `by` names what a report cannot be grouped by, StoreError."""
    check_groups(by)
    found = totals(engine, since=since, until=until, billed_alone=True)
    return Accounts(
        rows=_report(found, by, namespace),
        bills=_bills(found, by, namespace),
        uncalled=_uncalled(found, by, namespace),
        further=_report(found, further, namespace) if further else [],
    )


def check_groups(by: Sequence[str]) -> None:
    """Raises KeyError for what a report cannot be grouped by."""
    for name in by:
        GROUPS[name]


def grouped(
    sums: Mapping[Series, Mapping[K, int]], by: Sequence[str], namespace: str | None
) -> dict[Group, Counter[K]]:
    """Sums of series, of one namespace where one is named, by group; None: of none."""
    found: dict[Group, Counter[K]] = defaultdict(Counter)
    named = [GROUPS[name] for name in by]
    for series, added in sums.items():
        if namespace is None or series.namespace == namespace:
            found[tuple([name(series) or None for name in named])].update(added)
    return found


def in_order(groups: Mapping[Group, Any]) -> Iterator[Group]:
    """By name, those without one first."""
    yield from sorted(groups, key=lambda group: [name or "" for name in group])


def _line(group: Group, sums: Counter[str], by: Sequence[str]) -> dict[str, Any]:
    counts = ("requests", "answered", "attempts", "unknown_cost", "judged")
    tokens = ("prompt_tokens", "cached_tokens", "completion_tokens")
    is_known = not sums["unknown_cost"] or sums["unknown_cost"] < sums["requests"]
    answered = sums["answered"]
    spent = usd(sums["cost"]) if is_known else None
    return {
        **dict(zip(by, group, strict=True)),
        **{name: sums[name] for name in (*counts, *tokens)},
        "cost_usd": spent,
        "cost_nano_usd": None if spent is None else round(spent * NANO),
        "successes": sums["success_nano"] / NANO,
        "mean_latency_s": sums["latency_us"] / answered / MICRO if answered else None,
    }


def nearest_rank(delays: Counter[int], percent: int) -> float | None:
    """Seconds within which so many percent were answered; None without any."""
    left = (delays.total() * percent + 99) // 100
    for ms, requests in sorted(delays.items()):
        left -= requests
        if left <= 0:
            return ms / 1000
    return None
