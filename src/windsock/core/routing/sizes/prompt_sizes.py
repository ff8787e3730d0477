"""How long the prompts of a cell are: classes of size that share one value of a success.

What a request costs hangs on its prompt, so a dear deployment may be the better buy for a short one
and not for a long one. Classes are learnt from a cell's own traffic and stand for a while, so
that weights do not move with every request; a cell whose prompts are about alike is one class.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import ceil, log, log2
from typing import Any

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import PromptSizes
from windsock.core.model.requests import Cell

CLASSES = 5
"""Of prompt size in a cell, each with about as many requests."""

LONGEST = 32_768
"""Prompts from this size on are costed one by one, since price tiers may apply to them."""

BINS_AN_OCTAVE = 4
BINS = BINS_AN_OCTAVE * 15

ENOUGH = 100.0
"""Requests from which on the sizes of a cell are known."""

HORIZON = 2000.0
"""Requests of a cell that are remembered; when there are more, all count half."""

AFTER_MOST = 1000.0
"""Requests after which classes are drawn anew at the latest; before, when half as many came."""

LEAST_SPREAD = 0.5
"""Standard deviation of the logarithm of sizes below which prompts are about alike."""

FIRST_FACTOR_REQUESTS = 5.0
"""Requests' worth of the cell's own ratio of counted to estimated tokens in a deployment's."""

MOST_CELLS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeClasses:
    """Classes of prompts of one cell, from short to long.

    borders     (classes - 1,) estimated tokens at which the next class begins
    shares      (classes,) part of the cell's requests; they sum to 1
    means       (classes,) mean estimated tokens
    factors     tokens counted for each that was estimated, by deployment
    factor      the same over all of them
    """

    borders: tuple[int, ...]
    shares: tuple[float, ...]
    means: tuple[float, ...]
    factors: Mapping[str, float]
    factor: float

    def of(self, prompt_tokens: int) -> int | None:
        """The class of a prompt; None where its size is not known, or it is very long."""
        if not 0 < prompt_tokens < LONGEST:
            return None
        return bisect_right(self.borders, prompt_tokens)

    def tokens(self, index: int, deployment: str) -> float:
        """Tokens that a deployment counts for a prompt of a class, on average."""
        return self.means[index] * self.factors.get(deployment, self.factor)

    def told(self, index: int) -> PromptSizes:
        """A class as tables tell it."""
        edges = (0, *self.borders, LONGEST)
        return PromptSizes(
            from_tokens=edges[index], below_tokens=edges[index + 1], share=self.shares[index]
        )


@dataclass(slots=True)
class _Sizes:
    """What is known of one cell.

    counts, tokens  (BINS,) requests, and their estimated tokens
    held            requests, the sum of `counts`
    used            (tokens counted, tokens estimated, requests) by deployment
    seen, due       requests so far, and those at which classes are drawn next
    """

    counts: list[float] = field(default_factory=lambda: [0.0] * BINS)
    tokens: list[float] = field(default_factory=lambda: [0.0] * BINS)
    held: float = 0.0
    used: dict[str, list[float]] = field(default_factory=dict)
    seen: float = 0.0
    due: float = ENOUGH
    classes: SizeClasses | None = None

    def observe(self, deployment: str, estimated: float, counted: float, requests: float) -> None:
        if counted:
            sums = self.used.get(deployment)
            if sums is None:
                sums = self.used[deployment] = [0.0, 0.0, 0.0]
            sums[0] += requests * counted
            sums[1] += requests * estimated
            sums[2] += requests
        place = min(BINS - 1, int(BINS_AN_OCTAVE * log2(max(1.0, estimated))))
        self.counts[place] += requests
        self.tokens[place] += requests * estimated
        self.seen += requests
        self.held += requests
        if self.held > HORIZON:
            self.counts, self.tokens = _halved(self.counts), _halved(self.tokens)
            self.held = sum(self.counts)
            self.used = {name: _halved(sums) for name, sums in self.used.items()}
        if self.seen >= self.due:
            self.due = self.seen + min(AFTER_MOST, self.seen / 2)
            self.classes = self._drawn()

    def _drawn(self) -> SizeClasses | None:
        if _spread(self.counts) < LEAST_SPREAD:
            return None
        bounds = _bounds(self.counts)
        parts = [slice(*pair) for pair in zip((0, *bounds), (*bounds, BINS), strict=True)]
        counts = [sum(self.counts[part]) for part in parts]
        tokens = [sum(self.tokens[part]) for part in parts]
        counted, estimated, requests = (
            sum(sums[i] for sums in self.used.values()) for i in range(3)
        )
        factor = counted / estimated if estimated else 1.0
        mean = FIRST_FACTOR_REQUESTS * (estimated / requests if requests else 1.0)
        return SizeClasses(
            borders=tuple(ceil(2 ** (bound / BINS_AN_OCTAVE)) for bound in bounds),
            shares=tuple(count / sum(counts) for count in counts),
            means=tuple(t / n for t, n in zip(tokens, counts, strict=True)),
            factors={
                name: (c + mean * factor) / (e + mean) for name, (c, e, _) in self.used.items()
            },
            factor=factor,
        )


