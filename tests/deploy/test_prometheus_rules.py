"""The rules for Alertmanager name what a service really tells, and every event of trouble."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.core.model.events import EventKind
from windsock.observability.alarms import Alarms

RULES = Path(__file__).parents[2] / "deploy/prometheus/windsock.rules.yml"
TROUBLE = {
    EventKind.ERRORS_ROSE, EventKind.CAP_OUTPACED, EventKind.CAP_SPENT, EventKind.PRICE_HELD,
    EventKind.PRICE_DISPUTED, EventKind.FEED_WENT_STALE, EventKind.PRICE_VANISHED,
    EventKind.MODEL_LISTED, EventKind.MODEL_RETIRES, EventKind.QUALITY_DRIFTED,
    EventKind.KEYS_DISAGREE, EventKind.BILL_DOUBTED, EventKind.CONFIG_REJECTED,
    EventKind.EVIDENCE_DISAGREES, EventKind.ROUTE_IS_DOWN, EventKind.LOOP_IS_LATE,
    EventKind.STORE_IS_BEHIND, EventKind.SPEND_ROSE,
}  # fmt: skip


def rules() -> list[dict[str, str]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, str]] = group["rules"]
    return found


def events_of(expression: str) -> Iterator[str]:
    for names in re.findall(r'event=~?"([^"]*)"', expression):
        yield from names.split("|")


def test_every_event_that_a_rule_waits_for_may_happen_and_trouble_has_a_rule() -> None:
    named = {name for rule in rules() for name in events_of(rule["expr"])}
    assert named <= {kind.value for kind in EventKind}
    assert {kind.value for kind in TROUBLE - {EventKind.PRICE_DISPUTED}} <= named


def test_a_rule_that_waits_for_an_alarm_waits_for_one_that_is_counted() -> None:
    asked = [rule["expr"] for rule in rules() if "windsock_alarms" in rule["expr"]]
    kinds = {name for each in asked for name in events_of(each)}
    assert kinds <= Alarms().counts().keys()
    assert len(asked) >= 8


def test_every_rule_stands_in_the_table_of_alarms() -> None:
    table = (RULES.parents[2] / "docs/events.md").read_text()
    missing = [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in table]
    assert not missing


def test_every_rule_says_what_is_and_how_to_mend_it() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) >= 15
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "mend"}
        assert rule["labels"]["severity"] in ("page", "ticket", "info")


@pytest.mark.parametrize("style", ["text/plain"])
async def test_every_metric_of_the_rules_is_on_the_page(style, tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        async with running(config_of(("acme", model.url, 1.0)), tmp_path) as it:
            body = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
            (await it.http.post("/v1/chat/completions", json=body)).raise_for_status()
            page = (await it.http.get("/metrics", headers={"accept": style})).text
    told = set(re.findall(r"^# TYPE (windsock_\w+)", page, re.M))
    asked = {name for rule in rules() for name in re.findall(r"windsock_\w+", rule["expr"])}
    assert asked <= told, asked - told


async def test_every_event_has_a_count_before_it_ever_happened(tmp_path) -> None:
    """Of a counter that comes to be with its first event `increase` would not see that event."""
    async with running(config_of(("acme", "http://127.0.0.1:9/v1", 1.0)), tmp_path) as it:
        page = (await it.http.get("/metrics")).text
    counted = set(re.findall(r'^windsock_events_total{event="([^"]+)"}', page, re.M))
    assert counted == {kind.value for kind in EventKind}
    standing = dict(re.findall(r'^windsock_alarms{event="([^"]+)"} (\S+)', page, re.M))
    assert set(standing.values()) == {"0.0"} and len(standing) >= 10
