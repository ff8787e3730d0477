"""ClickHouse over its HTTP interface, with the standard library alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import orjson

from windsock.store.sinks.sink import TABLES, Batch, Rows, SinkFailed

TIMEOUT_S = 30.0

KINDS = {int: "Int64", float: "Float64", bool: "Bool", str: "String", Decimal: "Decimal(38, 12)"}

EXACT = {"position": "UInt64", "decision_id": "String", "at": "Float64"}
"""Columns that are never empty."""


class ClickHouseSink:
    """Inserts into `windsock_decisions` and `windsock_feedback`, which it makes.

    A row that comes twice is one: the tables are ReplacingMergeTree by position (read with FINAL),
    and a batch that comes twice is dropped by its deduplication token where the engine keeps them.

    url     http(s)://USER:PASSWORD@HOST:8123/DATABASE
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._port = parts.port
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._database = parts.path.strip("/") or "default"
        pair = f"{unquote(parts.username or 'default')}:{unquote(parts.password or '')}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        self._is_made = False

    def put(self, batch: Batch) -> None:
        """One insert a table that has rows."""
        if not self._is_made:
            for table, columns in TABLES.items():
                self._say(_table(table, columns), b"", {})
            self._is_made = True
        for table, rows in batch.rows.items():
            if rows:
                insert = f"INSERT INTO windsock_{table} FORMAT JSONEachRow"
                token = {"insert_deduplication_token": f"{table} {batch.name}"}
                self._say(insert, _lines(rows), token)

    def _say(self, query: str, body: bytes, more: Mapping[str, str]) -> None:
        asked = urlencode({"database": self._database, "query": query, **more})
        connection = self._connect(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", f"/?{asked}", body=body, headers=self._headers)
            answer = connection.getresponse()
            told = answer.read(500).decode(errors="replace").strip()
        except (OSError, HTTPException) as error:
            raise SinkFailed(f"ClickHouse cannot be reached: {error}") from error
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise SinkFailed(f"ClickHouse answered {answer.status}: {told}")


def _table(name: str, columns: Mapping[str, type[Any]]) -> str:
    declared = ", ".join(
        f"{column} {EXACT.get(column) or f'Nullable({KINDS[kind]})'}"
        for column, kind in columns.items()
    )
    return (
        f"CREATE TABLE IF NOT EXISTS windsock_{name} ({declared}) "
        "ENGINE = ReplacingMergeTree ORDER BY position"
    )


def _lines(rows: Rows) -> bytes:
    return b"\n".join(orjson.dumps(row, default=str) for row in rows)