def _halved(values: list[float]) -> list[float]:
    return [value / 2 for value in values]


def _spread(counts: list[float]) -> float:
    """Standard deviation of the logarithm of sizes."""
    total = sum(counts)
    mean = sum(i * n for i, n in enumerate(counts)) / total
    variance = sum((i - mean) ** 2 * n for i, n in enumerate(counts)) / total
    return float(variance**0.5) * log(2) / BINS_AN_OCTAVE


def _bounds(counts: list[float]) -> list[int]:
    """Bins at which classes begin, so that each has about as many requests; none is empty."""
    bounds: list[int] = []
    total, seen, left = sum(counts), 0.0, 0.0
    for i, count in enumerate(counts):
        seen += count
        wanted = total * (len(bounds) + 1) / CLASSES
        if seen - left > 0 and seen >= wanted and seen < total and len(bounds) < CLASSES - 1:
            bounds.append(i + 1)
            left = seen
    return bounds


class PromptSizeBook:
    """The sizes of every cell's prompts, as estimated before they are sent."""

    def __init__(self) -> None:
        self._cells: dict[Cell, _Sizes] = {}

    def of(self, cell: Cell) -> SizeClasses | None:
        """Classes of a cell; None where its prompts are about alike, or few were seen."""
        found = self._cells.get(cell)
        return None if found is None else found.classes

    def observe(
        self, cell: Cell, deployment: str, estimated: int, counted: int, requests: float = 1.0
    ) -> None:
        """So many requests of `estimated` prompt tokens were answered, `counted` as the bill says.

        Long ones say nothing of the others, and a size that nobody knows says nothing.
        """
        if not 0 < estimated < LONGEST:
            return
        sizes = self._cells.pop(cell) if cell in self._cells else _Sizes()
        self._cells[cell] = sizes
        if len(self._cells) > MOST_CELLS:
            del self._cells[next(iter(self._cells))]
        sizes.observe(deployment, estimated, counted, requests)

    def observe_outcome(self, outcome: Outcome) -> None:
        """A request has ended; a size that was only estimated says nothing of what is counted."""
        decision, usage = outcome.decision, outcome.usage
        if outcome.served is not None and usage is not None and not outcome.is_cached:
            counted = 0 if outcome.is_usage_estimated else usage.prompt_tokens
            self.observe(decision.cell, outcome.served, decision.prompt_tokens, counted)

    def forget(self, cells: Collection[Cell]) -> None:
        """Drop what is known of these cells."""
        for cell in cells:
            self._cells.pop(cell, None)

    def to_state(self) -> list[Any]:
        """JSON-able and exact: [namespace, route, name, sizes] of every cell."""
        return [[*cell.stored, _state(sizes)] for cell, sizes in sorted(self._cells.items())]

    def from_state(self, state: list[Any]) -> None:
        """Take over a state of `to_state`."""
        self._cells = {Cell.read(*names): _sizes(body) for *names, body in state}


def _state(sizes: _Sizes) -> dict[str, Any]:
    seen = {i: [n, sizes.tokens[i]] for i, n in enumerate(sizes.counts) if n}
    classes = sizes.classes
    return {
        "bins": [[i, *pair] for i, pair in seen.items()],
        "used": {name: list(sums) for name, sums in sizes.used.items()},
        "seen": [sizes.seen, sizes.due],
        "classes": classes
        and {
            "borders": list(classes.borders),
            "shares": list(classes.shares),
            "means": list(classes.means),
            "factors": dict(classes.factors),
            "factor": classes.factor,
        },
    }


def _sizes(body: Mapping[str, Any]) -> _Sizes:
    made, classes = _Sizes(), body["classes"]
    for i, count, tokens in body["bins"]:
        made.counts[i], made.tokens[i] = count, tokens
    made.held = sum(made.counts)
    made.used = {name: list(sums) for name, sums in body["used"].items()}
    made.seen, made.due = body["seen"]
    if classes:
        lists = {key: tuple(classes[key]) for key in ("borders", "shares", "means")}
        made.classes = SizeClasses(
            **lists, factors=dict(classes["factors"]), factor=classes["factor"]
        )
    return made
