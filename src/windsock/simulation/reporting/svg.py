"""Charts as SVG text: lines, steps, stacks and axes. Colours are classes of the style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, SMALL, LEFT, RIGHT, TOP, BOTTOM = 920, 360, 62, 14, 10, 26

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where numbers fall. x: hours from 0 to `hours`; y: from `low` to `high`, perhaps by its log.

    step_h      a number holds for so long, hours
    """

    width: int = WIDTH
    height: int
    hours: float
    step_h: float
    low: float
    high: float
    is_log: bool = False

    def x(self, hour: float) -> float:
        """Pixels from the left of a value of x."""
        return round(LEFT + (self.width - LEFT - RIGHT) * hour / self.hours, 1)

    def y(self, value: float) -> float:
        """Pixels from the top of a value of y."""
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low))
        share = (value - low) / ((high - low) or 1.0)
        return round(self.height - BOTTOM - (self.height - BOTTOM - TOP) * share, 1)


def chart(frame: Frame, name: str, parts: Sequence[str]) -> str:
    """A picture with a name for those who do not see it."""
    return (
        f'<svg viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{escape(name)}" '
        f'data-left="{LEFT}" data-right="{frame.width - RIGHT}" data-hours="{frame.hours:g}">'
        + "".join(parts)
        + f'<line class="cursor" x1="0" x2="0" y1="{TOP}" y2="{frame.height - BOTTOM}"/></svg>'
    )


def steps(frame: Frame, hours: Sequence[float], values: Numbers, colour: int) -> str:
    """A line that jumps where the number does."""
    points: list[tuple[float, float]] = []
    runs = [points]
    for hour, value in zip(hours, values, strict=True):
        if value is None:
            points = []
            runs.append(points)
            continue
        points += [(hour, value), (min(hour + frame.step_h, frame.hours), value)]
    return "".join(_path(frame, run, f"line {dash(colour)}", colour) for run in runs if run)


def line(frame: Frame, hours: Sequence[float], values: Numbers, colour: int, kind: str = "") -> str:
    """A line through what is known at the end of each slice."""
    known = [
        (min(hour + frame.step_h, frame.hours), value)
        for hour, value in zip(hours, values, strict=True)
        if value is not None
    ]
    return _path(frame, known, f"line {kind or dash(colour)}", colour)


def stack(
    frame: Frame, hours: Sequence[float], columns: Sequence[Numbers]
) -> Iterator[tuple[int, str]]:
    """(column, area) of shares that sum to 1, the first at the bottom; gaps keep what was."""
    below = [0.0] * len(hours)
    for k, column in enumerate(columns):
        above = []
        last = 0.0
        for base, value in zip(below, column, strict=True):
            last = value if value is not None else last
            above.append(base + last)
        if max(b - a for a, b in zip(below, above, strict=True)) > 0.002:
            yield k, _area(frame, hours, below, above, k)
        below = above


def x_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> str:
    """Ticks and their words below a frame."""
    base, right = frame.height - BOTTOM, frame.width - RIGHT
    texts = [
        f'<text class="tick" x="{frame.x(hour)}" y="{base + 17}" '
        f'text-anchor="{"end" if frame.x(hour) > right - 20 else "middle"}">{escape(text)}</text>'
        for hour, text in ticks
    ]
    return f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{base}" y2="{base}"/>' + "".join(texts)


def y_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> str:
    """Lines and their words left of a frame."""
    return "".join(
        f'<line class="rule" x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{frame.y(at)}" '
        f'y2="{frame.y(at)}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{frame.y(at) + 4}" text-anchor="end">{escape(text)}'
        "</text>"
        for at, text in ticks
    )


def marks(frame: Frame, hours: Sequence[float]) -> str:
    """Where something happened."""
    return "".join(
        f'<line class="event" x1="{frame.x(hour)}" x2="{frame.x(hour)}" y1="{TOP}" '
        f'y2="{frame.height - BOTTOM}"/>'
        for hour in hours
    )


def dash(colour: int) -> str:
    """Colours start over after eight, with another dash."""
    return f"d{(colour // 8 + colour) % 4}"


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within the range; fewer if those are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
    if len(found) <= 6:
        return found
    return [each for each in found if math.isclose(math.log10(each) % 1, 0, abs_tol=1e-9)]


def even_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within the range."""
    span = (high - low) or 1.0
    unit = 10.0 ** math.floor(math.log10(span / most))
    step = next(unit * m for m in (1, 2, 5, 10, 20) if span / (unit * m) <= most)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _path(frame: Frame, points: Sequence[tuple[float, float]], kind: str, colour: int) -> str:
    drawn = " L".join(f"{frame.x(hour)} {frame.y(value)}" for hour, value in _corners(points))
    return f'<path class="{kind} c{colour % 8}" d="M{drawn}"/>' if drawn else ""


def _corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Without the middle ones of a level stretch."""
    return [
        point
        for i, point in enumerate(points)
        if not (0 < i < len(points) - 1 and points[i - 1][1] == point[1] == points[i + 1][1])
    ]


def _area(
    frame: Frame, hours: Sequence[float], below: Sequence[float], above: Sequence[float], k: int
) -> str:
    top = [(hour, value) for hour, value in zip(hours, above, strict=True)]
    floor = [(hour, value) for hour, value in zip(hours, below, strict=True)]
    edge = [*_stepped(frame, top), *reversed(_stepped(frame, floor))]
    drawn = " L".join(f"{frame.x(hour)} {frame.y(value)}" for hour, value in edge)
    return f'<path class="area c{k % 8}{" again" if k >= 8 else ""}" d="M{drawn}Z"/>'


def _stepped(frame: Frame, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    doubled = [
        each
        for hour, value in points
        for each in ((hour, value), (min(hour + frame.step_h, frame.hours), value))
    ]
    return _corners(doubled)
