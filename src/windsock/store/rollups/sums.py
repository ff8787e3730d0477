"""What a finished request, and what nobody was asked for, adds to the sums. The only place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeVar

from windsock.core.model.calls import CallKind, CallResult, Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage, received_in, sent_in
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

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Finished requests, as nobody has judged them."""
        alike: defaultdict[tuple[Cell, str | None, str, int], list[Outcome]] = defaultdict(list)
        for each in outcomes:
            decision = each.decision
            served = each.served or decision.deployment
            minute = int(decision.at // SPANS_S[0])
            alike[decision.cell, decision.key_id, served, minute].append(each)
        for (cell, key_id, served, _), some in alike.items():
            self._add(series_in(cell, key_id, served), minute_of(some[0].decision.at), some)

    def _add(self, series: Series, at: int, outcomes: Sequence[Outcome]) -> None:
        hour, who = at // SPANS_S[1] * SPANS_S[1], answering(series.deployment)
        lasted_s = [each.lasted_s for each in outcomes if each.ok]
        for ms, requests in Counter(map(two_digits_ms, lasted_s)).items():
            self.delays[who, hour, ms] += requests
        add_up(self.requests, (series, at), _requests(outcomes, lasted_s))
        calls: defaultdict[tuple[str, CallKind], list[CallResult]] = defaultdict(list)
        for each in outcomes:
            for result in each.results:
                calls[result.attempt.deployment, result.kind].append(result)
            if each.results and _is_cost_of_old(each):
                last = series._replace(kind=each.results[-1].kind.value)
                add_up(self.calls, (last, at), {"cost": pico_usd(each.cost_usd or NOTHING)})
        for (deployment, kind), results in calls.items():
            called = series._replace(deployment=deployment, kind=kind.value)
            add_up(self.calls, (called, at), _calls(results))

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


def tally_of(records: Iterable[object]) -> Tally:
    """Of a batch, as nobody has judged it; raises what a number raises that is none."""
    tally, finished = Tally(), []
    for record in records:
        if isinstance(record, Outcome):
            finished.append(record)
        elif isinstance(record, Uncalled):
            tally.leave_aside(record)
    tally.add(finished)
    return tally


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
    return _two_digits(int(min(max(seconds, 0.0), MAX_LATENCY_S) * 1000 + 0.5))


@lru_cache(maxsize=4096)
def _two_digits(ms: int) -> int:
    unit: int = 10 ** max(0, len(str(ms)) - 2)
    return (ms + unit // 2) // unit * unit


def success_nano(values: Iterable[float]) -> int | None:
    """The mean of the last words on each matter, in billionths; None without any. What is not of
    0..1 by far is cut, for no column would hold it."""
    said = [round(max(-NANO, min(NANO, value)) * NANO) for value in values]
    return round(Decimal(sum(said)) / len(said)) if said else None


def _requests(outcomes: Sequence[Outcome], lasted_s: Sequence[float]) -> dict[str, int]:
    costs = [each.cost_usd for each in outcomes]
    return {
        "requests": len(outcomes),
        "answered": len(lasted_s),
        "attempts": sum(len(each.results) for each in outcomes),
        "unknown_cost": costs.count(None),
        "cost": _pico_usd(costs),
        "latency_us": _us(lasted_s),
        **_tokens([each.usage for each in outcomes]),
    }


def _calls(results: Sequence[CallResult]) -> dict[str, int]:
    billed: Counter[str] = Counter()
    for each in results:
        if each.billed_usd:
            billed.update(_bill(each))
    return {
        "calls": len(results),
        "latency_us": _us([each.latency_s for each in results]),
        "cost": _pico_usd([each.cost_usd for each in results]),
        **_tokens([each.usage for each in results]),
        **billed,
    }


def _is_cost_of_old(outcome: Outcome) -> bool:
    """Known only of the whole request: from before costs of calls were kept one by one."""
    if outcome.results[0].cost_usd is not None or not outcome.cost_usd:
        return False
    return all(each.cost_usd is None for each in outcome.results)


def _pico_usd(costs: Sequence[Decimal | None]) -> int:
    return sum([pico_usd(each) for each in costs if each])


def _bill(result: CallResult) -> dict[str, int]:
    billed = result.billed_usd
    if not billed or billed <= 0:
        return {}
    if result.is_bill_doubted:
        return {"doubted_bills": 1, "doubted": pico_usd(billed)}
    if not result.counted_usd or result.counted_usd <= 0:
        return {}
    return {"bills": 1, "billed": pico_usd(billed), "counted": pico_usd(result.counted_usd)}


def _tokens(usages: Sequence[Usage | None]) -> dict[str, int]:
    known = [each for each in usages if each is not None]
    if not known:
        return {}
    return {
        "prompt_tokens": sum(chain.from_iterable(map(sent_in, known))),
        "cached_tokens": sum([each.cache_read_tokens for each in known]),
        "completion_tokens": sum(chain.from_iterable(map(received_in, known))),
    }


def _us(seconds: Sequence[float]) -> int:
    within = seconds
    if seconds and not 0.0 <= min(seconds) <= max(seconds) <= MAX_LATENCY_S:
        within = [min(max(each, 0.0), MAX_LATENCY_S) for each in seconds]
    return sum([round(each * MICRO) for each in within])
