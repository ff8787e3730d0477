"""Rules and dashboard with a real Prometheus: `make grafana`. Each rule fires, and stays silent
just below; every question of every panel is answered from a service that Prometheus scrapes."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.deploy.dashboard import DEPLOY, asked
from tests.deploy.test_grafana_dashboard import HOOKED
from tests.process import free_port
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

RULES = DEPLOY / "prometheus/windsock.rules.yml"
Series = dict[str, str]


def alarm(event: str) -> tuple[Series, Series]:
    name = f'windsock_alarms{{event="{event}"}}'
    return {name: "0x10 1x120"}, {name: "0x130"}


def event(*kinds: str) -> tuple[Series, Series]:
    """The first ever is seen: its count is there from the start."""
    counts = {f'windsock_events_total{{event="{kind}"}}': "0x130" for kind in kinds}
    return {**counts, next(iter(counts)): "0x100 1x30"}, counts


def failing(failed: str, all_: str = "0+60x130") -> Series:
    names = 'route="auto",task="t",deployment="a/m"'
    return {
        f"windsock_requests_total{{{names}}}": all_,
        f"windsock_requests_failed_total{{{names}}}": failed,
    }


CASES: dict[str, list[tuple[Series, Series]]] = {
    "WindsockAllCandidatesDown": [alarm("route.is_down")],
    "WindsockErrorsRising": [alarm("errors.rose")],
    "WindsockRequestsFail": [
        (failing("0+4x130"), failing("0+2x130")),
        (failing("0+4x130"), failing("0x100 4x30", "0x100 4x30")),
    ],
    "WindsockSpendPace": [alarm("cap.spent"), alarm("cap.outpaced"), alarm("spend.rose")],
    "WindsockPriceDissent": [
        ({'windsock_price_disputed_by{deployment="a/m"}': "0x10 1x120"},
         {'windsock_price_disputed_by{deployment="a/m"}': "0x90 1x30 0x10"}),
    ],
    "WindsockPriceHeld": [event("price.held")],
    "WindsockPriceStale": [
        ({'windsock_price_stale{deployment="a/m"}': "0x10 1x120"},
         {'windsock_price_stale{deployment="a/m"}': "0x90 1x40"}),
    ],
    "WindsockFeedStale": [alarm("feed.went_stale")],
    "WindsockRowVanished": [
        event("price.vanished"), event("price.unread"), event("model.retires"),
    ],
    "WindsockModelListed": [event("model.listed")],
    "WindsockQualityDrift": [alarm("quality.drifted")],
    "WindsockFloorOutOfReach": [alarm("floor.out_of_reach")],
    "WindsockEvidenceDisagrees": [alarm("evidence.disagrees")],
    "WindsockJudgeUnread": [alarm("judge.is_unread")],
    "WindsockKeysDisagree": [event("feedback.keys_disagree")],
    "WindsockBillsDoubted": [event("bill.doubted"), event("bill.drifted"), event("usage.doubted")],
    "WindsockStoreBehind": [
        alarm("store.is_behind"),
        ({"windsock_ledger_dropped_total": "0x113 3x15"},
         {"windsock_ledger_dropped_total": "3x130"}),
    ],
    "WindsockLoopLate": [alarm("loop.is_late")],
    "WindsockReplicasDiffer": [
        ({'windsock_alarms{event="replicas.differ"}': "0x10 1x120"},
         {'windsock_alarms{event="replicas.differ"}': "0x90 1x20 0x20"}),
    ],
    "WindsockTaskDied": [
        ({'windsock_task_restarts_total{task="polls"}': "0x110 1x20"},
         {'windsock_task_restarts_total{task="polls"}': "1x130"}),
        ({'windsock_task_down{task="polls"}': "1x130"},
         {'windsock_task_down{task="polls"}': "0x130",
          'windsock_task_age_seconds{task="webhook 1"}': "0+60x130"}),
    ],
    "WindsockLoadRefused": [
        ({"windsock_requests_refused_total": "0+2x130"},
         {"windsock_requests_refused_total": "0+1x130"}),
    ],
    "WindsockWebhookBehind": [
        ({'windsock_webhook_waiting{webhook="1"}': "0x100 4x30"},
         {'windsock_webhook_waiting{webhook="1"}': "0x116 4x14"}),
        ({'windsock_webhook_lost_total{webhook="1"}': "0x110 2x20"},
         {'windsock_webhook_lost_total{webhook="1"}': "2x130"}),
    ],
    "WindsockConfigRejected": [
        ({'windsock_events_total{event="config.rejected"}': "0x113 1x17"},
         {'windsock_events_total{event="config.rejected"}': "1x130"}),
    ],
    "WindsockDown": [
        ({'up{job="windsock"}': "1x100 0x30"}, {'up{job="windsock"}': "1x100 0x0 1x30"}),
    ],
}  # fmt: skip
"""By alert: pairs of what makes it fire after two hours, and what lies just below; minute by
minute."""
AT = "2h"


def program(name: str) -> str:
    """Where Prometheus' programs are: PROMETHEUS names their folder."""
    folder = os.environ.get("PROMETHEUS")
    found = shutil.which(name, path=folder) or shutil.which(name)
    assert found, f"{name} is not there: `make grafana` fetches it, or set PROMETHEUS"
    return found


def rules() -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def checks() -> Iterator[dict[str, Any]]:
    for alert, cases in CASES.items():
        for fires, silent in cases:
            yield check(alert, fires, is_firing=True)
            yield check(alert, silent, is_firing=False)


def check(alert: str, series: Series, *, is_firing: bool) -> dict[str, Any]:
    """One test of promtool: whether an alert fires, whatever labels it has."""
    sides = [{"series": name, "values": values} for name, values in series.items()]
    expression = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": 1}] if is_firing else []
    asked = {"expr": expression, "eval_time": AT, "exp_samples": samples}
    return {"interval": "1m", "input_series": sides, "promql_expr_test": [asked]}


def test_promtool_reads_the_rules() -> None:
    subprocess.run([program("promtool"), "check", "rules", str(RULES)], check=True)


def test_every_alert_fires_and_stays_silent_just_below(tmp_path: Path) -> None:
    assert CASES.keys() == rules().keys()
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": list(checks())}))
    ended = subprocess.run(
        [program("promtool"), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@asynccontextmanager
async def prometheus(target: str, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Scrapes the service twice a second, with our rules."""
    config = {
        "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "windsock", "static_configs": [{"targets": [target]}]}],
    }
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(config))
    process = await asyncio.create_subprocess_exec(
        program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            yield http
    finally:
        process.terminate()
        await process.wait()


async def result(http: httpx.AsyncClient, expression: str) -> list[Any]:
    answer = (await http.post("/api/v1/query", data={"query": expression})).json()
    assert answer["status"] == "success", (expression, answer)
    found: list[Any] = answer["data"]["result"]
    return found


UNASKED = {"Refused for money, and saved", "Prices moved"}
"""Panels that may have no lines where nothing has happened."""


async def test_every_question_of_every_panel_is_answered(tmp_path: Path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0)) + HOOKED
        async with (
            running(config, tmp_path) as it,
            prometheus(it.url.removeprefix("http://"), tmp_path) as http,
        ):
            ask = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
            for _ in range(40):
                (await it.http.post("/v1/chat/completions", json=ask)).raise_for_status()
                await asyncio.sleep(0.25)
            empty = {title for title, expression in asked() if not await result(http, expression)}
            alerts = (await http.get("/api/v1/alerts")).json()["data"]["alerts"]
    assert empty <= UNASKED
    assert not [each for each in alerts if each["state"] == "firing"], "a quiet service"
