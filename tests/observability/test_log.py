"""Secrets never reach the log."""

import io
import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from tests.running import config_of, running
from tests.store.samples import outcome
from tests.upstream import Answer, upstream
from windsock.app.background.intake.ingestion import log_event
from windsock.core.model.events import Event, EventKind
from windsock.core.model.units import Meter
from windsock.observability import log
from windsock.observability.event_names import EVENTS


@pytest.mark.parametrize(
    "text",
    [
        "Bearer sk-abcdefgh12345678",
        "key sk-ws-0123456789ab-secretsecret",
        "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4",
        "https://user:hunter22@host/path",
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    clean = log.redacted(text)
    assert "[redacted]" in clean
    for secret in ("abcdefgh12345678", "secretsecret", "SflKxw", "hunter22"):
        assert secret not in clean


def test_every_event_in_the_code_is_listed() -> None:
    import re
    from pathlib import Path

    root = Path(log.__file__).parents[1]
    text = "\n".join(path.read_text() for path in root.rglob("*.py"))
    used = set(re.findall(r'event_log\(\)\.\w+\(\s*"([\w.]+)"', text))
    used |= set(re.findall(r'kind="([a-z]+\.[a-z_]+)"', text))
    assert used
    assert used <= EVENTS


async def test_prompts_answers_and_keys_stay_out_of_the_log(tmp_path) -> None:
    lines = io.StringIO()
    log.configure(stream=lines)
    canary = "canary-prompt-4711"
    broken = Answer(
        {"error": {"message": "canary-answer-4711 sk-upstream-acme-secret"}}, status=500
    )
    async with upstream(lambda _: broken) as acme:
        async with running(config_of(("acme", acme.url, 1.0)), tmp_path) as it:
            ask = {"model": "auto", "messages": [{"role": "user", "content": canary}]}
            await it.http.post("/v1/chat/completions", json=ask)
            await it.service.ledger.flushed()
    written = lines.getvalue()
    assert "request.finished" in written
    for line in written.splitlines():
        json.loads(line)
    for secret in (canary, "canary-answer", "sk-upstream"):
        assert secret not in written
    store = (tmp_path / "windsock.db").read_bytes()
    assert canary.encode() not in store
    assert b"sk-upstream" not in store


def test_a_price_move_is_one_line_of_plain_numbers() -> None:
    lines = io.StringIO()
    log.configure(stream=lines)
    facts = {"usd_per_mtok": {Meter.INPUT: Decimal("0.27")}, "feed": "sheet"}
    log_event(Event(kind="price.shifted", deployment="acme/m", at=1.0, facts=facts))
    line = json.loads(lines.getvalue())
    assert line["event"] == "price.shifted"
    assert line["usd_per_mtok"] == {"input": 0.27}
    assert (line["deployment"], line["level"]) == ("acme/m", "info")


def test_a_name_that_would_speak_to_the_terminal_does_not() -> None:
    lines = io.StringIO()
    log.configure(stream=lines, is_json=False)
    facts = {"before": "m", "served": "m\x1b]0;owned\x07\x9b31m\rforged"}
    log_event(Event(kind="model.redirected", deployment="acme/m", at=1.0, facts=facts))
    assert "m?]0;owned??31m?forged" in lines.getvalue()
    assert not {"\x1b", "\x9b", "\r"} & set(lines.getvalue())


@pytest.mark.parametrize(
    ("kind", "facts", "level"),
    [("config.rejected", {}, "warning"), ("config.reloaded", {}, "info"),
     ("feed.failed", {}, "warning"), ("feed.recovered", {}, "info"),
     ("quality.drifted", {"finding": "worse"}, "warning"),
     ("quality.drifted", {"finding": "recovered"}, "info")],
)  # fmt: skip
def test_what_is_to_be_looked_at_is_a_warning(kind: str, facts: dict[str, Any], level: str) -> None:
    lines = io.StringIO()
    log.configure(stream=lines, level="warning" if level == "warning" else "info")
    log_event(Event(kind=EventKind(kind), deployment="", at=1.0, facts=facts))
    assert json.loads(lines.getvalue())["level"] == level


def test_libraries_are_heard_in_lines_of_the_same_form_without_what_they_quote() -> None:
    lines = io.StringIO()
    log.configure(stream=lines)
    try:
        raise ValueError("canary-prompt")
    except ValueError:
        logging.getLogger("asyncio").exception("never retrieved\nfuture: canary-prompt")
    logging.getLogger("asyncio").info("not told")
    line = json.loads(lines.getvalue())
    assert (line["event"], line["level"]) == ("library.warned", "warning")
    assert (line["library"], line["said"]) == ("asyncio", "never retrieved")
    assert line["error"] == "ValueError"
    assert "canary" not in lines.getvalue()


async def test_lines_of_requests_are_written_together_but_never_many_at_once() -> None:
    lines = io.StringIO()
    log.configure(stream=lines)
    for number in range(2 * log.MOST_HELD + 1):
        log.request_finished(outcome(number))
    assert len(lines.getvalue().splitlines()) == 2 * log.MOST_HELD
    log.event_log().info("service.ready")
    assert len(lines.getvalue().splitlines()) == 2 * log.MOST_HELD + 2
