"""Weights by the size of a prompt in a terminal: of a size that is named, and of a decision."""

import asyncio
import re

import httpx
from typer.testing import CliRunner

from tests.running import config_of, running
from tests.service.test_floor_out_of_reach import ASK, CELL
from tests.upstream import Answer, completion, upstream
from windsock.cli import app

SIZES = (50, 200, 800, 3000, 9000)


async def printed(*words: str) -> str:
    """What a command prints in a terminal of 80 columns, on one line."""
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.exception
    assert max(map(len, done.output.splitlines())) <= 80
    return " ".join(done.output.split())


async def test_weights_of_a_size_and_the_size_of_a_decision_are_shown(tmp_path) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0))
        async with running(config, tmp_path) as it:
            here = ("--url", it.url)
            assert "for prompts of" not in await printed("weights", "--tokens", "60", *here)
            for size in SIZES * 60:
                it.service.router.tables.sizes.observe(CELL, "acme/m", size, size)
            answer: httpx.Response = await it.http.post("/v1/chat/completions", json=ASK)
            await it.service.ledger.flushed()
            assert "for prompts of" not in await printed("weights", *here)
            for tokens in (60, 5000):
                text = await printed("weights", "--task", "sql", "--tokens", str(tokens), *here)
                found = re.search(r"for prompts of ([\d,]+) to ([\d,]+) tokens, \d+% of", text)
                assert found, text
                low, high = (int(each.replace(",", "")) for each in found.groups())
                assert low <= tokens <= high
            decision = answer.headers["x-windsock-decision-id"]
            text = await printed("explain", decision, *here)
            assert re.search(r"for prompts of 0 to [\d,]+ tokens, \d+% of the requests", text), text
