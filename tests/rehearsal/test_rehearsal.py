"""What comes after a log, rehearsed: it starts where the log ends, and takes any change."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from tests.builders import CHEAP, MID, START, answered, request, router
from tests.evaluation.logs import LoggingDriver, policy_toml, small, written
from windsock.cli.foresight.rehearse import rehearse_log
from windsock.clock import ManualClock
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Preferences
from windsock.core.model.units import Meter, Usage
from windsock.errors import ConfigError
from windsock.rehearsal.drawn_truth import drawn_lengths
from windsock.rehearsal.figures import Figures
from windsock.rehearsal.logged_traffic import Asked, LoggedTraffic, logged_traffic
from windsock.rehearsal.rehearse import AS_IS, CHANGED, Rehearsal
from windsock.rehearsal.traffic_to_come import rounds_to_come
from windsock.simulation.engines.contenders import chosen
from windsock.simulation.world.world import World
from windsock.store.rows import StateSnapshot

pytestmark = pytest.mark.xdist_group("rehearsal")

MINI, LARGE, SEEK = "openai/gpt-4o-mini", "openai/gpt-4o", "deepseek/deepseek-chat"


@dataclass(frozen=True)
class Log:
    """A configuration beside the store of a run of two hours, and the moment after it."""

    config: Path
    clock: ManualClock

    def rehearse(self, **facts: Any) -> Rehearsal:
        asked = {"lasts": "30m", "seeds": 2, "at_once": 1, **facts}
        return rehearse_log(self.config, {}, clock=self.clock, **asked)


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    world = World(small(hours=2, refresh_s=60, refresh_outcomes=20), 1)
    driver = LoggingDriver(world, chosen(world, ["windsock"])["windsock"], 1)
    driver.run()
    kept = {"seed": 1, "router": driver.router.to_state(), "prices": driver.router.book.moment()()}
    driver.entries.append(StateSnapshot(world.ends_at, orjson.dumps(kept)))
    written(driver, f"sqlite:///{folder}/log-1.db").dispose()
    config = folder / "windsock.toml"
    config.write_text(
        policy_toml(world.scenario, floor=0.80, explore=0.05)
        + f'[store]\nurl = "sqlite:///{folder}/log-1.db"\n'
    )
    return Log(config, ManualClock(world.ends_at))


def named(found: Rehearsal, name: str) -> Figures:
    return next(each for each in found.runs if each.name == name)


def test_it_starts_with_what_the_log_has_taught(log) -> None:
    """With nothing learnt a third would go to each; here the dear one is all but left."""
    found = log.rehearse()
    shares = named(found, AS_IS).shares
    assert shares[LARGE].mean < 0.12
    assert sum(share.mean for share in shares.values()) == pytest.approx(1.0)
    assert found.difference is None and not found.changes
    assert found.requests == pytest.approx(250, rel=0.1)


def test_looking_into_the_future_leaves_the_store_as_it_was(log) -> None:
    store = Path(log.config.read_text().split("sqlite:///")[1].split('"')[0])
    before = store.read_bytes()
    log.rehearse(prices=[f"{MINI}=x2"], seeds=1, lasts="5m")
    assert store.read_bytes() == before


@pytest.mark.parametrize(
    ("price", "seeds"),
    [
        (f"{MINI}=x30", 2),
        (f"{MINI}=+2900%", 1),
        (f"{MINI}=4.5/18", 1),
        ("openai/gpt-4o-*=x30", 1),
    ],
)
def test_a_price_moves_the_split_and_the_bill(price: str, seeds: int, log) -> None:
    found = log.rehearse(prices=[price], seeds=seeds)
    assert named(found, AS_IS).shares[MINI].mean > 0.4
    assert named(found, CHANGED).shares[MINI].mean < 0.15
    assert found.difference is not None
    assert found.difference.shares[MINI].mean == pytest.approx(
        named(found, CHANGED).shares[MINI].mean - named(found, AS_IS).shares[MINI].mean
    )
    assert found.difference.spend_usd.mean > 0


def test_what_happens_later_leaves_the_time_before_it_as_it_is(log) -> None:
    late = log.rehearse(retired=[SEEK], at="in 27m", seeds=2)
    soon = log.rehearse(retired=[SEEK], seeds=2)
    assert named(soon, CHANGED).shares[SEEK].mean == 0.0
    usual = named(late, AS_IS).shares[SEEK].mean
    assert named(late, CHANGED).shares[SEEK].mean == pytest.approx(0.9 * usual, abs=0.06)
    assert late.changes == (f"{SEEK} is retired after 27m",)


def test_who_is_away_for_a_while_comes_back(log) -> None:
    found = log.rehearse(outages=[f"{SEEK}=10m"], seeds=2)
    usual = named(found, AS_IS).shares[SEEK].mean
    assert 0.3 * usual < named(found, CHANGED).shares[SEEK].mean < 0.9 * usual


def test_a_newcomer_is_tried_from_when_it_comes(log) -> None:
    comer = "groq/llama"
    found = log.rehearse(newcomers=[f"{comer}=0.01/0.02@0.99"], at="in 15m", seeds=2)
    assert 0.05 < named(found, CHANGED).shares[comer].mean < 0.55
    assert any(comer in line for line in found.unknown)
    refused = "it is a candidate of 'auto' already"
    with pytest.raises(ConfigError, match=refused):
        log.rehearse(newcomers=[f"{MINI}=0.01/0.02"])


def test_settings_and_rivals_run_beside_it_on_the_same_luck(log) -> None:
    stated = f'routes.auto.candidates=["{SEEK}", "{LARGE}"]'
    found = log.rehearse(settings=[stated], rivals=["flagship"], seeds=2)
    assert MINI not in named(found, CHANGED).shares
    assert named(found, AS_IS).shares[MINI].mean > 0.4
    assert named(found, "flagship").shares[SEEK].mean == pytest.approx(1.0, abs=0.01)
    assert named(found, "flagship").spend_usd.mean > named(found, AS_IS).spend_usd.mean


def test_a_terminal_is_told_how_many_runs_have_ended(log, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    log.rehearse(prices=[f"{MINI}=x3"], seeds=1, lasts="5m", as_json=True)
    told = capsys.readouterr()
    assert "100%" in told.err
    assert json.loads(told.out)["seeds"] == 1


def test_the_same_seeds_tell_the_same_and_json_holds_it_all(log, capsys) -> None:
    log.rehearse(prices=[f"{MINI}=x3"], seeds=2, lasts="10m", as_json=True)
    one = capsys.readouterr().out
    log.rehearse(prices=[f"{MINI}=x3"], seeds=2, lasts="10m", as_json=True)
    assert capsys.readouterr().out == one
    body = json.loads(one)
    assert body["changes"] == [f"{MINI}=x3"]
    assert {each["name"] for each in body["runs"]} == {AS_IS, CHANGED}
    assert body["unknown"]


def test_it_says_that_caps_are_not_reckoned(log, tmp_path) -> None:
    assert not any("caps" in line for line in log.rehearse(seeds=1, lasts="5m").unknown)
    capped = tmp_path / "windsock.toml"
    capped.write_text(log.config.read_text() + "[caps.team]\nusd = 0.0001\n")
    found = Log(capped, log.clock).rehearse(seeds=1, lasts="10m")
    assert any("caps (team) are not reckoned" in line for line in found.unknown)
    assert named(found, AS_IS).spend_usd.mean > 0.0001, "and indeed they are not"
    assert "budgets of keys" in found.unknown[-1]


def test_what_is_printed_is_at_most_eighty_columns_but_for_sentences(log, capsys) -> None:
    log.rehearse(prices=[f"{MINI}=x3"], seeds=1, lasts="10m")
    facts = capsys.readouterr().out.partition("Not known:")[0]
    assert max(len(line) for line in facts.splitlines()) <= 80
    assert f"share of {MINI}:" in facts


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"prices": ["nobody/x=x2"]}, "no deployment fits"),
        ({"prices": [f"{MINI}=twice"]}, "write PATTERN="),
        ({"prices": [f"{MINI}=-120%"]}, "by more than 100%"),
        ({"retired": ["openai/gpt-4"]}, "did you mean"),
        ({"outages": [f"{MINI}=soon"]}, "write NAME=2h"),
        ({"newcomers": ["groq=1/2"]}, "write PROVIDER/MODEL"),
        ({"newcomers": ["groq/x=1"]}, "write PROVIDER/MODEL"),
        ({"newcomers": ["groq/x=1/2@7"]}, "from 0 to 1"),
        ({"settings": ["routes.auto.quality_flor=0.9"]}, "quality_flor"),
        ({"settings": ["routes.auto.quality_floor"]}, "write KEY=VALUE"),
        ({"at": "tomorrow"}, "in 7d"),
        ({"lasts": "long"}, "--for"),
        ({"lasts": "0s"}, "no time at all"),
        ({"route": "autobahn"}, "there is no route"),
        ({"rivals": ["nobody"]}, "nobody"),
        ({"since": "1s"}, "needs 50"),
    ],
)
def test_what_cannot_be_rehearsed_is_told_in_a_sentence(facts, told, log) -> None:
    with pytest.raises(ConfigError, match=told):
        log.rehearse(**facts)


def test_of_much_traffic_every_second_request_is_stepped_and_the_spend_is_of_all(
    log, monkeypatch
) -> None:
    whole = log.rehearse(seeds=2)
    monkeypatch.setattr("windsock.rehearsal.rehearse.MOST_REQUESTS", 150)
    half = log.rehearse(seeds=2)
    assert (whole.every, half.every) == (1, 2)
    assert named(half, AS_IS).spend_usd.mean == pytest.approx(
        named(whole, AS_IS).spend_usd.mean, rel=0.25
    )
    assert any("of every 2 requests" in line for line in half.unknown)


def test_what_comes_is_drawn_anew_from_what_was_asked_around_that_time(log) -> None:
    """Not the same requests again: their number by task varies as that of those to come will."""
    rng = np.random.default_rng(1)
    asked = tuple(
        Asked(at=float(n), task="a" if n < 500 else "b", prompt_tokens=n + 1, output_tokens=1.0,
              cached_share=0.0, session=None if n % 5 else f"s{n // 10}")
        for n in range(1000)
    )  # fmt: skip
    found = rounds_to_come(traffic_of(asked), 2000.0, 2000.0 + 1001, 1, rng)
    assert len(found) == pytest.approx(1000, rel=0.1)
    assert [row.at for row in found] == sorted(row.at for row in found)
    assert len({row.prompt_tokens for row in found}) < 800
    early = [row for row in found if row.at < 2400]
    assert {row.task for row in early} == {"a"}
    talks = Counter(row.session for row in found if row.session)
    assert set(talks.values()) == {2}


def traffic_of(asked: tuple[Asked, ...], **facts: Any) -> LoggedTraffic:
    usual: dict[str, Any] = {
        "calls": {}, "hits": {}, "lengths": {}, "answers": {}, "judged_share": {},
        "judged_after_s": 0.0, "judged": {}, "left_out": 0,
    }  # fmt: skip
    return LoggedTraffic(namespace="default", asked=asked, **{**usual, **facts})


def test_lengths_are_drawn_the_wider_the_less_was_seen() -> None:
    asked = (Asked(0.0, "sql", 1, 1.0, 0.0, None),)
    seen = traffic_of(asked, lengths={("sql", MINI): 2.0}, answers={("sql", MINI): 10_000})
    drawn = [drawn_lengths(seen, (MINI, LARGE), seed=seed, seeds=20) for seed in range(20)]
    known, guessed = ([each["sql", name] for each in drawn] for name in (MINI, LARGE))
    assert np.std(known) < 0.03 < 0.3 < np.std(guessed)
    assert np.median(known) == pytest.approx(2.0, rel=0.01)
    assert np.median(guessed) == pytest.approx(1.0, rel=0.03)


def test_a_deployment_not_seen_at_a_task_answers_as_long_as_it_does_elsewhere() -> None:
    entries = [*answers_of(CHEAP, "chat", 300), *answers_of(MID, "chat", 100),
               *answers_of(MID, "sql", 50)]  # fmt: skip
    lengths = logged_traffic(entries, "auto", 0.0).lengths
    assert lengths["sql", CHEAP] == pytest.approx(lengths["chat", CHEAP], rel=0.15)
    assert lengths["sql", CHEAP] > 1.3


def test_of_more_tasks_than_are_rehearsed_the_others_are_one_and_it_is_said(monkeypatch) -> None:
    entries = [each for task in ("chat", "sql", "ner") for each in answers_of(CHEAP, task, 50)]
    entries = [*entries[:70], *entries[80:90]]
    assert logged_traffic(entries, "auto", 0.0).tasks == ("chat", "ner", "sql")
    monkeypatch.setattr("windsock.rehearsal.logged_traffic.MOST_TASKS", 1)
    found = logged_traffic(entries, "auto", 0.0)
    assert found.tasks == ("(others)", "chat") and found.pooled == 2
    assert Counter(each.task for each in found.asked) == {"chat": 40, "(others)": 40}
    assert found.answers["(others)", CHEAP] == 40 and set(found.judged_share) == set(found.tasks)


def answers_of(name: str, task: str, tokens: int) -> list[Outcome]:
    """Forty of them."""
    it, found = router(), []
    for number in range(40):
        now = START + number
        exchange = it.open(request(task=task, preferences=Preferences(only=(name,))), now)
        attempt = exchange.next_attempt(now)
        usage = Usage(input_tokens=50, output_tokens=tokens)
        exchange.report(answered(attempt, usage=usage), now)
        found.append(exchange.outcome(now))
    return found


def test_a_newcomer_leaves_the_luck_of_the_others_as_it_was(log) -> None:
    """What is as it was at all the others is as it was: all that differs is what it takes over."""
    found = log.rehearse(newcomers=["groq/llama=900/900@0.01"], seeds=2)
    assert named(found, CHANGED).success.mean == pytest.approx(
        named(found, AS_IS).success.mean, abs=0.02
    )


def test_answers_are_as_long_as_each_deployment_makes_them(tmp_path) -> None:
    it, entries = router(), []
    for number in range(120):
        now = START + number
        exchange = it.open(request(task="chat"), now)
        attempt = exchange.next_attempt(now)
        long = 300 if attempt.deployment == CHEAP else 100
        usage = Usage(input_tokens=50, output_tokens=long)
        exchange.report(answered(attempt, usage=usage), now)
        entries.append(exchange.outcome(now))
    found = logged_traffic(entries, "auto", 0.0)
    ratio = found.lengths["chat", CHEAP] / found.lengths["chat", MID]
    assert ratio == pytest.approx(3.0, rel=0.3)
    for asked, outcome in zip(found.asked, entries, strict=True):
        told = asked.output_tokens * found.lengths["chat", outcome.served]
        assert told == pytest.approx(outcome.usage.counts()[Meter.OUTPUT])
