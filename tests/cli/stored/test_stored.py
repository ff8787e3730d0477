"""`windsock export` and `windsock db stats`, beside a store that is being written to."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.builders import START
from tests.store.old_rows import keep_old
from tests.store.samples import call, decision, feedback, keep, ledger_on, outcome
from windsock.cli import main
from windsock.cli.stored import exporting
from windsock.config.settings import Settings
from windsock.core.model.units import Usage
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.retention import DAY_S
from windsock.store.upkeep.export import COLUMNS

FORMULA = '=HYPERLINK("https://evil.example", "open")'
"""What a spreadsheet would run; a caller may ask for a model of any name."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """40 old requests, 60 of today's form, one decision alone, a word on each tenth."""
    engine = open_engine(f"sqlite:///{tmp_path}/windsock.db")
    upgrade_engine(engine)
    keep_old(engine, [outcome(n) for n in range(40)])
    usage = Usage(input_tokens=7, output_tokens=3)
    keep(engine, [outcome(n, usage=usage, results=(call(response_id=f"r{n}"),))
                  for n in range(40, 100)])  # fmt: skip
    keep(
        engine,
        [decision(100, requested_model=FORMULA), *(feedback(n, 0.25) for n in range(0, 100, 10))],
    )
    engine.dispose()
    (tmp_path / "windsock.toml").write_text(
        f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n'
        '[store.retention]\ndecisions = "400d"\ntables = "ever"\n'
    )
    return tmp_path


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def windsock(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """The command, in the folder, on 80 columns."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")

    def ended(*words: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["windsock", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Ended(end.value.code, *capsys.readouterr())

    return ended


def test_each_format_holds_the_same_decisions(folder: Path, windsock) -> None:
    for name in ("all.parquet", "all.csv", "all.jsonl"):
        done = windsock("export", name, "--since", "2000-01-01", "--json")
        assert done.code == 0, done.stderr
        assert json.loads(done.stdout) == {"file": name, "decisions": 101}
    table = pq.read_table(folder / "all.parquet")
    rows = table.to_pylist()
    assert table.column_names == list(COLUMNS)
    assert [row["decision_id"] for row in rows] == [f"d{n}" for n in range(101)]
    assert {row["propensity"] for row in rows} == {0.25}
    assert [row["success"] for row in rows[:100:10]] == [0.25] * 10
    assert rows[5]["cost_usd"] == rows[50]["cost_usd"] == Decimal("0.000375")
    assert (rows[50]["input_tokens"], rows[50]["response_id"]) == (7, "r50")
    assert rows[100]["ok"] is None and rows[100]["finished_at"] is None
    with (folder / "all.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["decision_id"] for line in lines] == [row["decision_id"] for row in rows]
    assert [float(line["at"]) for line in lines] == [row["at"] for row in rows]
    assert (rows[100]["requested_model"], lines[100]["requested_model"]) == (FORMULA, f"'{FORMULA}")
    told = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    assert [each["propensity"] for each in told] == [row["propensity"] for row in rows]


def test_an_export_has_its_span_and_is_written_whole_or_not(folder: Path, windsock) -> None:
    done = windsock("export", "a.csv", "--since", str(START + 10), "--until",
                    str(START + 20), "--namespace", "default")  # fmt: skip
    assert "10 decisions" in done.stdout
    again = windsock("export", "a.csv")
    assert (again.code, "is there already" in again.stderr) == (2, True)
    odd = windsock("export", "a.xml")
    assert (odd.code, "none of jsonl, csv, parquet" in odd.stderr) == (2, True)
    when = windsock("export", "b.csv", "--since", "soon")
    assert (when.code, when.stderr.count("\n")) == (2, 1)
    assert {path.suffix for path in folder.iterdir()} <= {".csv", ".db", ".toml"}


def test_rows_of_parquet_are_written_a_group_at_a_time_while_others_come(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "GROUP", 16)
    engine = open_engine(f"sqlite:///{folder}/windsock.db")
    with ledger_on(engine) as ledger:
        for number in range(200, 300):
            ledger.append(outcome(number))
        count = exporting.export(
            engine, folder / "x.parquet", kind="parquet", since=START, until=START + 101
        )
    engine.dispose()
    assert count == 101
    assert pq.ParquetFile(folder / "x.parquet").num_row_groups == 7


def test_stats_tell_what_is_there_how_long_it_is_kept_and_what_to_do(
    folder: Path, windsock
) -> None:
    before = (folder / "windsock.db").read_bytes()
    found = json.loads(windsock("db", "stats", "--json").stdout)
    kinds = {each["kind"]: each for each in found["kinds"]}
    assert kinds["decisions"]["rows"] == found["requests"] == 61
    assert (kinds["older form"]["rows"], kinds["rewards"]["rows"]) == (40, 10)
    assert kinds["decisions"]["oldest"] == START + 40
    assert found["kept_s"]["decisions"] == found["kept_s"]["older form"] == 400 * DAY_S
    assert found["kept_s"]["tables"] is None
    assert found["bytes"] == len(before)
    assert "40 rows of an older version" in found["to_do"][0]
    shown = windsock("db", "stats").stdout
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert "400 d" in shown
    assert (folder / "windsock.db").read_bytes() == before


def test_retention_is_a_setting_of_each_kind() -> None:
    kept = Settings.model_validate({"store": {"retention": {"events": "2h", "held": "ever"}}})
    retention = kept.store.retention
    assert (retention.events, retention.held, retention.decisions) == (7200, None, None)
    with pytest.raises(ValueError, match="not a duration"):
        Settings.model_validate({"store": {"retention": {"sums": "long"}}})
