"""Past evaluations from a CSV: a table of success rates, or one reward a prompt."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from windsock.errors import ConfigError
from windsock.resources.declared import read_text

WORDS = {"true": "1", "false": "0"}
"""As tools write booleans."""


def read_outcomes(path: Path) -> list[dict[str, Any]]:
    """Rates by task and deployment; raises ConfigError naming file, line and mend.

    Columns: task, deployment (or model), and success (or reward) from 0 to 1: of as many prompts as
    count says, without that column of one. Others are passed over.
    """
    text = read_text(path, mend="check the name").removeprefix("\ufeff")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns, rows = list(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise ConfigError(f"{path}: is no CSV ({error})") from error
    who = next((name for name in ("deployment", "model") if name in columns), None)
    what = next((name for name in ("success", "reward") if name in columns), None)
    if "task" not in columns or who is None or what is None:
        wanted = "task, deployment, and success (with count, where a row is of many) or reward"
        raise ConfigError(f"{path}: the header must name {wanted}; it names {sorted(columns)}")
    if not rows:
        raise ConfigError(f"{path}: holds no outcomes; add rows below the header")
    sums: dict[tuple[str, str], list[float]] = {}
    for number, row in enumerate(rows, start=2):
        place = f"{path}:{number}"
        value = _share(row[what], place)
        count = _count(row["count"], place) if "count" in columns else 1.0
        total = sums.setdefault((row["task"], row[who]), [0.0, 0.0])
        total[0] += value * count
        total[1] += count
    return [
        {"task": task, "deployment": name, "success": value / count, "count": count}
        for (task, name), (value, count) in sums.items()
    ]


def _share(text: str | None, place: str) -> float:
    stated = (text or "").strip().lower()
    try:
        value = float(WORDS.get(stated, stated))
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
