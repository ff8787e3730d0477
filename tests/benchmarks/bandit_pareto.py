"""Windsock against ParetoBandit 0.1.1 on ParetoBandit's own data, both sides in one run.

    python -m tests.benchmarks.bandit_pareto [SEEDS]

Fifteen budget settings, three ways of seeing a prompt, 20 seeds; writes its tables into
docs/routing_measured.md. About half an hour on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.bandit_pareto_sides import ParetoBandit, Windsock, run
from tests.benchmarks.bandit_pareto_world import SETTINGS, FloatArray, Phase, Setting, oracle
from tests.benchmarks.tables import DOCS, markdown, write_between

RIVAL_WAY = {
    "label": "features",
    "features": "features",
    "label and features": "label and features",
}
"""What ParetoBandit sees, by what windsock sees: it has no notion of a label alone."""

SEEDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One setting. reward and spend: (seeds,) by (side, way); spend over the budget, all phases."""

    setting: Setting
    reward: dict[tuple[str, str], FloatArray]
    spend: dict[tuple[str, str], FloatArray]
    oracle: float
    clairvoyant: float

    def gap(self, way: str) -> FloatArray:
        """(seeds,) windsock less ParetoBandit."""
        return self.reward["windsock", way] - self.reward["paretobandit", RIVAL_WAY[way]]


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    lines = []
    for setting in SETTINGS:
        lines.append(measure(setting, seeds))
        print(summary(lines[-1]), flush=True)
    text = f"{table(lines)}\n\n{verdict(lines, seeds)}"
    print(text)
    write_between(DOCS / "routing_measured.md", "paretobandit", text)


def measure(setting: Setting, seeds: int) -> Line:
    runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    bests = []
    for seed in range(seeds):
        phases = setting.phases(np.random.default_rng(seed))
        judged = [phase for phase in phases if phase.name in setting.judged]
        bests.append([best(judged, setting, is_clairvoyant=flag) for flag in (False, True)])
        for side, way in sides():
            made = (Windsock if side == "windsock" else ParetoBandit)(setting, way, seed)
            found = run(made, phases, np.random.default_rng(10_000 + seed))
            reward = np.concatenate([found[name][:, 0] for name in setting.judged]).mean()
            spend = np.concatenate([rows[:, 1] for rows in found.values()]).mean()
            runs.setdefault((side, way), []).append((float(reward), spend / setting.budget))
    known, clairvoyant = np.array(bests).mean(axis=0)
    return Line(
        setting=setting,
        reward={key: np.array(pairs)[:, 0] for key, pairs in runs.items()},
        spend={key: np.array(pairs)[:, 1] for key, pairs in runs.items()},
        oracle=float(known),
        clairvoyant=float(clairvoyant),
    )


def sides() -> list[tuple[str, str]]:
    rivals = sorted(set(RIVAL_WAY.values()))
    return [*(("windsock", way) for way in RIVAL_WAY), *(("paretobandit", way) for way in rivals)]


def best(phases: Sequence[Phase], setting: Setting, *, is_clairvoyant: bool) -> float:
    """The oracle's reward over several phases, each with the budget of its own."""
    weights = [len(phase.order) for phase in phases]
    found = [oracle(phase, setting.budget, is_clairvoyant=is_clairvoyant) for phase in phases]
    return float(np.average(found, weights=weights))


def table(lines: Sequence[Line]) -> str:
    head = ["setting, $/request", "ParetoBandit, features", "label and features"]
    head += [f"windsock, {way}" for way in RIVAL_WAY]
    head += ["task-level oracle", "clairvoyant", "windsock's spend over budget"]
    return markdown(head, [_row(line) for line in lines])


def _row(line: Line) -> list[str]:
    rival = [line.reward["paretobandit", way].mean() for way in ("features", "label and features")]
    ours = [line.reward["windsock", way].mean() for way in RIVAL_WAY]
    marks = [_mark(line, way) for way in RIVAL_WAY]
    spend = max(line.spend["windsock", way].mean() for way in RIVAL_WAY)
    return [
        line.setting.name,
        *(f"{value:.4f}" for value in rival),
        *(f"{value:.4f}{mark}" for value, mark in zip(ours, marks, strict=True)),
        f"{line.oracle:.4f}",
        f"{line.clairvoyant:.4f}",
        f"{spend:.3f}",
    ]


def _mark(line: Line, way: str) -> str:
    gap = float(line.gap(way).mean())
    return " (+)" if gap > 0.005 else " (-)" if gap < -0.002 else ""


def verdict(lines: Sequence[Line], seeds: int) -> str:
    gaps = np.array([[line.gap(way).mean() for way in RIVAL_WAY] for line in lines])
    stationary = [line for line in lines if line.setting.event == "stationary"]
    above = sum(
        line.reward["windsock", "label and features"].mean() > line.oracle for line in stationary
    )
    errors = [line.gap(way).std(ddof=1) / np.sqrt(seeds) for line in lines for way in RIVAL_WAY]
    spends = [
        spend.mean()
        for line in lines
        for (side, _), spend in line.spend.items()
        if side == "windsock"
    ]
    return (
        f"{seeds} seeds. (+) is above ParetoBandit by more than .005, (-) below it by more than "
        f".002. Above by more than .005: {(gaps > 0.005).sum()} of {gaps.size}; below by more than "
        f".002: {(gaps < -0.002).sum()}; the least gap is {gaps.min():+.4f}, the largest standard "
        f"error of a gap {max(errors):.4f}. Above the task-level oracle with label and features: "
        f"{above} of {len(stationary)} stationary budgets. Windsock's mean spend over the budget "
        f"is {max(spends):.3f} at most."
    )


def summary(line: Line) -> str:
    return " | ".join(_row(line))


if __name__ == "__main__":
    main()
