"""Where a test that holds from somewhere on begins to."""

from __future__ import annotations

from collections.abc import Callable


def first_true(count: int, is_true: Callable[[int], bool], *, near: int | None = None) -> int:
    """The first of `count` indices for which a monotone test holds, `count` if none.

    near    where it is likely to be: then two tests do if that is right, about twice the
            logarithm of the distance if not
    """
    low, high = (0, count) if near is None or not count else _gallop(count, is_true, near)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_true(middle) else (middle + 1, high)
    return low


def _gallop(count: int, is_true: Callable[[int], bool], near: int) -> tuple[int, int]:
    """Bounds of the first true index, found in growing steps from `near`."""
    at = min(max(near, 0), count - 1)
    low, high = (0, at) if is_true(at) else (at + 1, count)
    is_upward, step = low > 0, 1
    while low < high:
        at = min(high - 1, low + step - 1) if is_upward else max(low, high - step)
        step *= 2
        holds = is_true(at)
        low, high = (low, at) if holds else (at + 1, high)
        if holds == is_upward:
            break
    return low, high
