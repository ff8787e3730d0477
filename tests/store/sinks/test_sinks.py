"""What the ledger has comes to a sink in order, once, and goes on where it was."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import pyarrow.parquet as parquet
import pytest
from sqlalchemy import Engine

from tests.store.samples import keep, outcome
from windsock.app.background.ledger_sinks import SinkFeeder
from windsock.core.model.rewards import Feedback, Reward
from windsock.errors import ConfigError
from windsock.store.sinks.clickhouse import ClickHouseSink
from windsock.store.sinks.parquet import ParquetSink
from windsock.store.sinks.sink import Batch, SinkFailed


class ClickHouse(BaseHTTPRequestHandler):
    """Speaks as much of ClickHouse's HTTP interface as an insert needs."""

    said: list[tuple[dict[str, list[str]], bytes, str]]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = parse_qs(urlsplit(self.path).query)
        type(self).said.append((asked, body, self.headers["Authorization"]))
        self.send_response(type(self).status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def clickhouse() -> Iterator[tuple[type[ClickHouse], str]]:
    handler = type("Handler", (ClickHouse,), {"said": [], "status": 200})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://me:secret@127.0.0.1:{server.server_port}/logs"
    server.shutdown()
    server.server_close()


def feeder(engine: Engine, sink: object, *, leads: bool = True) -> SinkFeeder:
    return SinkFeeder(name="s", sink=sink, engine=engine, leads=lambda: leads)


def said(number: int) -> Feedback:
    name = outcome(number).decision.id
    return Feedback(decision_id=name, reward=Reward(value=0.5, source="judge"), at=9.0, weight=1.0)


async def test_parquet_files_hold_every_decision_and_judgement_once(
    file_engine: Engine, tmp_path: Path
) -> None:
    keep(file_engine, [*(outcome(number) for number in range(5)), said(3)])
    folder = tmp_path / "lake"
    feed = feeder(file_engine, ParquetSink(folder.as_uri()))
    await feed.check()
    await feed.check()
    keep(file_engine, [outcome(7)])
    await feed.check()
    table = parquet.ParquetDataset(folder / "decisions").read().to_pylist()
    assert [row["decision_id"] for row in table] == [
        outcome(number).decision.id for number in (0, 1, 2, 3, 4, 7)
    ]
    assert [row["cost_usd"] for row in table[:1]] == [outcome(0).cost_usd]
    (judged,) = parquet.ParquetDataset(folder / "feedback").read().to_pylist()
    assert (judged["value"], judged["source"]) == (0.5, "judge")
    assert not list(folder.rglob("*.part"))


async def test_a_batch_that_is_sent_again_is_the_same_file(
    file_engine: Engine, tmp_path: Path
) -> None:
    keep(file_engine, [outcome(1), outcome(2)])

    class Dies(ParquetSink):
        """Keeps the batch, and fails to say so the first time."""

        has_died = False

        def put(self, batch: object) -> None:
            super().put(batch)
            if not self.has_died:
                self.has_died = True
                raise SinkFailed("the power went")

    await feeder(file_engine, Dies(tmp_path.as_uri())).check()
    keep(file_engine, [outcome(3)])  # comes before it is sent again, by another process
    await feeder(file_engine, ParquetSink(tmp_path.as_uri())).check()
    assert parquet.ParquetDataset(tmp_path / "decisions").read().num_rows == 3


async def test_a_cost_of_more_digits_than_a_sink_keeps_is_rounded(
    file_engine: Engine, tmp_path: Path
) -> None:
    usd = Decimal("0.00123456789012345678")
    keep(file_engine, [replace(outcome(1), cost_usd=usd)])
    await feeder(file_engine, ParquetSink(tmp_path.as_uri())).check()
    (row,) = parquet.ParquetDataset(tmp_path / "decisions").read().to_pylist()
    assert row["cost_usd"] == Decimal("0.001234567890")


async def test_clickhouse_gets_rows_as_json_with_a_token_that_names_the_batch(
    file_engine: Engine, clickhouse: tuple[type[ClickHouse], str]
) -> None:
    handler, url = clickhouse
    keep(file_engine, [outcome(1), outcome(2), said(1)])
    await feeder(file_engine, ClickHouseSink(url)).check()
    queries = [asked["query"][0] for asked, _, _ in handler.said]
    assert [query.split("(")[0].strip() for query in queries[:2]] == [
        "CREATE TABLE IF NOT EXISTS windsock_decisions",
        "CREATE TABLE IF NOT EXISTS windsock_feedback",
    ]
    asked, body, authorization = handler.said[2]
    assert asked["database"] == ["logs"]
    assert authorization.startswith("Basic ")
    assert "secret" not in str(asked)
    rows = [orjson.loads(line) for line in body.splitlines()]
    assert [row["decision_id"] for row in rows] == [outcome(n).decision.id for n in (1, 2)]
    assert handler.said[3][0]["query"] == ["INSERT INTO windsock_feedback FORMAT JSONEachRow"]
    tokens = {each[0]["insert_deduplication_token"][0] for each in handler.said[2:]}
    assert len(tokens) == 2


async def test_what_a_sink_refuses_is_sent_again_and_one_that_does_not_lead_sends_nothing(
    file_engine: Engine, clickhouse: tuple[type[ClickHouse], str]
) -> None:
    handler, url = clickhouse
    keep(file_engine, [outcome(1)])
    await feeder(file_engine, ClickHouseSink(url), leads=False).check()
    assert not handler.said
    feed = feeder(file_engine, ClickHouseSink(url))
    handler.status = 500
    await feed.check()
    handler.status = 200
    await feed.check()
    inserts = [asked for asked, _, _ in handler.said if "INSERT" in asked["query"][0]]
    assert len(inserts) == 1
    with pytest.raises(SinkFailed, match="cannot be reached"):
        ClickHouseSink("http://127.0.0.1:9/x").put(Batch(first=1, last=1, rows={}))


def test_a_folder_that_is_none_is_told_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="names no folder"):
        ParquetSink("gopher://x")
