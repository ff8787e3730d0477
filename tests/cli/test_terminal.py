"""Every command at 80 columns: names stand whole, nothing is left without a word on what it is."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from tests.command import windsock
from tests.process import free_port
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli import app, cap_commands, layout, tables, weights
from windsock.cli.doctor import Diagnosis
from windsock.cli.feeds import check
from windsock.cli.foresight.frontier import frontier_lines
from windsock.cli.foresight.what_if import what_if_lines
from windsock.cli.keys import printing
from windsock.cli.layout import show
from windsock.cli.litellm_import.imported import Imported
from windsock.cli.prices import tables as price_tables
from windsock.cli.service_client import ServiceClient
from windsock.errors import WindsockError
from windsock.evaluation import report as evaluation_report
from windsock.evaluation.estimators import Estimate
from windsock.evaluation.evaluation import CellFacts, Evaluation, Value
from windsock.evaluation.labels import Labels
from windsock.rehearsal import report as rehearsal_report
from windsock.rehearsal.figures import Figures, Interval
from windsock.rehearsal.rehearse import Rehearsal
from windsock.resources import folder
from windsock.simulation.reporting import text_report
from windsock.simulation.simulate import replay
from windsock.simulation.world.scenario import Scenario, load_scenario
from windsock.store.keys import VirtualKey

WIDTH = 80
LONG = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0@us-gov-west-1-and-so-on-and-on"
TWIN = LONG + "-still"
ODD = "acme/[bold]m[/]:x"
NAMES = (LONG, TWIN, ODD)
"""Names that differ at their end only, and one with brackets."""

ALONE = {"serve", "demo"}
"""They run until they are ended: there is nothing to print as JSON."""


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command by its words."""
    group = group or typer.main.get_command(app)
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, (*path, name))
        else:
            yield " ".join((*path, name)), each


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_everything_is_and_speaks_json(name) -> None:
    params = {each.name: each for each in COMMANDS[name].params}
    for each in params.values():
        assert getattr(each, "help", None), f"{name}: {each.name} has no help"
    assert ("as_json" in params) == (name not in ALONE)
    assert ("url" in params) <= ("key" in params)
    assert COMMANDS[name].help


def test_help_pages_fit_and_lose_nothing() -> None:
    groups = {" ".join(name.split()[:-1]) for name in COMMANDS}
    for words in (*groups, *COMMANDS):
        done = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": str(WIDTH)})
        assert done.exit_code == 0
        assert "..." not in done.output.replace("[ARGS]...", ""), words
        assert max(map(len, done.output.splitlines())) <= WIDTH
    serve = CliRunner().invoke(app, ["serve", "--help"])
    assert "overrides [server] host" in serve.output


@pytest.fixture
def out(monkeypatch) -> io.StringIO:
    """What commands print, at 80 columns."""
    stream = io.StringIO()
    console = Console(file=stream, width=WIDTH)
    for module in (tables, weights, check, printing, price_tables, layout):
        monkeypatch.setattr(module, "terminal", lambda: console)
    return stream


def is_one_name(line: str) -> bool:
    """A line that holds one name longer than any line, and a mark at most."""
    return len(line.split()) <= 2 and max(map(len, line.split())) > WIDTH - len("mend  ")


def held(text: str, names: tuple[str, ...] = NAMES) -> list[str]:
    """Its lines: each as long as fits, but for one long name; every name whole."""
    found = text.splitlines()
    for line in found:
        assert len(line) <= WIDTH or is_one_name(line), line
    for name in names:
        assert any(name in line for line in found), name
    assert any(TWIN not in line and LONG in line for line in found) or LONG not in names
    return found


def price(name: str) -> dict[str, Any]:
    return {
        "deployment": name, "usd_per_mtok": {"input": 0.15, "output": 1234.5, "cache_read": 0.01},
        "age_s": 200.0, "is_priced": True, "feed": LONG, "feed_model": TWIN, "is_stale": True,
        "is_provisional": True, "disputed_by": [LONG, ODD], "held": [{"feed": TWIN}],
        "vanished_from": [], "has_tiers": True, "has_windows": True, "service_tiers": ["flex"],
        "reason": None, "nearest": [],
    }  # fmt: skip


