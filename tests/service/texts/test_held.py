"""Texts are held in memory where the operator allows it: bounded, and never the private ones."""

import sqlite3
from dataclasses import replace

import pytest

from tests.running import Running, config_of, running
from tests.service.texts.test_reading import DONE, texts
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.clock import ManualClock
from windsock.core.model.requests import DEFAULT_NAMESPACE
from windsock.service.texts.held import ENTRY_BYTES, MOST_EACH, HeldTexts, HoldingRules
from windsock.service.texts.reading import Said, answer_of, prompt_of

SECRET = "the heron flies at midnight"
ON = "[labels]\ntexts = true\n"


def numbered(number: int, *, served: str = "acme/m", size: int = 2, at: float = 0.0):
    decision = replace(DONE.decision, id=f"d{number}")
    outcome = replace(DONE, decision=decision, served=served, finished_at=at)
    return replace(texts({}), outcome=outcome, answer=b"x" * size)


def held(**rules: float) -> HeldTexts:
    return HeldTexts(HoldingRules(is_on=True, **rules), ManualClock(0.0))


def test_a_busy_deployment_leaves_room_for_a_rare_one() -> None:
    it = held()
    it.read(numbered(0, served="rare/m"))
    for number in range(1, 3 * MOST_EACH):
        it.read(numbered(number))
    names = [each.outcome.decision.id for each in it.all_of(DEFAULT_NAMESPACE)]
    assert names == ["d0", *(f"d{n}" for n in range(2 * MOST_EACH, 3 * MOST_EACH))]


def test_the_oldest_go_when_their_bytes_or_their_time_are_over() -> None:
    it = held(max_bytes=3 * (ENTRY_BYTES + 100), keep_s=60.0)
    for number in range(5):
        it.read(numbered(number, at=number))
    it.read(numbered(9, size=10**6))
    assert len(it) == 3 and it.of("d1", DEFAULT_NAMESPACE) is None
    it.clock.advance_to(63.5)
    assert [each.outcome.decision.id for each in it.all_of(DEFAULT_NAMESPACE)] == ["d4"]
    it.adopt(HoldingRules())
    assert len(it) == 0 and not it.is_reading


def test_nobody_reads_what_another_namespace_was_told() -> None:
    it = held()
    it.read(numbered(1))
    assert it.of("d1", "other") is None and list(it.all_of("other")) == []
    assert it.of("d1", DEFAULT_NAMESPACE) is not None


async def ask(it: Running, **more) -> str:
    headers = more.pop("headers", {})
    body = {"model": "auto", "messages": [{"role": "user", "content": SECRET}], **more}
    answer = await it.http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["x-windsock-decision-id"])


def reply(body: dict) -> Answer:
    if body.get("stream"):
        return Answer(events=stream_of([SECRET, "!"]))
    return Answer(completion(SECRET))


async def test_plain_answers_and_streams_are_held_and_written_nowhere(tmp_path, capfd) -> None:
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)) + ON, tmp_path) as it:
            plain, streamed = await ask(it), await ask(it, stream=True)
            kept = it.service.texts
            assert [answer_of(kept.of(name, "default")) for name in (plain, streamed)] == [
                SECRET, f"{SECRET}!"]  # fmt: skip
            assert prompt_of(kept.of(plain, "default")) == [Said("user", SECRET)]
            for change in (
                {"headers": {"x-windsock-private": "true"}},
                {"headers": {"x-windsock-private": "1"}, "stream": True},
            ):
                assert kept.of(await ask(it, **change), "default") is None
            await it.service.ledger.flushed()
    said = capfd.readouterr()
    assert SECRET not in said.out + said.err and "request.finished" in said.out + said.err
    with sqlite3.connect(tmp_path / "windsock.db") as db:
        assert db.execute("SELECT count(*) FROM request").fetchone() == (4,)
    db.close()
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes()


@pytest.mark.parametrize("setting", ["", "[labels]\nmax_mb = 4\n"])
async def test_unless_they_are_allowed_no_text_is_held(tmp_path, setting: str) -> None:
    async with upstream(reply) as acme:
        async with running(config_of(("acme", acme.url, 1.0)) + setting, tmp_path) as it:
            await ask(it)
            await ask(it, stream=True)
            assert len(it.service.texts) == 0
