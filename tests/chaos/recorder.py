"""The fault table: each row's bar, what was measured against it, and the page that shows both.

A row is a function that returns a `Finding`, in any module of `tests/chaos/rows`:

    @row("rate limit")
    async def rate_limit() -> Finding:
        seen = await ...
        finding = Finding().at_least("success", seen.success, 0.999, "%")
        return finding.at_most("calls before Retry-After", seen.early, 0)

`python -m tests.benchmarks.reliability ["rate limit" ...]` runs rows and writes the page.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tests.chaos.rows

RESULTS = Path(__file__).parents[1] / "benchmarks" / "data" / "reliability.json"

BARS = {
    "rate limit": "429 with Retry-After: success >= 99.9 %; nothing sent there before Retry-After; "
    "clients see Retry-After only when all are limited",
    "passing limits": "every provider, one or three, refuses one call of twenty with 429: "
    "success >= 99 %; nothing sent before Retry-After where one is named",
    "error burst": "500, 502, 503: success >= 99.9 %; <= 20 requests a minute to the bad one once "
    "ejected; recovery within 2 probes",
    "all failing": "all answer 503: attempts <= 1.2 x requests; p99 of an error < 2 s; "
    "memory stable",
    "hang": "no answer begins: p99 <= first-byte timeout + normal p99; success >= 99.9 %",
    "slow drip": "comments or crumbs for ever: given up at the deadline +-0.5 s, with an error in "
    "the stream",
    "truncated stream": "clean end without a finish: 0 of 1,000 look complete; every client raises",
    "reset stream": "connection reset mid-stream: 0 of 1,000 look complete; every client raises",
    "no answer": "invalid JSON, wrong type, HTML with 200: another is asked; clients see no parse "
    "error, and with no other left an error in OpenAI's shape",
    "oversize": "answers, headers, events, gzip bombs: memory grows < 50 MB; 502 in < 1 s",
    "unreachable": "refused, unknown host: success >= 99.9 %; < 50 ms added once ejected",
    "stale keep-alive": "0 client errors in 10,000 sequential requests",
    "client leaves": "the provider sees the close within 100 ms in 100 %, streamed or not; what "
    "was spent is recorded",
    "overload": "5 x capacity: p99 of accepted <= 3 x unloaded; goodput >= 90 % of peak; "
    "/healthz < 50 ms",
    "retry storm": "an SDK that retries: <= 3 attempts upstream per call of the user",
    "hedging": "optional: extra cost <= 5 %; p99 cut by >= 30 %",
    "price feed": "down, stale, garbage, price 0 or x1000: weights unchanged within 1 %; an alert; "
    "no traffic drawn to the poisoned one",
    "clock": "-1 h, +2 h, +30 d: next poll within 2 intervals; event loop never blocked > 200 ms",
    "store": "down, locked, full, read-only: 100 % of requests served for 60 s; nothing "
    "acknowledged is lost within the bound, the rest counted",
    "kill -9": "20 x under load: 0 integrity errors; lost feedback <= 1 s; beliefs within 1 %; "
    "ready < 3 s",
    "SIGTERM": "50 streams under way: 0 cut short; exit code 0; readiness turns first",
    "leader frozen": "a new leader within 2 leases; no double writes",
    "replicas": "weights differ < 2 % 10 s after one joins or leaves",
    "double feedback": "the same feedback twice: beliefs identical",
    "leaks": "soak: memory slope < 1 MB in 120,000 requests; descriptors and tasks flat",
    "history": "every acknowledged feedback once after a crash; table versions never go back: "
    "0 violations in 1,000 histories",
}
"""What each row must show, in the order of the page."""


TIMES = ("s", "ms")


@dataclass(frozen=True, slots=True)
class Check:
    """A figure and its bound, `unit` as it is printed ("%": the figure is a share)."""

    what: str
    figure: float
    sign: str
    bound: float
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.figure <= self.bound if self.sign == "<=" else self.figure >= self.bound

    def __str__(self) -> str:
        figure, bound = (shown(value, self.unit) for value in (self.figure, self.bound))
        return f"{self.what} {figure} ({self.sign} {bound})"


@dataclass(slots=True)
class Finding:
    """What a row measured: checks against bounds, and facts that have none."""

    checks: list[Check] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    is_offered: bool = True

    def at_least(self, what: str, figure: float, bound: float, unit: str = "") -> Finding:
        self.checks.append(Check(what, figure, ">=", bound, unit))
        return self

    def at_most(self, what: str, figure: float, bound: float, unit: str = "") -> Finding:
        self.checks.append(Check(what, figure, "<=", bound, unit))
        return self

    def fact(self, text: str) -> Finding:
        self.facts.append(text)
        return self

    @property
    def is_right(self) -> bool:
        """All checks hold but for those of time, which a busy machine may miss."""
        return all(each.holds for each in self.checks if each.unit not in TIMES)

    @property
    def verdict(self) -> str:
        if not self.is_offered:
            return "not offered"
        return "holds" if self.checks and all(each.holds for each in self.checks) else "missed"

    def __str__(self) -> str:
        return "; ".join([*(str(each) for each in self.checks), *self.facts])


def not_offered(why: str) -> Finding:
    return Finding(is_offered=False).fact(why)


Measure = Callable[..., Awaitable[Finding]]
ROWS: dict[str, Measure] = {}


def row(name: str) -> Callable[[Measure], Measure]:
    """Registers the function that measures this row; raises KeyError if the table has no such."""
    BARS[name]

    def register(measure: Measure) -> Measure:
        ROWS[name] = measure
        return measure

    return register


def known_rows() -> dict[str, Measure]:
    """Every row of every module in `tests/chaos/rows`, in the order of the page."""
    for module in pkgutil.iter_modules(tests.chaos.rows.__path__, "tests.chaos.rows."):
        importlib.import_module(module.name)
    return {name: ROWS[name] for name in BARS if name in ROWS}


def record(name: str, finding: Finding) -> None:
    """Keep a row's result beside those of the rows that did not run now."""
    results = recorded()
    results[name] = {"verdict": finding.verdict, "measured": str(finding)}
    in_order = {each: results[each] for each in BARS if each in results}
    RESULTS.write_text(json.dumps(in_order, indent=1, ensure_ascii=False) + "\n")


def recorded() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def page_rows() -> Iterable[tuple[str, str, str, str]]:
    """Fault, bar, measured, verdict: a line for every row of the table, measured or not."""
    results = recorded()
    for name, bar in BARS.items():
        result = results.get(name, {"measured": "not measured yet", "verdict": "open"})
        yield name, bar, result["measured"], result["verdict"]


def shown(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.2%}".replace("%", " %").replace(".00 %", " %")
    number = f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {unit}".rstrip()
