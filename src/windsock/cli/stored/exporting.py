"""`windsock export`: decisions into a file, a group of rows at a time."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine

from windsock.app.interpreter import uncollected
from windsock.errors import ConfigError
from windsock.service.control.schemas.decisions import decision_facts
from windsock.store import queries
from windsock.store.upkeep.export import COLUMNS, export_lines

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that spreadsheets run; callers name tasks and models as they please."""

GROUP = 50_000
"""Rows of Parquet that are held at a time."""


def export(
    engine: Engine, to: Path, *, kind: str, since: float, until: float, namespace: str | None = None
) -> int:
    """How many decisions were written; raises ConfigError or StoreError.

    kind    jsonl: lines as /v1/decisions gives them; csv, parquet: flat, by COLUMNS
    """
    if kind not in WRITERS:
        raise ConfigError(f"--format {kind!r} is none of {', '.join(WRITERS)}")
    if to.exists():
        raise ConfigError(f"{to} is there already; name a new file")
    part = to.with_name(to.name + ".part")
    try:
        with uncollected():  # millions of rows, none of which is garbage: a third of the time
            count = WRITERS[kind](
                engine, part, {"since": since, "until": until, "namespace": namespace}
            )
        part.rename(to)
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}; name another") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _jsonl(engine: Engine, to: Path, asked: dict[str, Any]) -> int:
    count = 0
    with to.open("wb") as file:
        for found in queries.decisions(engine, **asked):
            file.write(orjson.dumps(decision_facts(found)) + b"\n")
            count += 1
    return count


def _csv(engine: Engine, to: Path, asked: dict[str, Any]) -> int:
    count = 0
    with to.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        for line in export_lines(engine, **asked):
            lines.writerow(map(_cell, line))
            count += 1
    return count


def _cell(value: Any) -> Any:
    """A value as a spreadsheet may open it: text that would be a formula there is quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _parquet(engine: Engine, to: Path, asked: dict[str, Any]) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError("--format parquet needs pyarrow; install windsock[parquet]") from error
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(),
             Decimal: pa.decimal128(38, 18)}  # fmt: skip
    schema = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    count, lines = 0, export_lines(engine, **asked)
    with pq.ParquetWriter(to, schema, compression="zstd") as file:
        while group := list(islice(lines, GROUP)):
            columns = [
                _column(values, each.type)
                for values, each in zip(zip(*group, strict=True), schema, strict=True)
            ]
            file.write_table(pa.Table.from_arrays(columns, schema=schema))
            count += len(group)
    return count


def _column(values: tuple[Any, ...], kind: Any) -> Any:
    """A cost of more than 18 digits behind the point is rounded to these."""
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except pa.ArrowInvalid:
        placed = [None if value is None else round(value, 18) for value in values]
        return pa.array(placed, kind)


WRITERS: dict[str, Callable[[Engine, Path, dict[str, Any]], int]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "parquet": _parquet,
}
