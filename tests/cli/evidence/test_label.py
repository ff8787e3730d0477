"""`windsock label` tells what waits, where the page is, and what stands in the way of texts."""

import asyncio
import json

import pytest

from tests.cli.test_service_commands import run
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.evidence.label import page_of
from windsock.errors import WindsockError

ASK = {"model": "auto", "metadata": {"task": "sql & more"},
       "messages": [{"role": "user", "content": "hi"}]}  # fmt: skip


@pytest.mark.parametrize("texts", [True, False])
async def test_it_tells_what_waits_and_where(tmp_path, texts: bool) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0))
        config += f"[labels]\ntexts = {str(texts).lower()}\n"
        async with running(config, tmp_path) as it:
            at = ("--url", it.url)
            none = await asyncio.to_thread(run, ["label"], *at)
            assert none.exit_code == 0 and "nothing waits" in none.output
            for _ in range(3):
                await it.http.post("/v1/chat/completions", json=ASK)
            await it.service.ledger.flushed()
            told = await asyncio.to_thread(
                run, ["label", "--task", "sql & more"], *at, COLUMNS="120"
            )
            assert told.exit_code == 0, told.output
            assert "3 answers wait for a label" in told.output
            assert f"page: {it.url}/#/label?task=sql+%26+more" in told.output
            assert ("texts = true under [labels]" in told.output) is not texts
            assert "0 of 3" in told.output and "auto / sql & more" in told.output
            asked = await asyncio.to_thread(run, ["label", "--json"], *at)
            assert len(json.loads(asked.output)["data"]) == 3
            odd = await asyncio.to_thread(run, ["label", "--route", "nowhere"], *at)
            assert isinstance(odd.exception, WindsockError) and "nowhere" in str(odd.exception)


def test_the_address_holds_what_is_asked_for_and_no_key() -> None:
    assert page_of("http://h:1/", {}) == "http://h:1/#/label"
    assert page_of("http://h:1", {"route": "a/b", "task": "c#"}) == (
        "http://h:1/#/label?route=a%2Fb&task=c%23"
    )
