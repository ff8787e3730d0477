"""What requests would have cost at one deployment: the mean cost there of requests like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Line = Mapping[str, Any]
"""A line of `store.queries.report`."""

Kind = tuple[str, str]
"""(route, task): requests of one kind are compared with each other."""

LEAST_SEEN = 20
"""Requests of known cost from which on their mean stands for others of their kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What one request of each kind costs at the baseline.

    seen        the mean of those it answered within the span, where they are LEAST_SEEN or more
    expected    of other kinds: what it would cost at today's prices with what is known of its
                answers; kinds in neither are not compared
    judged, success     by kind: its requests that were judged, and rewards for each of them
    """

    seen: Mapping[Kind, float]
    expected: Mapping[Kind, float] = field(default_factory=dict)
    judged: Mapping[Kind, int] = field(default_factory=dict)
    success: Mapping[Kind, float] = field(default_factory=dict)

    def usd(self, kind: Kind) -> float | None:
        """Of one request; None where nothing is known."""
        return self.seen.get(kind, self.expected.get(kind))


@dataclass(slots=True)
class Compared:
    """A group of requests beside the baseline.

    requests            those whose cost is known and whose kind it can serve
    cost_usd            theirs
    baseline_usd        what they would have cost
    seen                of them, those whose kind the baseline answered often enough
    judged, success     as many judged ones, and what of them the baseline would have got right
    rests_on            by kind, the judged requests of the baseline by which that is known
    """

    requests: int = 0
    cost_usd: float = 0.0
    baseline_usd: float = 0.0
    seen: int = 0
    judged: int = 0
    success: float = 0.0
    rests_on: dict[Kind, int] = field(default_factory=dict)

    def take(self, line: Line, baseline: Baseline) -> None:
        """Add the requests of one kind."""
        kind = (line["route"], line["task"])
        known, usd = line["requests"] - line["unknown_cost"], baseline.usd(kind)
        if usd is None or not known:
            return
        self.requests += known
        self.cost_usd += line["cost_nano_usd"] / 1e9
        self.baseline_usd += usd * known
        self.seen += known if kind in baseline.seen else 0
        if kind in baseline.success and line["judged"]:
            self.judged += line["judged"]
            self.success += baseline.success[kind] * line["judged"]
            self.rests_on[kind] = baseline.judged[kind]

    @property
    def saved_usd(self) -> float | None:
        """Below 0 where the baseline would have been cheaper; None where nothing is compared."""
        return self.baseline_usd - self.cost_usd if self.requests else None

    @property
    def success_rate(self) -> float | None:
        """Of the baseline, over as many judged requests of the same kinds; None: not judged."""
        return self.success / self.judged if self.judged else None


def baseline_of(
    lines: Sequence[Line],
    named: Callable[[str], str | None],
    expected_usd: Callable[[Kind, str], float | None],
) -> Baseline:
    """The baseline of a span.

    lines           its requests by route, task and deployment
    named           route -> the deployment that is the baseline there, if any
    expected_usd    (kind, deployment) -> dollars of one request, if they are known
    """
    kinds = {(line["route"], line["task"]) for line in lines}
    own = {
        (line["route"], line["task"]): line
        for line in lines
        if line["deployment"] == named(line["route"])
    }
    judged = {kind: line for kind, line in own.items() if line["judged"]}
    seen = {kind: usd for kind, line in own.items() if (usd := _mean_usd(line)) is not None}
    return Baseline(
        seen=seen,
        expected={
            kind: usd
            for kind in kinds - seen.keys()
            if (name := named(kind[0])) is not None
            and (usd := expected_usd(kind, name)) is not None
        },
        judged={kind: line["judged"] for kind, line in judged.items()},
        success={kind: line["successes"] / line["judged"] for kind, line in judged.items()},
    )


def _mean_usd(line: Line) -> float | None:
    known: int = line["requests"] - line["unknown_cost"]
    return line["cost_nano_usd"] / 1e9 / known if known >= LEAST_SEEN else None


def compared(lines: Sequence[Line], by: str, baseline: Baseline) -> dict[str | None, Compared]:
    """Each group of `by` beside the baseline; `lines` are by that, route and task at least."""
    found: dict[str | None, Compared] = {}
    for line in lines:
        found.setdefault(line[by], Compared()).take(line, baseline)
    return found
