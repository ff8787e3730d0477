"""Past evaluations from a CSV: a table of success rates, or one reward a prompt."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from windsock.errors import ConfigError
from windsock.resources.declared import read_text


def read_outcomes(path: Path) -> list[dict[str, Any]]:
    """Rates by task and deployment; raises ConfigError naming file, line and mend.

    Columns: task, deployment, and either success with count, or reward (0..1) per prompt.
    """
    text = read_text(path, mend="check the name").removeprefix("\ufeff")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns, rows = set(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise ConfigError(f"{path}: is no CSV ({error})") from error
    missing = {"task", "deployment"} - columns
    if missing or not ({"reward"} <= columns or {"success", "count"} <= columns):
        wanted = "task, deployment and either reward, or success and count"
        raise ConfigError(f"{path}: the header must name {wanted}; it names {sorted(columns)}")
    if not rows:
        raise ConfigError(f"{path}: holds no outcomes; add rows below the header")
    sums: dict[tuple[str, str], list[float]] = {}
    for number, row in enumerate(rows, start=2):
        place = f"{path}:{number}"
        is_rate = "success" in columns
        value = _share(row["success" if is_rate else "reward"], place)
        count = _count(row["count"], place) if is_rate else 1.0
        total = sums.setdefault((row["task"], row["deployment"]), [0.0, 0.0])
        total[0] += value * count
        total[1] += count
    return [
        {"task": task, "deployment": name, "success": value / count, "count": count}
        for (task, name), (value, count) in sums.items()
    ]


def _share(text: str | None, place: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not 0.0 <= value <= 1.0:
        raise ConfigError(f"{place}: {text!r} is no share; write a number from 0 to 1")
    return value


def _count(text: str | None, place: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not 0.0 < value < float("inf"):
        raise ConfigError(f"{place}: {text!r} is no count; write a number above 0")
    return value
