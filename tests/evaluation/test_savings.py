"""What a route saved and won against one deployment asked for everything, from its own log."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.evaluation.logs import logged, small
from tests.running import config_of, running
from tests.upstream import Answer, completion, upstream
from windsock.cli.tables import saved_words, show_report
from windsock.core.model.calls import Outcome
from windsock.core.model.units import cost_usd
from windsock.core.policies.baselines import Fixed, Uniform
from windsock.evaluation.savings import (
    PARTS,
    Baseline,
    Savings,
    part_ends,
    savings,
    savings_facts,
)
from windsock.simulation.engines.contenders import Contender
from windsock.simulation.world.prompt_caches import usage_of
from windsock.simulation.world.world import World
from windsock.store import queries

EVENLY = Contender(make=lambda *_: Uniform())
MINI, FLAGSHIP = "openai/gpt-4o-mini", "openai/gpt-4o"


def against(world: World, engine: Engine, name: str, **facts: Any) -> Savings:
    (found,) = savings(
        engine,
        {"auto": Baseline(deployment=name, why="incumbent")},
        since=world.starts_at,
        until=world.starts_at + 1e6,
        namespace="default",
        **facts,
    )
    return found


def truth(world: World, engine: Engine, name: str) -> tuple[float, float]:
    """(dollars saved, successes won) against all to one, by the true costs and qualities."""
    span = {"since": 0.0, "until": world.starts_at + 1e6}
    usd = won = 0.0
    for outcome in queries.decisions(engine, **span):
        assert isinstance(outcome, Outcome)
        assert outcome.cost_usd is not None
        ask = world.asks[outcome.decision.number]
        used = usage_of(world.scenario.tasks[ask.task], ask.prompt_tokens, ask.output_tokens)
        usd += float(cost_usd(used.counts(), world.prices(name, ask.at)) - outcome.cost_usd)
        won += world.quality(outcome.decision.deployment, ask.task, ask.at)
        won -= world.quality(name, ask.task, ask.at)
    return usd, won


def test_the_intervals_hold_what_was_truly_saved_and_won(tmp_path) -> None:
    """Of eight intervals of 95 % at most one misses; `eval_truth` looks at hundreds."""
    held = []
    for seed in range(2):
        world = World(small(hours=0.8), seed)
        engine = logged(world, tmp_path, EVENLY)
        for name in (FLAGSHIP, MINI):
            found, (usd, won) = against(world, engine, name), truth(world, engine, name)
            assert found.saved_usd is not None
            assert found.won is not None
            held.append(found.saved_usd.low <= usd <= found.saved_usd.high)
            held.append(found.won.low <= won <= found.won.high)
        engine.dispose()
    assert sum(held) >= 7


def test_a_dear_one_was_surely_saved_on_and_nothing_is_left_out(tmp_path) -> None:
    world = World(small(hours=0.8), 5)
    engine = logged(world, tmp_path, EVENLY)
    found = against(world, engine, FLAGSHIP, sample=10_000)
    engine.dispose()
    assert found.saved_usd is not None
    assert found.saved_usd.low > 0
    assert (found.unknown, found.left_out) == ("", {})
    assert found.requests == found.sampled == len(world.asks)


def test_of_a_long_log_a_sample_stands_for_all(tmp_path) -> None:
    world = World(small(hours=1.2), 6)
    engine = logged(world, tmp_path, EVENLY)
    whole, part = (against(world, engine, FLAGSHIP, sample=n) for n in (10_000, 150))
    engine.dispose()
    assert part.sampled < 200 < whole.sampled
    assert part.requests == pytest.approx(whole.requests, rel=1e-9)
    assert part.saved_usd is not None
    assert whole.saved_usd is not None
    assert part.saved_usd.low < whole.saved_usd.mean < part.saved_usd.high
    assert part.saved_usd.high - part.saved_usd.low > whole.saved_usd.high - whole.saved_usd.low


def test_without_judgements_successes_are_unknown_and_dollars_are_not(tmp_path) -> None:
    world = World(small(hours=0.6, feedback_share=0), 7)
    engine = logged(world, tmp_path, EVENLY)
    found = against(world, engine, FLAGSHIP)
    engine.dispose()
    assert found.won is None
    assert "no answer in this time was judged" in found.unknown
    assert found.saved_usd is not None


def test_who_was_never_tried_is_unknown(tmp_path) -> None:
    world = World(small(hours=0.5), 8)
    engine = logged(world, tmp_path, Contender(make=lambda *_: Fixed(FLAGSHIP)))
    found = against(world, engine, MINI)
    engine.dispose()
    assert (found.saved_usd, found.won) == (None, None)
    assert "never went" in found.unknown


def test_who_is_no_candidate_is_compared_with_nothing(tmp_path) -> None:
    world = World(small(hours=0.3), 9)
    engine = logged(world, tmp_path, EVENLY)
    found = against(world, engine, "acme/other")
    engine.dispose()
    assert (found.sampled, found.saved_usd, found.requests) == (0, None, 0.0)
    assert "acme/other could not have served" in next(iter(found.left_out))


def test_a_route_without_a_baseline_is_not_told_of(tmp_path) -> None:
    world = World(small(hours=0.2), 10)
    engine = logged(world, tmp_path, EVENLY)
    told = savings_facts(engine, {}, since=0.0, until=1e12, namespace="default")
    engine.dispose()
    assert told == []


FACTS = {"route": "auto", "baseline": FLAGSHIP, "why": "incumbent", "requests": 12345,
         "sampled": 4000, "judged": 40, "saved_usd": {"mean": 12.5, "low": 10.0, "high": 15.0},
         "won_successes": {"mean": -3.0, "low": -90.0, "high": 84.0}, "unknown": None,
         "left_out": {"whose cost is not known": 7}}  # fmt: skip


def test_a_saving_is_told_with_its_interval_and_what_it_rests_on() -> None:
    told = saved_words(FACTS)
    for words in ("all to openai/gpt-4o (the incumbent)", "saved $12.5 ($10 to $15)",
                  "successes won or lost is open (-90 successes to 84 successes)",
                  "rests on 4,000 of 12,345 requests, 40 of them judged",
                  "left out 7 whose cost is not known"):  # fmt: skip
        assert words in told


def test_a_loss_is_called_one_and_the_unknown_unknown() -> None:
    lost = {"mean": -2.0, "low": -3.0, "high": -1.0}
    told = saved_words({**FACTS, "saved_usd": lost, "won_successes": None, "unknown": "why"})
    assert "lost $2 (-$3 to -$1); successes unknown; why" in told
    none = {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert "no dollars saved or lost; " in saved_words({**FACTS, "saved_usd": none})
    dust = {"mean": 0.0, "low": -1.3e-20, "high": 1.3e-20}
    assert "no dollars saved or lost; " in saved_words({**FACTS, "saved_usd": dust})


class Asked:
    """A service, as the command line asks one."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        return self.answer


