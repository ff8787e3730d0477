"""What feeds list is news once: not at a start, not at every poll, and never as a flood."""

import json
from pathlib import Path

import pytest

from tests.app.test_ingestion import feed, intake, listed
from tests.builders import START
from windsock.app.background.intake.listings import MOST_EACH, REMEMBERED
from windsock.core.model.events import Event
from windsock.core.model.model_names import Identity
from windsock.core.model.ticks import HealthReport, HealthState, ModelFacts
from windsock.feeds.definition import load_feed
from windsock.feeds.reader import Reading, read
from windsock.providers.presets import provider_names
from windsock.resources import folders

DAY = 86_400.0
FEEDS = folders("pricefeeds", "feed.toml")


def body(*models: str, provider: str = "acme", **facts: object) -> Reading:
    rows = [
        {"provider": provider, "model": m, "input": 1.0, "output": 2.0, **facts} for m in models
    ]
    return read(feed(), json.dumps(rows).encode(), seen_at=START)


def told(seen: list[Event], kind: str) -> list[Event]:
    return [event for event in seen if event.kind == kind]


def test_a_row_that_vanishes_is_told_once_and_not_while_it_stays_away() -> None:
    made, wind, seen = intake("acme/a", "acme/b")
    for models in (("a", "b"), ("a",), ("a",), ("a",)):
        made.on_reading(feed(), body(*models))
    (gone,) = told(seen, "price.vanished")
    assert (gone.deployment, gone.facts["feed"]) == ("acme/b", "list")
    assert wind.book.in_force("acme/b", START) is not None


def test_a_row_that_comes_and_goes_is_told_once_a_day() -> None:
    made, _, seen = intake("acme/a", "acme/b")
    for poll in range(48):
        made.clock.advance_to(START + poll * 3600)
        made.on_reading(feed(), body("a", "b") if poll % 2 else body("a"))
    assert len(told(seen, "price.vanished")) == 2


def test_a_row_whose_price_can_be_read_no_more_has_not_vanished() -> None:
    made, _, seen = intake("acme/a", "acme/b")
    made.on_reading(feed(), body("a", "b"))
    rows = [
        {"provider": "acme", "model": "a", "input": 1, "output": 2},
        {"provider": "acme", "model": "b", "input": "free"},
    ]
    made.on_reading(feed(), read(feed(), json.dumps(rows).encode(), seen_at=START))
    assert told(seen, "price.unread") and not told(seen, "price.vanished")


def test_a_feed_that_lost_half_of_many_rows_is_one_event() -> None:
    names = [f"m{n}" for n in range(40)]
    made, _, seen = intake(*(f"acme/{name}" for name in names))
    made.on_reading(feed(), body(*names))
    made.on_reading(feed(), body(*names[20:]))
    (gone,) = told(seen, "price.vanished")
    assert gone.deployment == "" and gone.facts["count"] == 20
    assert set(gone.facts["deployments"]) == {f"acme/{name}" for name in names[:20]}


def test_other_names_after_a_reload_are_no_row_that_vanished() -> None:
    made, wind, seen = intake("acme/a", "acme/b")
    made.on_reading(feed(), body("a", "b"))
    wind.catalog.adopt([wind.catalog.deployments["acme/a"]])
    made.adopt(Identity(wind.catalog, provider_names()), (), [feed().id])
    assert not told(seen, "price.vanished")


def test_what_a_partial_list_does_not_name_has_not_vanished() -> None:
    made, _, seen = intake("acme/a", "acme/b")
    part = feed().model_copy(update={"is_partial": True})
    made.on_reading(part, body("a", "b"))
    made.on_reading(part, body("b", "c"))
    assert not told(seen, "price.vanished") and not told(seen, "model.listed")


def test_a_new_model_is_told_once_whoever_sells_it() -> None:
    made, _, seen = intake("acme/a")
    for models in (("a",), ("a", "brand-new"), ("a", "brand-new"), ("a",), ("a", "brand-new")):
        made.on_reading(feed(), body(*models))
    (new,) = told(seen, "model.listed")
    assert new.facts == {"feed": "list", "model": "acme/brand-new"}


def test_the_first_reading_of_a_feed_brings_no_news_and_so_does_the_same_after_trouble() -> None:
    made, _, seen = intake("acme/a")
    made.on_reading(feed(), body("a", "b", "c"))
    made.on_reading(feed("other"), body("a", "z"))
    made.on_reading(feed(), body("a"))
    made.on_reading(feed(), body("a", "b", "c"))
    assert not told(seen, "model.listed")


