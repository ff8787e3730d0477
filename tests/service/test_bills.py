"""What a provider plausibly says it charged is what a request is said to have cost."""

import json

import pytest

from tests.running import config_of, running
from tests.upstream import Answer, completion, stream_of, upstream
from windsock.wire.billing import billed_of

ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
BILL = 2**-15
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15, "cost": BILL}


def billing(body: dict) -> Answer:
    """An answer for 24 millionths of a dollar by the list, billed at 31."""
    if not body.get("stream"):
        return Answer(completion(usage=USAGE))
    plain = b'"usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}'
    billed = b'"usage": ' + json.dumps(USAGE).encode()
    events = [event.replace(plain, billed) for event in stream_of(["Hel", "lo"])]
    assert any(billed in event for event in events)
    return Answer(events=events)


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_the_bill_is_told_kept_and_reported(is_stream: bool, tmp_path) -> None:
    config = config_of
    async with upstream(billing) as acme, running(config(("acme", acme.url, 1.0)), tmp_path) as it:
        options = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
        answer = await it.http.post("/v1/chat/completions", json={**ASK, **options})
        last = answer.content.split(b"data: ")[-2] if is_stream else answer.content
        assert json.loads(last)["usage"]["cost"] == pytest.approx(BILL)
        await it.service.ledger.flushed()
        (line,) = (await it.http.get("/v1/decisions")).text.splitlines()
        assert float(json.loads(line)["cost_usd"]) == pytest.approx(BILL)


@pytest.mark.parametrize("cost", [-0.5, True, "0.5", None, [0.5]])
def test_what_is_no_amount_is_no_bill(cost: object) -> None:
    assert billed_of({"usage": {"cost": cost}}) is None


@pytest.mark.parametrize("cost", [0, 0.0, 1, 0.1, 1.23e-10])
def test_an_amount_is_read_as_it_is_written(cost: float) -> None:
    assert str(billed_of({"usage": {"cost": cost}})) == str(cost).upper()


def test_an_answer_without_usage_has_no_bill() -> None:
    assert billed_of({}) is None
    assert billed_of({"usage": None}) is None
