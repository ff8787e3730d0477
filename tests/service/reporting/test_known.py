"""A report tells how the success in it is known, and by whom."""

import asyncio
import json

import pytest

from tests.cli.test_service_commands import run
from tests.service.test_evidence_seen import ask, judge, served
from windsock.cli.evidence.known import known_words
from windsock.core.beliefs.proxies.hearing import Word
from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.evidence.how_known import HowKnown
from windsock.service.control.schemas.known import basis_of


async def test_a_belief_is_told_with_each_source_what_it_says_and_its_bias(tmp_path) -> None:
    async with served(tmp_path) as it:
        for number in range(12):
            decision = await ask(it, "sql")
            await judge(it, decision, number % 3 > 0, source="judge")
            if number < 6:
                await judge(it, decision, number % 2)
        await judge(it, await ask(it, "ner"), 1.0, source="judge")
        await ask(it, "other")
        await it.service.ledger.flushed()
        found = (await it.http.get("/v1/report?by=task")).json()
        views = {each["task"]: each for each in found["known"]}
        seen = {each["task"]: each for each in (await it.http.get("/v1/evidence")).json()["data"]}
        only = (await it.http.get("/v1/report?by=task&sample=0")).json()
        told = await asyncio.to_thread(run, ["report", "--by", "task"], "--url", it.url)
        raw = await asyncio.to_thread(run, ["report", "--json"], "--url", it.url)
    bases = {task: view["basis"] for task, view in views.items()}
    assert bases == {"sql": "judged", "ner": "proxies alone", "other": "mere answers"}
    for task, view in views.items():
        assert view["success_interval"] == seen[task]["success_interval"]
        assert {each["source"] for each in view["sources"]} == {
            each["source"] for each in seen[task]["sources"]
        }
    proxy = next(each for each in views["sql"]["sources"] if each["kind"] == "proxy")
    assert proxy["labelled"] == pytest.approx(6) and proxy["bias"] < 0 and 0 <= proxy["slope"] <= 1
    assert (only["known"], only["knowing"]) == ([], [])
    words = " ".join(told.output.split())
    assert "how success is known: 1 of 3 beliefs rest on labels" in words
    assert "explicit 6; judge 12 says" in words and "λ" in words
    assert "rests on proxies alone: no label says whether they are right" in words
    assert len(json.loads(raw.output)["known"]) == 3


@pytest.mark.parametrize(
    ("held", "counted", "taught", "said", "basis"),
    [
        (300.02, 0.0, 300.0, 0.0, "lessons"),
        (300.0, 100.0, 200.0, 0.0, "lessons"),
        (300.0, 150.0, 150.0, 0.0, "judged"),
        (110.0, 100.0, 300.0, 0.0, "judged"),  # most of the lessons is forgotten
        (9.0, 0.0, 4.0, 5.0, "proxies alone"),
        (10.0, 1.0, 4.0, 5.0, "judged"),
        (2.0, 0.0, 0.5, 0.0, "mere answers"),
        (0.0, 0.0, 300.0, 0.0, "nothing"),
    ],
)
def test_a_belief_rests_on_what_counts_for_most_rewards(held, counted, taught, said, basis) -> None:
    word = Word(say=said, strength=said, mean=0.5, variance=0.1, bias=None, slope=1.0, off_by=0.1)
    known = HowKnown(answers=1.0, counted=counted, taught=taught, words={"judge": word})
    belief = BeliefSummary(mean=0.5, low=0.1, high=0.9, effective_samples=held)
    assert basis_of(known, belief, is_lent=False) == basis


def test_what_is_unknown_is_said_to_be_unknown_and_never_0() -> None:
    proxy = {"source": "judge", "kind": "proxy", "rewards": 4.0, "says": None, "bias": None,
             "slope": None, "interval": None}  # fmt: skip
    row = {"route": "auto", "task": "sql", "deployment": "a/m", "basis": "proxies alone",
           "success_mean": 0.5, "success_interval": (0.1, 0.9), "sources": [proxy]}  # fmt: skip
    spent = {"route": "auto", "by": "judge", "requests": 4, "cost_usd": None, "cells": []}
    text = "\n".join(known_words({"known": [row], "knowing": [spent]}))
    assert "judge 4 says unknown, bias unknown, λ unknown, success unknown" in text
    assert "4 requests, unknown" in text and "$0" not in text
    assert list(known_words({})) == []


def test_one_request_is_one_and_what_is_nearly_nothing_is_not_told_as_0() -> None:
    spent = {"route": "auto", "by": "exploring", "requests": 1, "cost_usd": 0.5, "cells": []}
    (few,) = known_words({"knowing": [{**spent, "lost_successes": 0.04}]})
    assert few == "knowing auto by exploring: 1 request, $0.5"
    (more,) = known_words({"knowing": [{**spent, "requests": 2, "lost_successes": 0.05}]})
    assert more.endswith("2 requests, $0.5, 0.1 successes lost")
