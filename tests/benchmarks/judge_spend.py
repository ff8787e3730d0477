"""What a route's judge spends beside what the route itself has spent, by the judge's price.

    python -m tests.benchmarks.judge_spend [--requests N] [--write]

A whole service on loopback: answers of 700 tokens at $10 per million, verdicts of 30 after prompts
of 600, nothing stated of the judge but its model, so that at most one hundredth of the route's
spend is its own. Dollars are those of the ledger, as `/v1/report` has them, once the judge has no
money left for the next question.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Any

from tests.app.judging.bench import Bench, bench
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.upstream import Answer, completion

PRICES = (0.2, 1.0, 3.0)
"""Dollars per million tokens of the judge."""

MOST_SHARE = 0.01
AT_ONCE = 8
STILL_S = 2.0
"""Without a question for so long, the judge waits for money."""


def used(prompt: int, answer: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
    }


def answers(_: dict[str, Any]) -> Answer:
    return Answer(body=completion("The answer is 42.", usage=used(20, 700)))


def verdicts(_: dict[str, Any]) -> Answer:
    return Answer(body=completion('{"score": 0.8}', usage=used(600, 30)))


async def asked(it: Bench, requests: int) -> None:
    for begin in range(0, requests, AT_ONCE):
        await asyncio.gather(*(it.ask() for _ in range(min(AT_ONCE, requests - begin))))


async def stilled(it: Bench) -> None:
    count = -1
    while count != len(it.judge.seen):
        count = len(it.judge.seen)
        await asyncio.sleep(STILL_S)


async def measured(usd: float, requests: int) -> tuple[int, float, float]:
    """Verdicts, dollars of the judge, dollars of the route."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench(Path(folder), verdicts, "", answers=answers, usd=usd) as it:
            await asked(it, requests)
            await stilled(it)
            costs = await it.costs()
            own, route = costs.get("windsock-judge"), costs["default"]
            assert route is not None
            return it.desk.judged, own or 0.0, route


def row(usd: float, found: tuple[int, float, float]) -> list[str]:
    judged, own, route = found
    met = "met" if own <= MOST_SHARE * route else "**missed**"
    return [f"${usd:g}", f"{judged:,}", f"{own / route:.2%}", f"<= {MOST_SHARE:.0%}", met]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--write", action="store_true", help="into docs/evidence.md")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    head = ["judge, per Mtok", f"judged of {given.requests:,}", "of the route's spend", "bar", ""]
    told = markdown(head, [row(usd, asyncio.run(measured(usd, given.requests))) for usd in PRICES])
    print(told)
    if given.write:
        write_between(DOCS / "evidence.md", "judge spend", told)


if __name__ == "__main__":
    main()
