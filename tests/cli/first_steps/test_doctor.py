"""`windsock doctor` finds what an operator will hit, names the mend, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import threading
from collections import namedtuple
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.command import windsock
from tests.process import free_port
from tests.running import running
from tests.upstream import Answer, completion, upstream
from windsock.cli.doctor import Diagnosis, examine
from windsock.cli.doctor.machine import diagnose_clock, diagnose_room
from windsock.cli.doctor.reached import is_listed, listed_models
from windsock.clock import SystemClock
from windsock.config.file import parse
from windsock.store.migrations import upgrade

Said = Callable[[str], tuple[int, Any]]


@pytest.fixture
def provider() -> Iterator[tuple[str, dict[str, tuple[int, Any]], dict[str, str]]]:
    """A provider on loopback: its address, what it answers by path, headers that it adds."""
    answers: dict[str, tuple[int, Any]] = {}
    headers: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, {}))
            raw = json.dumps(body).encode()
            self.send_response_only(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", answers, headers
    server.shutdown()
    thread.join()
    server.server_close()


def config_of(url: str, *models: str, preset: str = "deepseek", rest: str = "") -> str:
    names = ", ".join(f'"acme/{model}"' for model in models or ("m",))
    return (
        f'[providers.acme]\nbase_url = "{url}"\napi_key = "k"\npreset = "{preset}"\n'
        "price = { input = 1, output = 4 }\n[feeds]\nenabled = []\n"
        f"[server]\nport = {free_port()}\n{rest}"
        f"[routes.auto]\ncandidates = [{names}]\n"
    )


def found(config: str) -> dict[str, Diagnosis]:
    """The last finding on each subject that is not fine, and those that are on others."""
    findings = examine(parse(config, {}, source="windsock.toml"), {})
    return {each.subject: each for each in sorted(findings, key=lambda each: not each.ok)}


def faults(config: str) -> dict[str, str]:
    return {name: each.text for name, each in found(config).items() if not each.ok}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_where_all_is_well_there_is_nothing_to_mend_and_nothing_is_left(provider, here) -> None:
    url, answers, headers = provider
    answers["/v1/models"] = 200, {"object": "list", "data": [{"id": "m"}, {"id": "n"}]}
    answers["/user/balance"] = 200, {"balance_infos": [{"total_balance": "12.50"}]}
    headers["date"] = formatdate(SystemClock().now())
    assert faults(config_of(url)) == {}
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("models", "listed", "is_named"),
    [
        (["m"], {"data": [{"id": "a-model"}, {"id": "m2"}]}, True),
        (["gpt-4o"], {"data": [{"id": "gpt-4o-2024-08-06"}]}, False),
        (["claude-x-20250929"], {"data": [{"id": "claude-x"}]}, False),
        (["qwen:free"], {"data": [{"id": "qwen"}]}, False),
        (["gemini-x"], {"models": [{"name": "models/gemini-x"}]}, False),
        (["gemini-y"], {"models": [{"name": "models/gemini-x"}]}, True),
        (["Llama-3"], [{"id": "meta/llama-3"}], False),
        (["m"], {"data": [{"id": "a"}], "has_more": True}, False),
        (["m"], {"data": []}, False),
        (["m"], "hello", False),
    ],
)
def test_what_a_list_says_of_a_model(models, listed, is_named) -> None:
    """Nothing, where it is no whole list."""
    found = listed_models(httpx.Response(200, json=listed))
    assert (bool(found) and not is_listed(models[0], found)) == is_named


def test_rows_of_an_own_sheet_that_cannot_be_read_and_one_far_from_every_list(here) -> None:
    head = "provider,model,input,output\n"
    rows = "openai,gpt-4o,0.0025,0.01\nopenai,o3,2e-6,8e-6\nopenai,gpt-4o-mini,0.15,0.6\n"
    (here / "prices.csv").write_text(head + rows, encoding="utf-8")
    told = found(
        '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "k"\n'
        '[feeds]\nenabled = ["genai-prices", "price-sheet"]\n'
        f'[feeds.override.price-sheet]\nurl = "file:{here / "prices.csv"}"\n'
        '[routes.auto]\ncandidates = ["openai/gpt-4o", "openai/gpt-4o-mini"]\n'
    )
    sheet = told["feed price-sheet"]
    assert sheet.is_unsure
    assert sheet.text.startswith("2 rows, 1 not read: openai/o3: unreadable: $0.000002")
    assert "not $0.0025/0.01; is its unit right?" in told["openai/gpt-4o"].text
    assert not told["openai/gpt-4o-mini"].is_unsure


def test_an_own_price_in_a_currency_without_a_rate_names_the_rate(provider, here) -> None:
    text = config_of(provider[0]).replace("output = 4", 'output = 4, currency = "EUR"')
    told = faults(text)["acme/m"]
    assert "stated in EUR" in told
    assert "add [currencies.EUR] with usd, at and source" in told


def test_a_model_that_the_key_may_not_use(provider, here) -> None:
    url, answers, _ = provider
    answers["/v1/models"] = 200, {"data": [{"id": "m"}, {"id": "model-a"}]}
    told = faults(config_of(url, "m", "model-b"))
    assert set(told) == {"acme/model-b"}
    assert "does not name model-b (it names model-a)" in told["acme/model-b"]
    assert "ask the provider for access" in told["acme/model-b"]


@pytest.mark.parametrize(
    ("preset", "path", "body", "told"),
    [
        ("deepseek", "/user/balance", {"balance_infos": [{"total_balance": "0.00"}]}, "no credit"),
        ("openrouter", "/v1/key", {"data": {"limit_remaining": -0.2}}, "no credit"),
        ("openrouter", "/v1/key", {"data": {"limit_remaining": None}}, ""),
        ("moonshot", "/v1/users/me/balance", {"data": {"available_balance": 0}}, "no credit"),
        ("moonshot", "/v1/users/me/balance", {"code": 5}, ""),
        ("deepseek", "/user/balance", "later", ""),
    ],
)
def test_a_key_without_credit(preset, path, body, told, provider, here) -> None:
    url, answers, _ = provider
    answers["/v1/models"] = 200, {"data": [{"id": "m"}]}
    answers[path] = 200, body
    said = faults(config_of(url, preset=preset))
    assert ("provider acme" in said) == bool(told)
    assert all(told in text and "top up" in text for text in said.values())


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "api_key"), (403, "api_key"), (402, "top up"), (500, "elsewhere meanwhile")],
)
def test_a_provider_that_refuses(status, words, provider, here) -> None:
    url, answers, _ = provider
    answers["/v1/models"] = status, {"error": {"message": "no"}}
    assert words in faults(config_of(url))["provider acme"]


def test_an_address_that_lacks_its_path(provider, here) -> None:
    url, answers, _ = provider
    host = url.removesuffix("/v1")
    assert "is there (answers 404)" in found(config_of(host))["provider acme"].text
    answers["/v1/models"] = 200, {"data": [{"id": "m"}]}
    assert f'write base_url = "{url}"' in faults(config_of(host))["provider acme"]
    answers["/v1/models"] = 401, {"error": "no"}
    assert f'write base_url = "{url}"' in faults(config_of(host))["provider acme"]


def test_a_cache_that_nobody_answers_for_and_one_that_is_there(provider, here) -> None:
    url, answers, _ = provider
    answers["/v1/models"] = 200, {"data": [{"id": "m"}]}
    port = httpx.URL(url).port
    kept = '[cache]\nenabled = true\nurl = "redis://:secret@127.0.0.1:{}"\n'
    assert found(config_of(url, rest=kept.format(port)))["cache"].ok
    told = faults(config_of(url, rest=kept.format(free_port())))["cache"]
    assert "nobody answers at 127.0.0.1:" in told
    assert "secret" not in told


@pytest.mark.parametrize("ahead_s", [-7200.0, 95.0])
def test_a_clock_that_is_wrong(ahead_s, provider, here) -> None:
    url, answers, headers = provider
    answers["/v1/models"] = 200, {"data": [{"id": "m"}]}
    headers["date"] = formatdate(SystemClock().now() - ahead_s)
    text = faults(config_of(url))["clock"]
    assert "NTP" in text and ("ahead of" in text) == (ahead_s > 0)


def test_one_odd_server_says_nothing_of_the_clock() -> None:
    (told,) = diagnose_clock([0.2, 9000.0, -1.0])
    assert told.ok
    assert diagnose_clock([]) == []


def test_a_port_that_is_taken_and_one_that_windsock_has(here) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = f"[server]\nport = {taken.getsockname()[1]}\n"
        assert (
            "[server]"
            in faults(
                config_of("http://127.0.0.1:9").partition("[server]")[0]
                + config
                + '[routes.auto]\ncandidates = ["acme/m"]\n'
            )["port"]
        )


async def test_a_port_where_windsock_runs_is_well(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(model.url, preset="openai")
        async with running(config, tmp_path) as it:
            port = it.url.rpartition(":")[2]
            there = config.replace("port = ", f"port = {port} #")
            told = await asyncio.to_thread(found, there)
    assert told["port"].ok and "runs at" in told["port"].text


Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("free", "ok", "is_unsure"), [(5e6, False, True), (5e8, True, True), (5e10, True, False)]
)
def test_a_disk_that_fills(free, ok, is_unsure, here, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(1e11, 0, free))
    settings = parse('[store]\nurl = "sqlite:///windsock.db"\n', {}, source="x")
    (told,) = diagnose_room(settings)
    assert (told.ok, told.is_unsure) == (ok, is_unsure)
    assert ok or "make room" in told.text


def test_postgres_has_room_of_its_own() -> None:
    settings = parse('[store]\nurl = "postgresql://nobody@nowhere/x"\n', {}, source="x")
    assert diagnose_room(settings) == []


def test_an_old_schema_names_the_command_and_stays_as_it_was(here) -> None:
    upgrade("sqlite:///windsock.db")
    with contextlib.closing(sqlite3.connect("windsock.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "windsock db upgrade" in faults(config_of("http://127.0.0.1:9"))["store"]
    with contextlib.closing(sqlite3.connect("windsock.db")) as store:
        assert store.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_the_command_ends_with_one_where_something_is_to_be_mended(here) -> None:
    (here / "windsock.toml").write_text(config_of("http://127.0.0.1:9"))
    done = windsock("doctor", "--json", folder=here)
    told = {each["subject"]: each["text"] for each in json.loads(done.stdout) if not each["ok"]}
    assert done.returncode == 1
    assert set(told) == {"provider acme"} and "check base_url" in told["provider acme"]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (402, {"message": "Insufficient Balance"}, "top up"),
        (429, {"message": "no", "code": "insufficient_quota"}, "top up"),
        (401, {"message": "Incorrect API key", "code": "invalid_api_key"}, "make a new one"),
        (404, {"message": "no such model", "code": "model_not_found"}, "name another candidate"),
    ],
)
async def test_calls_that_were_refused_tell_what_no_list_tells(
    status, error, words, tmp_path
) -> None:
    async with upstream(lambda _: Answer({"error": error}, status=status)) as model:
        config = config_of(model.url, preset="openai")
        config += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n'
        async with running(config, tmp_path) as it:
            body = {"model": "acme/m", "messages": [{"role": "user", "content": "hello"}]}
            assert (await it.http.post("/v1/chat/completions", json=body)).is_error
        told = await asyncio.to_thread(faults, config)
    assert any(words in text for text in told.values()), told


async def test_a_floor_that_nobody_reaches(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(model.url, preset="openai").replace(
            'candidates = ["acme/m"]', 'candidates = ["acme/m"]\nquality_floor = 0.95'
        )
        config += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n'
        async with running(config, tmp_path) as it:
            results = [{"task": "sql", "deployment": "acme/m", "success": 0.6, "count": 300}]
            lesson = {"route": "auto", "results": results, "strength": 300.0}
            (await it.http.post("/v1/learn", json=lesson)).raise_for_status()
        told = await asyncio.to_thread(faults, config)
        hidden = await asyncio.to_thread(faults, config.replace("0.95", "0.3"))
    text = told["floor of auto / sql"]
    assert "95.0% is out of reach" in text and "acme/m" in text and "quality_floor" in text
    assert not any(name.startswith("floor") for name in hidden)


async def test_a_floor_over_a_route_that_nobody_reaches(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(model.url, preset="openai").replace(
            'candidates = ["acme/m"]', 'candidates = ["acme/m"]\nroute_quality_floor = 0.8'
        )
        config += f'[store]\nurl = "sqlite:///{tmp_path}/windsock.db"\n'
        async with running(config, tmp_path) as it:
            results = [{"task": task, "deployment": "acme/m", "success": rate, "count": 300}
                       for task, rate in (("sql", 0.5), ("chat", 0.9))]  # fmt: skip
            lesson = {"route": "auto", "results": results, "strength": 300.0}
            (await it.http.post("/v1/learn", json=lesson)).raise_for_status()
        told = await asyncio.to_thread(faults, config)
        hidden = await asyncio.to_thread(faults, config.replace("0.8", "0.6"))
    text = told["floor of auto"]
    assert "80.0% is out of reach: the best is the best at each task with 70" in text
    assert "lower routes.auto.route_quality_floor" in text
    assert not any(name.startswith("floor") for name in hidden)


def test_names_in_lists() -> None:
    listed = frozenset({"openai/gpt-4o", "gpt-5-2026-01-01"})
    assert is_listed("gpt-4o", listed) and is_listed("gpt-5", listed)
    assert not is_listed("gpt-4", listed)
    assert is_listed("llama3", {"llama3:latest"}) and not is_listed("llama3", {"llama3:70b"})
