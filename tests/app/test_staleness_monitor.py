"""What happens by not happening: prices and feeds grow old, deployments stay unpriced."""

from tests.builders import CHEAP, START, deployment, quote, router
from windsock.app.background.staleness_monitor import REFRESH_S, StalenessMonitor
from windsock.clock import ManualClock
from windsock.core.model.events import Event
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher
from windsock.feeds.poller import Poller

DAY = 86_400.0


def watch(wind) -> tuple[StalenessMonitor, ManualClock, list[Event], Poller]:
    clock = ManualClock(START)
    definition = FeedDefinition.model_validate(
        {
            "id": "sheet",
            "kind": "price",
            "url": "file:absent.csv",
            "every": "1m",
            "unit": "usd/mtok",
            "trust": 1.0,
            "quotes": ".[]",
        }
    )
    poller = Poller(
        [definition],
        fetcher=Fetcher(),
        clock=clock,
        on_reading=lambda *_: None,
        on_failure=lambda *_: None,
    )
    seen: list[Event] = []
    monitor = StalenessMonitor(
        router=wind,
        poller=poller,
        clock=clock,
        publish=seen.append,
        nearest=lambda name: [f"near {name}"],
    )
    return monitor, clock, seen, poller


def kinds(seen: list[Event]) -> list[str]:
    return [f"{shift.kind} {shift.deployment}".strip() for shift in seen]


def test_a_price_that_nothing_confirms_goes_stale_once_and_comes_back_once() -> None:
    wind = router(prices={CHEAP: 1.0})
    monitor, clock, seen, _ = watch(wind)
    monitor.check()
    clock.advance_to(START + 2 * DAY)
    monitor.check()
    monitor.check()
    assert kinds(seen) == [f"price.went_stale {CHEAP}"]
    wind.absorb(quote(CHEAP, usd=1.0, seen_at=clock.now()), clock.now())
    monitor.check()
    assert kinds(seen)[1:] == [f"price.is_fresh {CHEAP}"]


async def test_a_feed_without_a_good_reading_goes_stale() -> None:
    monitor, clock, seen, poller = watch(router(prices={CHEAP: 1.0}))
    await poller.poll_now("sheet")
    clock.advance_to(START + 600)
    await poller.poll_now("sheet")
    monitor.check()
    assert "feed.went_stale" in kinds(seen)
    await poller.stop()


async def test_an_unpriced_deployment_is_reported_once_with_near_names() -> None:
    wind = router(prices={CHEAP: 1.0}, deployments=(deployment("dark/horse"),))
    monitor, _, seen, poller = watch(wind)
    monitor.check()
    assert "feed.unmatched dark/horse" not in kinds(seen), "not before every feed was asked"
    await poller.poll_now("sheet")
    monitor.check()
    monitor.check()
    (found,) = [shift for shift in seen if shift.kind == "feed.unmatched"]
    assert found.deployment == "dark/horse"
    assert found.facts["near"] == ["near dark/horse"]
    await poller.stop()


def test_requests_for_what_has_no_price_refresh_the_feeds_once_a_minute() -> None:
    monitor, clock, _, _ = watch(router(prices={CHEAP: 1.0}))
    assert monitor.wants_refresh()
    assert not monitor.wants_refresh()
    clock.advance_to(START + REFRESH_S)
    assert monitor.wants_refresh()


def test_a_feed_that_is_being_read_for_the_first_time_is_not_stale() -> None:
    monitor, clock, seen, poller = watch(router(prices={CHEAP: 1.0}))
    (status,) = poller.status()
    status.last_tried = clock.elapsed()
    clock.advance_to(START + 170)
    monitor.check()
    assert kinds(seen) == []
    clock.advance_to(START + 190)
    monitor.check()
    assert kinds(seen) == ["feed.went_stale"]


def test_many_prices_that_go_stale_together_are_one_event_and_one_end() -> None:
    names = [f"acme/m{n}" for n in range(30)]
    wind = router(prices=dict.fromkeys(names, 1.0))
    monitor, clock, seen, _ = watch(wind)
    clock.advance_to(START + 2 * DAY)
    monitor.check()
    (stale,) = seen
    assert (stale.facts["count"], stale.deployment) == (30, "")
    for name in names:
        wind.absorb(quote(name, usd=1.0, seen_at=clock.now()), clock.now())
    monitor.check()
    assert [event.kind for event in seen] == ["price.went_stale", "price.is_fresh"]


def test_what_is_removed_while_it_is_stale_is_told_of_no_more() -> None:
    wind = router(prices={CHEAP: 1.0})
    monitor, clock, seen, _ = watch(wind)
    clock.advance_to(START + 2 * DAY)
    monitor.check()
    wind.catalog.adopt([])
    monitor.check()
    assert kinds(seen) == [f"price.went_stale {CHEAP}"]
