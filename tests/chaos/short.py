"""How rows are shortened, for the test suite and for a first look."""

from __future__ import annotations

from typing import Any

SHORT: dict[str, dict[str, Any]] = {
    "hang": {"rps": 20, "seconds": 6},
    "slow drip": {"count": 3},
    "truncated stream": {"torn": 30},
    "reset stream": {"torn": 20},
    "no answer": {"rps": 20, "seconds": 3},
    "oversize": {},
    "unreachable": {"rps": 20, "seconds": 6},
    "stale keep-alive": {"count": 200},
    "client leaves": {"count": 10},
    "price feed": {"kinds": ("down", "price 0", "/1000")},
    "clock": {},
    "store": {"rps": 10, "seconds": 4},
    "kill -9": {"times": 2, "seconds": 2.5},
    "SIGTERM": {"streams": 20},
    "leader frozen": {},
    "double feedback": {"count": 10},
    "leaks": {"count": 4000, "warm": 2000},
    "history": {"count": 20},
}

BENCHMARK_ONLY = {
    "hang",
    "unreachable",
    "price feed",
    "clock",
    "store",
    "kill -9",
    "leaks",
    "leader frozen",
}
SUITE = tuple(name for name in SHORT if name not in BENCHMARK_ONLY)
"""The others are in the suite by tests of their own, or say nothing without their length."""
