"""What a finished request, and what nobody was asked for, adds to the sums. The only place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeVar

from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.store.rollups.money import pico_usd
from windsock.store.rollups.uncalled import Uncalled, UncalledKind

K = TypeVar("K")

SPANS_S = (60, 3600, 86_400)
"""Each divides the next; the moments at which they begin are whole multiples of them, UTC."""

NANO, MICRO, MAX_LATENCY_S = 10**9, 10**6, 10.0**6
MAX_AT = 2**62
NOTHING = Decimal(0)


class Series(NamedTuple):
    """Whose sums they are; see `SeriesRow`."""

    namespace: str
    route: str
    task: str
    key_id: str = ""
    deployment: str = ""
    kind: str = ""


Sums = dict[str, int]
"""By the names of columns; dollars whole, as `cost`, `saved`, `billed`, `counted`, `doubted`, in
millionths of a millionth."""


@dataclass(slots=True)
class Tally:
    """Sums by series and moment, to the minute."""

    requests: dict[tuple[Series, int], Sums] = field(default_factory=dict)
    calls: dict[tuple[Series, int], Sums] = field(default_factory=dict)
    delays: Counter[tuple[Series, int, int]] = field(default_factory=Counter)
    """Requests by who answered and milliseconds, to the hour."""

    def add(self, outcome: Outcome) -> None:
        """A finished request, as nobody has judged it."""
        decision = outcome.decision
        at = minute_of(decision.at)
        series = series_of(outcome)
        if outcome.ok:
            hour = at // SPANS_S[1] * SPANS_S[1]
            ms = two_digits_ms(outcome.finished_at - decision.at)
            self.delays[answering(series.deployment), hour, ms] += 1
        add_up(self.requests, (series, at), _request(outcome))
        for result in outcome.results:
            add_up(self.calls, (_called(series, result), at), _call(result))
        if outcome.results and _is_cost_of_old(outcome):
            last = series._replace(kind=outcome.results[-1].kind.value)
            add_up(self.calls, (last, at), {"cost": pico_usd(outcome.cost_usd or NOTHING)})

    def judge(self, series: Series, at: float, before: int | None, after: int | None) -> None:
        """The success of a request, in billionths, is another now; None: nobody judges it."""
        change = {
            "judged": (after is not None) - (before is not None),
            "success_nano": (after or 0) - (before or 0),
        }
        add_up(self.requests, (series, minute_of(at)), change)

    def by_step(self, since: float, step_s: float) -> dict[int, Tally]:
        """Parts by the number of their step, of those that begin at `since`; without delays."""
        found: defaultdict[int, Tally] = defaultdict(Tally)
        for name in ("requests", "calls"):
            for key, sums in getattr(self, name).items():
                getattr(found[int((key[1] - since) // step_s)], name)[key] = sums
        return found

    def leave_aside(self, entry: Uncalled) -> None:
        """Requests that no provider was asked for."""
        series = Series(
            entry.namespace, entry.route, entry.task, entry.key_id or "", entry.deployment
        )
        name = "refused" if entry.kind is UncalledKind.REFUSED else "cache_hits"
        added = {name: entry.requests, "saved": pico_usd(entry.saved_usd)}
        add_up(self.requests, (series, minute_of(entry.at)), added)


def add_up(sums: dict[K, Sums], key: K, added: Mapping[str, int]) -> None:
    """Add to the sums of a key; what is added stays as it is."""
    known = sums.get(key)
    if known is None:
        sums[key] = dict(added)
        return
    for name, number in added.items():
        known[name] = known.get(name, 0) + number


def minute_of(at: float) -> int:
    """The beginning of its minute."""
    return max(-MAX_AT, min(MAX_AT, int(at // SPANS_S[0]) * SPANS_S[0]))


def series_of(outcome: Outcome) -> Series:
    """Of a request: by who answered, else by who was drawn."""
    decision = outcome.decision
    return series_in(decision.cell, decision.key_id, outcome.served or decision.deployment)


def series_in(cell: Cell, key_id: str | None = None, deployment: str = "") -> Series:
    """Of a cell."""
    return Series(*cell.stored, key_id or "", deployment)


def answering(deployment: str) -> Series:
    """Of all that a deployment answered, whoever asked: by which delays are kept."""
    return Series("", "", "", deployment=deployment)


def two_digits_ms(seconds: float) -> int:
    """Whole milliseconds of at most two digits that are not 0, rounded half up."""
    ms = int(min(max(seconds, 0.0), MAX_LATENCY_S) * 1000 + 0.5)
    unit: int = 10 ** max(0, len(str(ms)) - 2)
    return (ms + unit // 2) // unit * unit


def success_nano(values: Iterable[float]) -> int | None:
    """The mean of the last words on each matter, in billionths; None without any. What is not of
    0..1 by far is cut, for no column would hold it."""
    said = [round(max(-NANO, min(NANO, value)) * NANO) for value in values]
    return round(Decimal(sum(said)) / len(said)) if said else None


def _request(outcome: Outcome) -> dict[str, int]:
    return {
        "requests": 1,
        "answered": int(outcome.ok),
        "attempts": len(outcome.results),
        "unknown_cost": int(outcome.cost_usd is None),
        "cost": pico_usd(outcome.cost_usd or NOTHING),
        "latency_us": _us(outcome.finished_at - outcome.decision.at) if outcome.ok else 0,
        **_tokens(outcome.usage),
    }


def _call(result: CallResult) -> dict[str, int]:
    return {
        "calls": 1,
        "latency_us": _us(result.latency_s),
        "cost": pico_usd(result.cost_usd or NOTHING),
        **_tokens(result.usage),
        **_bill(result),
    }


def _called(series: Series, result: CallResult) -> Series:
    return Series(*series[:4], result.attempt.deployment, result.kind.value)


def _is_cost_of_old(outcome: Outcome) -> bool:
    """Known only of the whole request: from before costs of calls were kept one by one."""
    return bool(outcome.cost_usd) and all(each.cost_usd is None for each in outcome.results)


def _bill(result: CallResult) -> dict[str, int]:
    billed = result.billed_usd
    if not billed or billed <= 0:
        return {}
    if result.is_bill_doubted:
        return {"doubted_bills": 1, "doubted": pico_usd(billed)}
    if not result.counted_usd or result.counted_usd <= 0:
        return {}
    return {"bills": 1, "billed": pico_usd(billed), "counted": pico_usd(result.counted_usd)}


def _tokens(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    return {
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cache_read_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def _us(seconds: float) -> int:
    return round(min(max(seconds, 0.0), MAX_LATENCY_S) * MICRO)