def test_a_new_model_without_a_readable_price_is_a_new_model() -> None:
    made, _, seen = intake("acme/a")
    made.on_reading(feed(), body("a"))
    rows = [{"provider": "acme", "model": m, "input": i} for m, i in (("a", 1), ("n", "ask us"))]
    made.on_reading(feed(), read(feed(), json.dumps(rows).encode(), seen_at=START))
    (new,) = told(seen, "model.listed")
    assert new.facts["model"] == "acme/n"


def test_a_new_model_in_a_list_of_models_is_told_and_a_component_of_a_status_page_is_none() -> None:
    made, _, seen = intake("openai/a")
    made.on_reading(feed(), listed("openai/a"))
    made.on_reading(feed(), listed("openai/a", "openai/b", "openai"))
    (new,) = told(seen, "model.listed")
    assert new.facts["model"] == "openai/b"


def test_a_list_that_grows_much_is_one_event_that_counts() -> None:
    made, _, seen = intake("acme/a")
    made.on_reading(feed(), body("a"))
    made.on_reading(feed(), body("a", *(f"m{n}" for n in range(300))))
    (new,) = told(seen, "model.listed")
    assert new.facts["count"] == 300 and len(new.facts["models"]) == MOST_EACH


def retiring(*names: str, at: float, name: str = "list") -> Reading:
    facts = (ModelFacts(provider="acme", model=n, feed=name, retires_at=at) for n in names)
    return Reading(facts=tuple(facts))


def test_a_date_of_retirement_is_told_once_by_whichever_feed_and_again_if_it_moves() -> None:
    made, _, seen = intake("acme/m", "acme/n")
    for _ in range(3):
        made.on_reading(feed(), retiring("m", at=START + 400 * DAY))
        made.on_reading(feed("other"), retiring("m", at=START + 400 * DAY))
    made.on_reading(feed(), retiring("m", at=START + 380 * DAY))
    made.on_reading(feed("other"), retiring("m", at=START + 400 * DAY))
    first, moved = told(seen, "model.retires")
    assert (first.deployment, first.facts["retires_on"]) == ("acme/m", "2027-10-26")
    assert moved.facts["retires_at"] == START + 380 * DAY


def test_a_model_that_is_used_nowhere_here_retires_unheard() -> None:
    made, _, seen = intake("acme/m")
    made.on_reading(feed(), retiring("other", at=START + DAY))
    assert not told(seen, "model.retires")


def test_many_dates_at_once_are_one_event() -> None:
    names = [f"m{n}" for n in range(30)]
    made, _, seen = intake(*(f"acme/{name}" for name in names))
    for _ in range(2):
        made.on_reading(feed(), retiring(*names, at=START + DAY))
    (event,) = told(seen, "model.retires")
    assert event.facts["count"] == 30 and event.facts["dates"]["acme/m7"] == "2026-09-22"


@pytest.mark.parametrize("count", [3, 30])
def test_what_was_told_before_a_restart_is_not_told_again(count) -> None:
    names = [f"m{n}" for n in range(count)]
    readings = (body(*names, retires_at=START + DAY), body("x"))
    made, _, seen = intake(*(f"acme/{name}" for name in names))
    again, _, later = intake(*(f"acme/{name}" for name in names))
    for reading in readings:
        made.on_reading(feed(), reading)
    again.listings.remember(reversed([event for event in seen if event.kind in REMEMBERED]))
    for reading in readings:
        again.on_reading(feed(), reading)
    known = set(REMEMBERED) - {"price.relisted"}
    assert {event.kind for event in seen} >= known
    assert not [event for event in later if event.kind in known]


def test_the_providers_own_lists_state_their_dates() -> None:
    for name, model in (("anthropic", "claude-3-5-haiku-20241022"), ("mistral", None)):
        folder = FEEDS[f"{name}-models"]
        reading = read(load_feed(folder), Path(folder / "sample.json").read_bytes(), seen_at=START)
        dated = [each for each in reading.health if each.retires_at is not None]
        assert dated, name
        made, _, seen = intake(*(each.subject for each in dated))
        made.on_reading(load_feed(folder), reading)
        days = {
            event.deployment: event.facts["retires_on"] for event in told(seen, "model.retires")
        }
        assert days.keys() == {each.subject for each in dated}
        assert model is None or days[f"anthropic/{model}"] == "2027-02-19"


@pytest.mark.parametrize("said", ["2027-02-30", "soon", float("nan"), 1e30, True, [], {}])
def test_a_date_that_is_none_takes_no_price_and_no_health_away(said) -> None:
    made, wind, seen = intake("acme/m")
    made.on_reading(feed(), body("m", retires_at=said))
    assert wind.book.in_force("acme/m", START) is not None
    assert not told(seen, "model.retires")


def test_a_health_report_of_before_has_no_date() -> None:
    report = HealthReport(subject="acme/m", feed="list", state=HealthState.UP, seen_at=START)
    assert report.retires_at is None
