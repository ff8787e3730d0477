"""The pictures of docs/routing.md, drawn from the rules themselves.

python -m tests.benchmarks.routing_pictures
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.tables import DOCS
from windsock.core.policies.restraint.damping import Damping

WIDTH, HEIGHT, EDGE = 560, 260, 48
COLOURS = ("#2a6f97", "#e07a5f", "#3d405b", "#81b29a")
LABELS = np.geomspace(0.1, 1000.0, 60)
KNOWN = (4.0, 20.0, 100.0)


def looks() -> str:
    """How much of Thompson's share is left to an arm that seems as good but is dearer."""
    curves = {f"known as well as by {known:.0f} rewards": _kept(known) for known in KNOWN}
    return picture(
        "What is left of a look's share", "labels that are expected to come", LABELS, curves
    )


def _kept(known: float) -> list[float]:
    mean, usd = np.full(2, 0.75), np.array([1e-4, 1e-3])
    strength = np.full(2, known)
    even = np.full(2, 0.5)
    return [
        float(2 * Damping(mean, strength, usd, labels).damped(even, 0.02)[1]) for labels in LABELS
    ]


def picture(title: str, along: str, x: Sequence[float], curves: dict[str, Sequence[float]]) -> str:
    """An SVG of curves of shares, 0..1, over a logarithmic axis."""
    left, right = np.log10(x[0]), np.log10(x[-1])
    across, up = WIDTH - 2 * EDGE, HEIGHT - 2 * EDGE
    parts = [_text(EDGE, 24, title, 15), _text(EDGE, HEIGHT - 8, along, 12)]
    for power in range(int(np.ceil(left)), int(right) + 1):
        at = EDGE + across * (power - left) / (right - left)
        parts.append(_text(at, HEIGHT - EDGE + 16, f"{10.0**power:g}", 11, "middle"))
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - EDGE - up * share
        parts.append(_line([(EDGE, y), (WIDTH - EDGE, y)], "#ddd"))
        parts.append(_text(EDGE - 6, y + 4, f"{share:.0%}", 11, "end"))
    for i, (name, shares) in enumerate(curves.items()):
        points = [
            (EDGE + across * (np.log10(at) - left) / (right - left), HEIGHT - EDGE - up * share)
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


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _text(
    x: float, y: float, words: str, size: int, anchor: str = "start", colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}">{words}</text>'
    )


def main() -> None:
    (DOCS / "assets" / "looks.svg").write_text(looks())


if __name__ == "__main__":
    main()
