"""What a plain request costs, in calls of functions: no clock is read, so any machine may tell."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest

import windsock
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream

WORDS_AND_MOST = [(200, 310), (6400, 420)]
"""Of prompts that are no conversation and that are one: how many calls of functions of windsock are
allowed, resumed coroutines included; they take 301 and 406 on a busy machine."""

OURS = str(Path(windsock.__file__).parent)


@pytest.mark.parametrize(("words", "most"), WORDS_AND_MOST)
async def test_a_plain_request_takes_no_more_calls_than_it_should(tmp_path, words, most) -> None:
    """More of them came in unseen before, a few with each thing that a request also did."""
    ask = {"model": "auto", "messages": [{"role": "user", "content": "word " * words}]}
    places: list[Counter[str]] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(OURS):
            places[-1][f"{Path(code.co_filename).name}:{code.co_qualname}"] += 1

    answer = Answer(completion("word " * 200))
    async with (
        upstream(lambda _: answer) as acme,
        upstream(lambda _: answer) as beta,
        running(config_of(("acme", acme.url, 1.0), ("beta", beta.url, 1.0)), tmp_path) as it,
    ):
        for turn in range(40):
            places.append(Counter())
            sys.setprofile(count if turn >= 20 else None)
            try:
                found = await it.http.post("/v1/chat/completions", json=ask)
            finally:
                sys.setprofile(None)
            assert found.status_code == 200
    # The fifth of twenty: on a busy machine what runs beside is counted in many of them.
    calls = sorted(each.total() for each in places[20:])[5]
    named = "\n".join(f"{n:6} {place}" for place, n in places[-1].most_common(25))
    assert calls <= most, (
        f"a plain request took {calls} calls of functions, {most} are allowed; "
        f"`python -m tests.benchmarks.perf_profile plain` shows where its CPU goes\n{named}"
    )
