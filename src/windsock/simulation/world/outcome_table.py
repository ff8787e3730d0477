"""Past outcomes: what each deployment truly answered to each prompt, and its tokens."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from windsock.errors import ConfigError

NEEDED = ("prompt", "deployment", "reward", "input_tokens", "output_tokens")
TOKENS = ("input_tokens", "output_tokens")
DEFAULT_TASK = "default"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeTable:
    """Per prompt and deployment. source: the file, for errors.

    names       deployments, in the order of the columns below
    tasks       known tasks; task_of: index of each prompt's task, (prompts,)
    reward      (prompts, names), 0..1
    tokens      (prompts, names, 2): input and output
    """

    source: str
    names: tuple[str, ...]
    tasks: tuple[str, ...]
    task_of: Any
    reward: Any
    tokens: Any

    def prompts_of(self, task: str) -> Any:
        """Row numbers of a task's prompts."""
        return np.flatnonzero(self.task_of == self.tasks.index(task))


@dataclass(slots=True)
class _OutcomeRow:
    place: str
    prompt: str
    task: str
    deployment: str
    numbers: tuple[float, float, float]


def read_table(path: Path) -> OutcomeTable:
    """A CSV or Parquet file, one row a prompt and deployment.

    Columns: prompt, deployment, reward (0..1), input_tokens, output_tokens, and task if there are
    several.

    raises  ConfigError naming the file, the line or row, and the fault
    """
    lines = [_line(place, row) for place, row in _rows(path)]
    if not lines:
        raise ConfigError(f"{path}: holds no outcomes; add rows below the header")
    names = tuple(dict.fromkeys(line.deployment for line in lines))
    tasks = tuple(dict.fromkeys(line.task for line in lines))
    prompts = {name: i for i, name in enumerate(dict.fromkeys(line.prompt for line in lines))}
    numbers = np.full((len(prompts), len(names), 3), math.nan)
    task_of = np.full(len(prompts), -1)
    for line in lines:
        i, k, g = prompts[line.prompt], names.index(line.deployment), tasks.index(line.task)
        if not math.isnan(numbers[i, k, 0]):
            raise ConfigError(
                f"{line.place}: {line.deployment!r} has two rows of prompt {line.prompt!r}; "
                "keep one"
            )
        if task_of[i] not in (-1, g):
            raise ConfigError(f"{line.place}: prompt {line.prompt!r} has two tasks; keep one")
        numbers[i, k], task_of[i] = line.numbers, g
    _check_whole(path, numbers, names, list(prompts))
    return OutcomeTable(
        source=str(path),
        names=names,
        tasks=tasks,
        task_of=task_of,
        reward=numbers[:, :, 0],
        tokens=numbers[:, :, 1:],
    )


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place for errors, row) in order; raises ConfigError if the file cannot be read."""
    try:
        if path.suffix == ".parquet":
            yield from _parquet(path)
            return
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            _check_header(path, reader.fieldnames)
            for row in reader:
                yield f"{path}:{reader.line_num}", row
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{path}: cannot be read ({reason}); check the name") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: is no CSV in UTF-8 ({error})") from error


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError as error:
        raise ConfigError(
            f"{path}: Parquet needs the package pyarrow; install windsock[parquet]"
        ) from error
    try:
        table = parquet.read_table(path)
    except ArrowInvalid as error:
        raise ConfigError(f"{path}: is no Parquet file ({str(error).splitlines()[0]})") from error
    _check_header(path, table.column_names)
    for number, row in enumerate(table.to_pylist(), start=1):
        yield f"{path} row {number}", row


def _check_header(path: Path, columns: Sequence[str] | None) -> None:
    if not columns:
        raise ConfigError(f"{path}: is empty; the header must name {', '.join(NEEDED)}")
    for name in NEEDED:
        if name not in columns:
            raise ConfigError(
                f"{path}: the column {name!r} is missing; the header names {', '.join(columns)}"
            )


def _line(place: str, row: Mapping[str, Any]) -> _OutcomeRow:
    for name in ("prompt", "deployment"):
        if row[name] in (None, ""):
            raise ConfigError(f"{place}: {name} is empty; fill it in")
    reward = _number(row["reward"])
    if not 0.0 <= reward <= 1.0:
        raise ConfigError(f"{place}: reward {row['reward']!r} is no number from 0 to 1")
    tokens = [_number(row[name]) for name in TOKENS]
    for name, count in zip(TOKENS, tokens, strict=True):
        if not 0.0 <= count < math.inf:
            raise ConfigError(f"{place}: {name} {row[name]!r} is no count from 0 on")
    return _OutcomeRow(
        place=place,
        prompt=str(row["prompt"]),
        task=str(row.get("task") or DEFAULT_TASK),
        deployment=str(row["deployment"]),
        numbers=(reward, tokens[0], tokens[1]),
    )


def _number(value: Any) -> float:
    """NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _check_whole(path: Path, numbers: Any, names: Sequence[str], prompts: Sequence[str]) -> None:
    gaps = np.argwhere(np.isnan(numbers[:, :, 0]))
    if len(gaps):
        i, k = gaps[0]
        raise ConfigError(
            f"{path}: prompt {prompts[i]!r} has no row of {names[k]!r}; every prompt needs one of "
            "every deployment"
        )