def cell() -> dict[str, Any]:
    arms = [
        {
            "deployment": name, "weight": 1 / 3, "success_mean": 0.91234, "expected_usd": 1.2e-5,
            "success_interval": [0.85, 0.97], "effective_samples": 123456.0,
            "price": {"input_usd_per_mtok": 0.15, "output_usd_per_mtok": None, "feed": TWIN,
                      "age_s": 90000.0},
            "limits": ["quality floor 0.9", "at most 5 % of requests until it is confirmed"],
        }
        for name in NAMES
    ]  # fmt: skip
    reason = "cooling down after overloaded: " + "word " * 30
    return {"route": "auto", "task": ODD, "note": "", "candidates": arms,
            "ruled_out": {f"out/{LONG}": reason}}  # fmt: skip


class Said:
    """A service that answers one thing."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        return self.answer


def decision() -> dict[str, Any]:
    seat = {"held_tokens": 123456, "hit_rate": 0.5, "turn_usd": 0.0123, "next_usd": 1.5,
            "saved_usd": 0.5}  # fmt: skip
    return {
        "deployment": LONG, "requested_model": ODD, "task": "sql", "at": 1.7e9, "propensity": 0.25,
        "draw": {"u": 0.5, "gives": TWIN}, "table": cell(), "cost_usd": None, "served": TWIN,
        "attempts": [{"reason": "first", "deployment": name, "kind": "overloaded",
                      "latency_s": 1.25, "adapted": ["temperature"]} for name in NAMES],
        "feedback": [{"value": 1.0, "source": "explicit"}],
        "conversation": {"home": None, "turn": 2, "session": "abc", "kind": "session_id",
                         "turns_left": 3.0,
                         "seats": [{"deployment": name, **seat} for name in NAMES]},
    }  # fmt: skip


REPORT = {
    "by": ["deployment", "task"],
    "data": [
        {"deployment": name, "task": "sql", "requests": 1234567, "answered": 1234567,
         "cost_usd": 1234.5678, "success_rate": 0.9, "cost_per_success_usd": 0.00123,
         "unknown_cost": 3, "bills": 7, "billed_usd": 12.0, "counted_usd": 11.0,
         "bill_ratio": 1.09, "doubted_bills": 2, "doubted_usd": 99.0,
         "refused": 12, "cache_hits": 345, "saved_usd": 67.89}
        for name in NAMES
    ],
}  # fmt: skip
ALARMS = {
    "data": [{"route": "auto", "deployment": name, "mode": "doubt", "statistic": 12.5,
              "tasks": ["sql", "chat"] * 9} for name in NAMES],
    "doubted": [{"deployment": name, "bills": 2, "bill_factor": 3.0, "usages": 1,
                 "usage_doubt": "more tokens than bytes"} for name in NAMES],
}  # fmt: skip
HELD = {"data": [{**price(name), "feed": "openrouter", "polls": 2, "seen_at": 1.7e9,
                  "reason": "falls by more than half"} for name in NAMES]}  # fmt: skip

CAPS = {
    "data": [{"cap": "students", "of": name, "usd": 1234.5, "spent_usd": 1234.5678,
              "reserved_usd": 0.00012, "refused": 1234567, "ends_at": 1.8e9, "period": "month",
              "raised_usd": 12.0, "spent_at": 1.79e9, "timezone": "America/Argentina/Buenos_Aires"}
             for name in NAMES]
}  # fmt: skip
WHAT_IF = {
    "route": "auto", "task": ODD, "usd_per_request_now": 0.001, "usd_per_request_then": 0.002,
    "success_now": 0.9, "success_then": 0.8, "note_then": "quality floor 0.99 is out of reach",
    "requests_per_day": 1e6, "daily_bill_now_usd": 1e3, "daily_bill_then_usd": 2e3,
    "weights_now": dict.fromkeys(NAMES, 1 / 3), "weights_then": dict.fromkeys(NAMES, 1 / 3),
}  # fmt: skip


def prospect(kind: str, name: str, usd: float) -> dict[str, Any]:
    return {"kind": kind, "name": name, "value_usd": None, "usd_per_request": usd, "success": 0.9,
            "success_interval": [0.8, 0.95], "is_held": False, "traffic_share": 0.5,
            "weights": dict.fromkeys(NAMES, 1 / 3)}  # fmt: skip


PROSPECTS = [prospect("deployment", name, 10.0**i) for i, name in enumerate(NAMES)] + [
    prospect("today", "today", 1e-7), prospect("quality", "high", 123.0),
    prospect("floor", "0.95", 12.0), prospect("value", "1.23e-05", 1.0)]  # fmt: skip
FRONTIER = {
    "route": "auto", "incumbent": LONG, "tasks": 400, "over_route": PROSPECTS,
    "reference": {"deployment": TWIN, "success": 0.9, "usd_per_success": 1e-9,
                  "likely_usd_per_success": 1e-9},
    "by_task": [{"task": task, "traffic_share": 0.5, "rewards": 1234567.0, "prospects": PROSPECTS}
                for task in (ODD, "sql")],
}  # fmt: skip

PRINTED = {
    "caps list": lambda: cap_commands.show_caps(CAPS, as_json=False),
    "whatif": lambda: show(tables.terminal(), what_if_lines(WHAT_IF, width=WIDTH)),
    "frontier": lambda: show(tables.terminal(), frontier_lines(FRONTIER, width=WIDTH)),
    "weights": lambda: weights.show_weights(Said({"data": [cell()]})),
    "explain": lambda: weights.show_decision(Said(decision()), "x", as_json=False),
    "report": lambda: tables.show_report(Said(REPORT), since="7d", by="deployment"),
    "alarms list": lambda: tables.show_alarms(Said(ALARMS)),
    "prices list": lambda: price_tables.show_prices(Said({"data": [*map(price, NAMES)]})),
    "prices history": lambda: price_tables.show_history(Said(HELD), LONG),
    "prices quarantine": lambda: price_tables.show_quarantine(Said(HELD)),
    "doctor": lambda: tables.show_findings(
        [Diagnosis(subject=name, ok=False, text=f"priced by {LONG}; " + "word " * 40)
         for name in NAMES]
    ),
    "keys list": lambda: printing.show_keys([*map(key, NAMES)], 2e9, as_json=False),
    "keys show": lambda: [printing.show_key(key(name), 2e9, as_json=False) for name in NAMES],
}  # fmt: skip


def key(name: str) -> VirtualKey:
    return VirtualKey(
        id="0123456789ab", name="n" * 128, sha256="", namespace="a-namespace-of-some-length",
        scopes=("infer", "feedback", "read", "metrics"), created_at=1.7e9, expires_at=1.8e9,
        models=(name, "auto"), rpm=1_000_000, tpm=90_000_000, continues="ba9876543210",
    )  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
def test_a_table_fits_and_cuts_no_name(name, out) -> None:
    PRINTED[name]()
    shown = NAMES if name != "prices history" else (TWIN,)
    held(out.getvalue(), shown)


def small() -> Scenario:
    """Half an hour of a shipped scenario whose deployments have awkward names."""
    scenario = load_scenario(folder("simulations", "scenario.toml", "price-cut"))
    text = scenario.model_dump_json()
    for old, new in zip(scenario.deployments, NAMES, strict=False):
        text = text.replace(json.dumps(old), json.dumps(new))
    return Scenario.model_validate_json(text).model_copy(update={"hours": 4.0})


def test_a_simulation_fits_and_cuts_no_name(capsys) -> None:
    scenario = small()
    found = replay(scenario, "awkward", policies=["windsock", "flagship"], at_once=1, as_json=True)
    capsys.readouterr()
    text = "\n".join(text_report.report_lines(scenario, "awkward", found, width=WIDTH))
    moved = {shock.deployment for run in found.results for shock in run.summary.shocks}
    lines = text.splitlines()
    assert moved and all(any(name in line for line in lines) for name in moved)
    assert all(len(line) <= WIDTH or is_one_name(line) for line in lines)


def test_an_evaluation_fits_and_cuts_no_name() -> None:
    one = Estimate(mean=0.123456, low=0.1, high=0.2, parts=np.zeros(1))
    value = Value(success=one, usd=one, usd_per_success=one)
    cells = tuple(
        CellFacts(route="auto", requests=9, task="classification-of-long-things",
                  deployment=name, logged_share=0.5, new_share=0.25, feedback_rate=0.1,
                  logged_success=None)
        for name in NAMES
    )  # fmt: skip
    found = Evaluation(
        requests=1234567, since=1.7e9, until=1.71e9, left_out={"of another route": 12},
        unpriced={NAMES[0]: 1234},
        logged=value, repriced=value, gain=one, saved_usd=one, samples=1e5, judged=1e4,
        unseen=0.1, largest_weight=12.0, refusal=None, cells=cells,
        by_estimator=dict.fromkeys(("ips", "snips", "dr", "switch_dr"), value), new_usd=one,
        labels=Labels(judged=123456, difference=0.0123, more=1234567),
    )  # fmt: skip
    text = evaluation_report.report_lines(found, policy="a.toml", prices=("x=x2",), width=WIDTH)
    held("\n".join(text))
    many = tuple(replace(cells[0], task=f"t{n:03}", requests=n) for n in range(60))
    tasks = replace(found, cells=(*many, *(replace(each, deployment="b/c") for each in many)))
    text = "\n".join(evaluation_report.report_lines(tasks, policy="", prices=(), width=WIDTH))
    assert "10 more tasks with fewer requests: --json has them" in text
    assert "t010" in text and "t009" not in text


def test_a_rehearsal_fits_and_cuts_no_name() -> None:
    one = Interval(mean=0.123456, as_believed=0.12, low=0.1, high=0.2)
    facts = {"spend_usd": one, "success": one, "p95_latency_s": one}
    runs = tuple(
        Figures(name=name, shares=dict.fromkeys(NAMES, one), **facts)
        for name in ("as it is", "changed", "inverse_square_price")
    )  # fmt: skip
    found = Rehearsal(
        route="auto", requests=1234567, hours=24.0, starts_at=1.7e9, seeds=10, every=20, runs=runs,
        changes=(f"{LONG}=1.5/6 after 7d",), difference=runs[1],
        unknown=tuple(f"{name} was never called here: " + "word " * 20 for name in NAMES),
    )  # fmt: skip
    held("\n".join(rehearsal_report.report_lines(found, width=WIDTH)))


def test_feeds_are_shown_one_line_a_row(out) -> None:
    assert check.check_feeds(None, live=False, write=False)
    found = held(out.getvalue(), ())
    assert any("google/gemini-2.5-pro" in line for line in found)


def test_notes_of_an_import_fit(out, tmp_path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: x\n    litellm_params: {model: openai/gpt-4o, api_key: k, "
        "some_odd_parameter_of_long_name: 5, mock_response: hello}\n"
    )
    tables.import_litellm(config, tmp_path / "w.toml", force=False)
    words = [line for line in out.getvalue().splitlines() if str(tmp_path) not in line]
    assert words and all(len(line) <= WIDTH for line in words)
    assert Imported


NEEDS = {
    "alarms silence": ["x"],
    "explain": ["x"], "learn": ["x.csv"], "prices show": ["a/b"], "prices history": ["a/b"],
    "prices approve": ["a/b", "f"], "prices reject": ["a/b", "f"], "alarms undo": ["a/b"],
    "keys show": ["x"], "keys revoke": ["x"], "keys rotate": ["x"], "simulate": ["nosuch"],
    "db backup": ["copy.db"], "import litellm": ["no.yaml"], "feeds check": ["nosuch"],
}  # fmt: skip
MAKES = {"serve", "demo", "keys create", "db upgrade"}
CONFIG = (
    '[providers.acme]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "${NO_SUCH}"\n'
    'price = { input = 1, output = 4 }\n[routes.auto]\ncandidates = ["acme/m"]\n'
    "[feeds]\nenabled = []\n"
)


@pytest.mark.parametrize("config", ["", CONFIG], ids=["empty", "unset variable"])
def test_looking_around_in_a_fresh_folder_leaves_nothing(config, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if config:
        (tmp_path / "windsock.toml").write_text(config)
    before = sorted(tmp_path.iterdir())
    for name in COMMANDS.keys() - MAKES:
        words = [*name.split(), *NEEDS.get(name, [])]
        if "url" in {each.name for each in COMMANDS[name].params}:
            words += ["--url", "http://127.0.0.1:9"]
        done = CliRunner().invoke(app, words, env={"WINDSOCK_URL": None, "WINDSOCK_API_KEY": None})
        error = done.exception
        assert error is None or isinstance(error, WindsockError | SystemExit), (name, error)
        assert "no such table" not in f"{error}{done.output}", name
        assert "NO_SUCH" not in f"{error}" or name == "doctor", name
        assert sorted(tmp_path.iterdir()) == before, name


ODD_INPUT = (
    "serve --port 99999", "demo --port 99999", "serve --host nonsense.invalid --port 0",
    "serve --port TAKEN", "demo --port TAKEN", "learn folder", "learn bytes", "doctor -c folder",
    "import litellm bytes --to new.toml", "import litellm models.yaml --to nowhere/new.toml",
    "db backup nowhere/x", "feeds check bytes", "weights --key ключ", "weights --url http://[",
    "explain ?x --url http://127.0.0.1:9", "keys create x --rpm 99999999999999999999",
    "keys create x --budget-usd inf", "keys create x --budget-usd nan", "keys show '",
    "keys create x --expires 99999999999d", "simulate price-cut --outcomes bytes",
    "simulate price-cut --report nowhere/x.html", "evaluate --since 2026-13-01",
    "report --since nan", "keys create ", "evaluate --policy nowhere.toml",
)  # fmt: skip


@pytest.mark.parametrize("words", ODD_INPUT)
def test_odd_input_is_one_sentence(words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "windsock.toml").write_text(CONFIG.replace("${NO_SUCH}", "k"))
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(bytes(range(128, 256)))
    entry = "model_list:\n  - model_name: x\n    litellm_params: {model: openai/gpt-4o}\n"
    (tmp_path / "models.yaml").write_text(entry)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = words.replace("TAKEN", str(taken.getsockname()[1]))
        done = CliRunner().invoke(app, words.split(" "))
    assert done.exit_code != 0
    if isinstance(done.exception, SystemExit):  # typer's own sentence on an option
        assert done.exit_code == 2
    else:
        assert isinstance(done.exception, WindsockError), done.exception
        assert "\n" not in str(done.exception)


def test_a_group_alone_shows_its_page_and_ends_with_two(tmp_path) -> None:
    for words in ([], ["alarms"], ["db"]):
        done = windsock(*words, folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("Usage: windsock")


def test_the_version_is_an_option_too(tmp_path) -> None:
    said = windsock("--version", folder=tmp_path)
    assert said.returncode == 0
    assert said.stdout == windsock("version", folder=tmp_path).stdout


def test_doctor_goes_on_where_a_variable_is_not_set(tmp_path) -> None:
    (tmp_path / "windsock.toml").write_text(CONFIG)
    done = windsock("doctor", "--json", folder=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert "NO_SUCH, which is not set" in found[0]["text"]
    assert {each["subject"] for each in found} >= {"store", "acme/m"}
    assert not any(each["subject"] == "provider acme" for each in found)


def test_a_shell_completes_commands_and_names(tmp_path) -> None:
    for begun, word in (("simulate price-", "price-cut"), ("pri", "prices"),
                        ("keys create x --scope in", "infer")):  # fmt: skip
        done = windsock(
            folder=tmp_path, _WINDSOCK_COMPLETE="complete_zsh",
            _TYPER_COMPLETE_ARGS=f"windsock {begun}",
        )  # fmt: skip
        assert word in done.stdout


async def test_weights_are_watched_until_they_change(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 1.0))
        async with running(config, tmp_path) as it:
            command = [sys.executable, "-m", "windsock", "weights", "--watch", "--json"]
            watch = await asyncio.create_subprocess_exec(
                *command, "--url", it.url, stdout=asyncio.subprocess.PIPE
            )
            assert watch.stdout is not None
            async with asyncio.timeout(60):
                first = json.loads(await watch.stdout.readline())
                body = {"route": "auto", "results": [
                    {"task": "default", "deployment": "bolt/m", "success": 0.05, "count": 500},
                    {"task": "default", "deployment": "acme/m", "success": 0.99, "count": 500},
                ]}  # fmt: skip
                await it.http.post("/v1/learn", json=body)
                second = json.loads(await watch.stdout.readline())
            watch.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(watch.wait(), 30) == 130
    assert first["data"] != second["data"]


async def test_the_history_of_a_name_that_nobody_knows_names_one_that_is(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            for name in ("acme/n", "zz/zzzzzzz"):
                with pytest.raises(WindsockError) as raised:
                    await asyncio.to_thread(price_tables.show_history, ServiceClient(it.url), name)
                assert "None" not in str(raised.value)
                assert "acme/m" in str(raised.value) or "lists all" in str(raised.value)


@pytest.mark.parametrize("how", ["Ctrl-C", "make alone", "killed"])
def test_make_run_that_is_interrupted_ends_its_child(how, tmp_path) -> None:
    """The rule of the Makefile, whose command stands here on another port."""
    rule = (Path(__file__).parents[2] / "Makefile").read_text()
    recipe = rule.partition("\nrun: $(SERVE)\n\t")[2].partition("\n")[0]
    port = free_port()
    command = f"{sys.executable} -m windsock"
    words = f"{recipe.replace('$(BIN)/windsock', command)} --port {port}"
    (tmp_path / "Makefile").write_text(f"run:\n\t{words}\n")
    make = subprocess.Popen(
        ["make", "run"], cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in a terminal
    )  # fmt: skip
    try:
        assert make.stderr is not None
        while b"routing on" not in make.stderr.readline():
            assert make.poll() is None
        if how == "killed":
            make.kill()
        elif how == "make alone":
            make.send_signal(signal.SIGINT)
        else:
            os.killpg(make.pid, signal.SIGINT)  # as a terminal does
        make.wait(60)  # calls under way have 30 s to end
        ends = time.monotonic() + 30
        while _is_taken(port) and time.monotonic() < ends:
            time.sleep(0.1)
        assert not _is_taken(port)
    finally:
        make.stderr.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)
        make.wait(30)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