async def test_the_report_compares_with_the_incumbent_or_whom_it_is_told(tmp_path, capsys) -> None:
    async with upstream(lambda _: Answer(completion())) as model:
        config = config_of(("acme", model.url, 1.0), ("bolt", model.url, 9.0))
        config += 'objective = "quality"\nquality = "high"\nincumbent = "bolt/m"\n'
        async with running(config, tmp_path) as it:
            for _ in range(3):
                await it.http.post("/v1/chat/completions", json={
                    "model": "auto", "messages": [{"role": "user", "content": "x"}]})  # fmt: skip
            await it.service.ledger.flushed()
            told = (await it.http.get("/v1/report")).json()
            named = (await it.http.get("/v1/report?baseline=acme/m")).json()
            unknown = await it.http.get("/v1/report?baseline=acme/n")
    (saved,) = told["savings"]
    assert (saved["baseline"], saved["why"], saved["requests"]) == ("bolt/m", "incumbent", 3)
    assert saved["won_successes"] is None
    assert saved["saved_usd"]["low"] < saved["saved_usd"]["high"]
    assert [(each["baseline"], each["why"]) for each in named["savings"]] == [("acme/m", "named")]
    assert unknown.status_code == 400
    assert "acme/m" in unknown.json()["error"]["message"]
    capsys.readouterr()
    show_report(Asked(told), since="1d", by="deployment")
    assert "auto against all to bolt/m (the incumbent)" in capsys.readouterr().out
    show_report(Asked(told), since="1d", by="deployment", as_json=True)
    assert json.loads(capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("span_s", "grain_s"), [(30 * 86_400.0, 3600.0), (12 * 3601.0, 3600.0), (1000.0, 60.0)]
)
def test_parts_of_a_long_log_meet_where_counted_spans_do(span_s: float, grain_s: float) -> None:
    since = 1_767_225_637.25
    first, *inner, last = part_ends(since, since + span_s)
    assert (first, last) == (since, since + span_s)
    assert len(inner) == PARTS - 1
    assert inner == sorted(inner)
    assert inner[0] >= first
    assert all(each % grain_s == 0 for each in inner)


def test_parts_of_a_short_log_are_whole_minutes() -> None:
    assert part_ends(30.0, 30.0 + PARTS * 10.0) == [30.0, 60.0, 120.0, 150.0]
    assert part_ends(0.0, 120.0) == [0.0, 60.0, 120.0]
    assert part_ends(5.0, 25.0) == [5.0, 25.0]
