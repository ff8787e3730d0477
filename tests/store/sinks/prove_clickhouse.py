"""A real ClickHouse takes what the sink says: `make clickhouse`, its engine in this process.

ClickHouse's HTTP interface is a server here that hands each query, and the rows below it, to the
engine; what the sink says is run as it comes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from chdb.session import Session
from sqlalchemy import Engine

from tests.store.samples import keep, outcome
from tests.store.sinks.test_sinks import feeder, said
from windsock.store.sinks.clickhouse import ClickHouseSink
from windsock.store.sinks.sink import TABLES, Batch, SinkFailed


class Real:
    """The engine, and the address at which it answers."""

    def __init__(self, folder: Path) -> None:
        self.session, self.lock = Session(str(folder)), threading.Lock()
        self.run("CREATE DATABASE logs")
        real = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = parse_qs(urlsplit(self.path).query)
                (database,), (query,) = asked["database"], asked["query"]
                try:
                    status, told = 200, real.run(f"USE {database}") + real.run(query, body)
                except Exception as error:
                    status, told = 400, str(error)
                self.send_response(status)
                self.send_header("Content-Length", str(len(told.encode())))
                self.end_headers()
                self.wfile.write(told.encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://default:x@127.0.0.1:{self.server.server_port}/logs"

    def run(self, query: str, body: bytes = b"") -> str:
        with self.lock:
            return str(self.session.query(query + ("\n" + body.decode() if body else "")))

    def rows(self, query: str) -> list[dict[str, Any]]:
        told = self.run(f"{query} FORMAT JSONEachRow")
        return [orjson.loads(line) for line in told.splitlines()]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.session.close()


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    real = Real(tmp_path_factory.mktemp("clickhouse"))
    yield real
    real.close()


async def test_decisions_and_judgements_are_there_once_and_exact(
    file_engine: Engine, clickhouse: Real
) -> None:
    print("ClickHouse", clickhouse.run("SELECT version()").strip())
    keep(file_engine, [*(outcome(number) for number in range(50)), said(3)])
    feed = feeder(file_engine, ClickHouseSink(clickhouse.url))
    await feed.check()
    keep(file_engine, [outcome(70)])
    await feed.check()
    await feed.check()
    decisions = clickhouse.rows(
        "SELECT decision_id, toString(cost_usd) AS usd FROM logs.windsock_decisions FINAL "
        "ORDER BY position"
    )
    told = [outcome(number) for number in (*range(50), 70)]
    assert [row["decision_id"] for row in decisions] == [each.decision.id for each in told]
    costs = [None if row["usd"] is None else Decimal(row["usd"]) for row in decisions]
    assert costs == [each.cost_usd for each in told]
    (judged,) = clickhouse.rows("SELECT * FROM logs.windsock_feedback FINAL")
    assert (judged["value"], judged["source"]) == (0.5, "judge")
    assert judged["decision_id"] == said(3).decision_id


def test_a_batch_that_comes_twice_counts_once(clickhouse: Real) -> None:
    for name, columns in TABLES.items():
        empty = dict.fromkeys(columns)
        row = {**empty, "position": 1_000_000, "decision_id": "twice", "at": 1.0}
        batch = Batch(first=1_000_000, last=1_000_000, rows={name: [row]})
        sink = ClickHouseSink(clickhouse.url)
        sink.put(batch)
        sink.put(batch)
        (counted,) = clickhouse.rows(
            f"SELECT count() AS rows FROM logs.windsock_{name} FINAL WHERE decision_id = 'twice'"
        )
        assert int(counted["rows"]) == 1


def test_what_it_refuses_is_said_in_its_own_words(clickhouse: Real) -> None:
    row = {"position": "no number", "decision_id": "x", "at": 1.0}
    with pytest.raises(SinkFailed, match="position"):
        ClickHouseSink(clickhouse.url).put(Batch(first=1, last=1, rows={"feedback": [row]}))
