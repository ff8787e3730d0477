"""Spend over time as lines of a spreadsheet: one for each step and group that cost something."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO

from windsock.service.control.schemas.spend import SpendAnswer

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run; callers choose the names of tasks."""


def spend_csv(found: SpendAnswer) -> str:
    """Columns `at` (beginning of the step, ISO 8601, UTC), the group, `cost_usd` (empty: unknown).

    A name that a spreadsheet would take for a formula begins with an apostrophe.
    """
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("at", found.by, "cost_usd"))
    for place, begin in enumerate(found.at):
        at = datetime.fromtimestamp(begin, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for group, costs in found.series.items():
            if costs[place] != 0:
                lines.writerow((at, f"'{group}" if group.startswith(FORMULA) else group,
                                "" if costs[place] is None else f"{costs[place]:.9f}"))  # fmt: skip
    return text.getvalue()
