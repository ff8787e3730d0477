"""Parquet files in a folder, on this machine or on object storage: one a batch and table."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.errors import ConfigError
from windsock.store.sinks.sink import TABLES, Batch, Rows, SinkFailed


class ParquetSink:
    """Writes `TABLE/FIRST-LAST.parquet` below a folder, `file:`, `s3:` or `gs:`.

    A file is written whole under its own name: the same batch once more replaces it by itself.

    raises  ConfigError if pyarrow is not there, or knows no such place
    """

    def __init__(self, url: str) -> None:
        try:
            import pyarrow as arrow
            from pyarrow import fs, parquet
        except ImportError as error:
            raise ConfigError("a Parquet sink needs: pip install 'windsock[parquet]'") from error
        self._arrow, self._parquet, self._fs = arrow, parquet, fs
        try:
            self._files, self._folder = fs.FileSystem.from_uri(url)
        except (OSError, ValueError) as error:
            raise ConfigError(f"a Parquet sink's url names no folder: {error}") from error

    def put(self, batch: Batch) -> None:
        """One file a table that has rows."""
        try:
            for table, rows in batch.rows.items():
                if rows:
                    self._write(table, rows, batch.name)
        except (OSError, self._arrow.ArrowException) as error:
            raise SinkFailed(f"{type(error).__name__}: {error}") from error

    def _write(self, table: str, rows: Rows, name: str) -> None:
        folder = f"{self._folder}/{table}"
        self._files.create_dir(folder, recursive=True)
        part, whole = f"{folder}/.{name}.part", f"{folder}/{name}.parquet"
        made = self._arrow.Table.from_pylist(rows, schema=self._schema(TABLES[table]))
        if isinstance(self._files, self._fs.LocalFileSystem):
            self._parquet.write_table(made, part, filesystem=self._files)
            self._files.move(part, whole)
        else:  # object storage shows an object once it is whole
            self._parquet.write_table(made, whole, filesystem=self._files)

    def _schema(self, columns: Mapping[str, type[Any]]) -> Any:
        arrow = self._arrow
        kinds = {
            int: arrow.int64(),
            float: arrow.float64(),
            bool: arrow.bool_(),
            str: arrow.string(),
            Decimal: arrow.decimal128(38, 12),
        }
        return arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
