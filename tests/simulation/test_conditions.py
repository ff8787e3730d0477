"""What the world does besides answering: lists, archives, redirects and what was known before."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from windsock.errors import ConfigError
from windsock.resources import room
from windsock.simulation.world import archive
from windsock.simulation.world.scenario import load_scenario
from windsock.simulation.world.world import World

CHAT = "deepseek/deepseek-chat"


def world(name: str) -> World:
    return World(load_scenario(room("simulations") / name), 0)


def unix(moment: str) -> float:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


def usd_in(name: str, deployment: str, moment: str) -> float:
    return float(world(name).prices(deployment, unix(moment))["input"])


@pytest.mark.parametrize(
    ("moment", "usd"),
    [
        ("2025-02-08T15:59", 0.14),
        ("2025-02-08T16:00", 0.27),
        ("2025-02-26T23:00", 0.135),
        ("2025-02-27T00:29", 0.135),
        ("2025-02-27T00:31", 0.27),
        ("2025-09-05T16:00", 0.56),
        ("2025-09-05T23:00", 0.56),
        ("2025-09-29T00:00", 0.28),
    ],
)
def test_deepseek_of_2025_switches_to_the_minute_and_has_its_nights(moment, usd) -> None:
    assert usd_in("history-2025", CHAT, moment) == usd


@pytest.mark.parametrize(
    ("moment", "usd"),
    [
        ("2026-08-19T02:00", 0.44),
        ("2026-08-19T05:00", 0.22),
        ("2026-08-19T09:59", 0.44),
        ("2026-08-22T02:00", 0.22),
        ("2026-09-10T02:00", 0.30),
    ],
)
def test_deepseek_of_2026_has_peaks_on_weekdays_only(moment, usd) -> None:
    assert usd_in("history-2026", "deepseek/deepseek-v4-flash", moment) == usd


def test_every_move_of_the_archive_changes_a_price_or_its_hours() -> None:
    moves = archive.moves()
    assert len(moves) > 80
    assert all(move.before != move.after or move.peaks for move in moves)
    assert moves == sorted(moves, key=lambda move: move.at)


def test_a_redirected_deployment_answers_and_bills_as_what_is_behind_it() -> None:
    there = world("silent-redirect")
    before, after = there.starts_at + 3600, there.starts_at + 3 * 3600
    assert there.served_model("openai/o4-mini", after) == "gpt-4o"
    assert there.quality("openai/o4-mini", "sql", before) == 0.93
    assert there.quality("openai/o4-mini", "sql", after) == 0.94
    assert there.prices("openai/o4-mini", after) == there.prices("openai/gpt-4o", after)
    assert {
        q.usd_per_mtok["input"] for q in there.quotes() if q.deployment == "openai/o4-mini"
    } == {there.prices("openai/o4-mini", before)["input"]}


def test_evaluations_are_binomial_draws_of_the_truth_without_what_does_not_exist_yet() -> None:
    there = world("new-model")
    past = there.evaluations()
    assert "newcomer/as-good" not in {each.deployment for each in past}
    assert {each.count for each in past} == {200}
    worst = max(
        abs(each.success - there.quality(each.deployment, each.task, there.starts_at))
        for each in past
    )
    assert worst < 0.15


def test_feeds_that_lag_restate_the_old_price_while_one_shows_the_new() -> None:
    there = world("history-2024")
    shock = next(s for s in there.shocks if s.deployment == "google/gemini-1.5-flash")
    shown = there.shown_at(shock)
    said = {
        (quote.feed, float(quote.usd_per_mtok["input"]))
        for quote in there.quotes()
        if quote.deployment == shock.deployment and quote.seen_at == shown
    }
    assert said == {("openrouter", 0.075), ("models-dev", 0.35), ("litellm", 0.35)}


def test_a_scenario_like_another_says_only_what_differs(tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(
        'like = "calm"\ntitle = "More"\n[tasks.sql]\nshare = 4\n'
    )
    found, calm = load_scenario(tmp_path), load_scenario(room("simulations") / "calm")
    assert (found.title, found.tasks["sql"].share) == ("More", 4)
    assert found.tasks["sql"].prompt_tokens == calm.tasks["sql"].prompt_tokens
    assert found.deployments == calm.deployments


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('like = "clam"', "calm"),
        ("like = 3", "like: takes the name of a scenario"),
        ('like = "outage"', "is like another one itself"),
    ],
)
def test_a_scenario_like_none_stops_with_one_sentence(text, words, tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
