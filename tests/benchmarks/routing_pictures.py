"""The pictures of docs/routing.md, drawn from the rules themselves.

python -m tests.benchmarks.routing_pictures
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.tables import DOCS
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor, Objective, on_floor
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.restraint.damping import Damping
from windsock.core.policies.restraint.incumbent import Incumbent
from windsock.core.policies.rungs import Arms
from windsock.core.policies.views import CellView

WIDTH, HEIGHT, EDGE = 560, 260, 48
COLOURS = ("#2a6f97", "#e07a5f", "#3d405b", "#81b29a")
LABELS = np.geomspace(0.1, 1000.0, 60)
KNOWN = (4.0, 20.0, 100.0)

NAMES = ("small", "mid", "large")
USD = np.array([1e-4, 4e-4, 4e-3])
MEAN = np.array([0.72, 0.86, 0.93])
REWARDS = 200.0
"""Behind each belief of the example that most pictures show."""

CELL = Cell("default", "auto", "sql")


def looks() -> str:
    """How much of Thompson's share is left to an arm that seems as good but is dearer."""
    curves = {f"known as well as by {known:.0f} rewards": _kept(known) for known in KNOWN}
    return picture(
        "What is left of a look's share", "labels that are expected to come", LABELS, curves
    )


def example(incumbent: Incumbent | None = None) -> Ladder:
    """Three models, each dearer and better than the one before."""
    a, b = REWARDS * MEAN, REWARDS * (1 - MEAN)
    return Ladder(Arms(a=a, b=b, usd=USD, explore=0.02, incumbent=incumbent))


def values() -> str:
    """Who is asked at each value of a success."""
    ladder, worth = example(), np.geomspace(1e-4, 3.0, 80)
    shares = np.array([ladder.at(float(value)).weights for value in worth])
    curves = {
        f"{name}: {mean:.0%} right, ${1000 * usd:g} per 1,000": shares[:, i].tolist()
        for i, (name, mean, usd) in enumerate(zip(NAMES, MEAN, USD, strict=True))
    }
    return picture(
        "Who is asked, by what a success is worth", "V, dollars per success", worth, curves
    )


def floors() -> str:
    """Who is asked at each floor; success costs nothing below it."""
    ladder, asked = example(), np.linspace(0.72, 0.925, 60)
    found = [on_floor(ladder, Floor(success=float(floor))).rung for floor in asked]
    shares = np.array([rung.weights for rung in found])
    curves = {name: shares[:, i].tolist() for i, name in enumerate(NAMES)}
    return picture(
        "Who is asked, by the quality floor", "quality_floor", asked, curves, is_log=False
    )


def incumbents() -> str:
    """What an incumbent keeps while a cheaper one becomes known."""
    known = np.geomspace(1.0, 1000.0, 50).tolist()
    curves = {
        "better by 5 points": [_incumbent_share(n, 0.05) for n in known],
        "as good": [_incumbent_share(n, 0.0) for n in known],
        "worse by 5 points": [_incumbent_share(n, -0.05) for n in known],
    }
    title = "What an incumbent keeps beside one at half its price"
    return picture(title, "rewards of the other", known, curves)


def _incumbent_share(known: float, gain: float) -> float:
    mean, strength = np.array([0.85, 0.85 + gain]), np.array([300.0, 6.0 + known])
    served = np.array([1000.0, 0.0])
    rewards = np.array([300.0, known])
    it = Incumbent(index=0, served=served, floor=None, strength=strength, rewards=rewards)
    arms = Arms(a=mean * strength, b=(1 - mean) * strength, usd=np.array([1e-3, 5e-4]),
                labels=4 * known, incumbent=it)  # fmt: skip
    return float(Ladder(arms).at(0.1).weights[0])


def newcomers() -> str:
    """A newcomer's share as its rewards come in."""
    rewards = np.geomspace(1.0, 300.0, 40).tolist()
    curves = {
        "better and no dearer": [_newcomer_share(n, 0.95) for n in rewards],
        "as good": [_newcomer_share(n, 0.86) for n in rewards],
        "worse": [_newcomer_share(n, 0.70) for n in rewards],
    }
    return picture("A newcomer's share of a task, as its rewards come in",
                   "rewards of the newcomer", rewards, curves)  # fmt: skip


def _newcomer_share(known: float, rate: float) -> float:
    beliefs = Beliefs()
    for name, mean in (("old/a", 0.80), ("old/b", 0.86)):
        beliefs.observe_sums(CELL, name, 400.0, 400 * mean, 400 * mean, now=0.0)
    beliefs.observe_sums(CELL, "new/c", known, known * rate, known * rate, now=0.0)
    policy = PriceAware(beliefs, Objective(kind="value", usd_per_success=0.02))
    view = CellView(cell=CELL, deployments=("old/a", "old/b", "new/c"), usd=(1e-4, 2e-4, 2e-4))
    policy.refresh([view], 0.0)
    return policy.weigh(view, 0.0).weights[2]


def _kept(known: float) -> list[float]:
    mean, usd = np.full(2, 0.75), np.array([1e-4, 1e-3])
    strength = np.full(2, known)
    even = np.full(2, 0.5)
    return [
        float(2 * Damping(mean, strength, usd, labels).damped(even, 0.02)[1]) for labels in LABELS
    ]


def picture(
    title: str, along: str, x: Sequence[float], curves: dict[str, Sequence[float]],
    *, is_log: bool = True,
) -> str:  # fmt: skip
    """An SVG of curves of shares, 0..1, over an axis that is logarithmic unless told otherwise."""
    way = np.log10 if is_log else np.asarray
    left, right = float(way(x[0])), float(way(x[-1]))
    across, up = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
    parts = [_text(EDGE, 24, title, 15), _text(EDGE, HEIGHT - 8, along, 12)]
    for tick in _ticks(left, right, is_log=is_log):
        at = EDGE + across * (float(way(tick)) - left) / (right - left)
        parts.append(_text(at, HEIGHT - EDGE + 16, f"{tick:g}", 11, "middle"))
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - EDGE - up * share
        parts.append(_line([(EDGE, y), (WIDTH - EDGE, y)], "#ddd"))
        parts.append(_text(EDGE - 6, y + 4, f"{share:.0%}", 11, "end"))
    for i, (name, shares) in enumerate(curves.items()):
        points = [
            (EDGE + across * (float(way(at)) - left) / (right - left), HEIGHT - EDGE - up * share)
            for at, share in zip(x, shares, strict=True)
        ]
        parts.append(_line(points, COLOURS[i]))
        parts.append(_text(EDGE + 8, EDGE + 14 + 15 * i, name, 11, colour=COLOURS[i]))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _ticks(left: float, right: float, *, is_log: bool) -> list[float]:
    if is_log:
        return [10.0**power for power in range(int(np.ceil(left)), int(right) + 1)]
    return [round(float(tick), 2) for tick in np.arange(np.ceil(left * 20) / 20, right, 0.05)]


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(
    x: float, y: float, words: str, size: int, anchor: str = "start", colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}" stroke="white" stroke-width="3" paint-order="stroke">{words}</text>'
    )


def main() -> None:
    for draw in (values, floors, incumbents, newcomers, looks):
        (DOCS / "assets" / f"{draw.__name__}.svg").write_text(draw())


if __name__ == "__main__":
    main()
