"""What feeds show, and when: late, silent, lying or announcing, poll after poll."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from windsock.core.model.ticks import Quote, Window
from windsock.core.model.units import Meter, Prices
from windsock.simulation.world.conditions import Peak, Priced, Shock
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.traffic import HOUR_S

POLLS = 13
"""Polls that repeat a change: as many as convince the most cautious price book, and one."""

RESTATED_S = 12 * HOUR_S
"""Every so often a feed's unchanged price is absorbed again, which keeps it from going stale."""

TRUST = 0.9


def shown_at(scenario: Scenario, shock: Shock) -> float:
    """When the first feed shows a price change, unix s."""
    at = scenario.begins + shock.at_hour * HOUR_S
    return min(_first_poll(scenario, feed, at + late) for feed, late in scenario.feeds.items())


def statements(scenario: Scenario, truth: dict[str, list[Quote]]) -> list[Quote]:
    """Every price statement of every feed, in the order in which they are seen.

    truth   by deployment, what holds since `seen_at`, in order of time
    """
    found: list[Quote] = []
    for feed, late in scenario.feeds.items():
        for name, quotes in truth.items():
            found += _of_feed(scenario, feed, late, name, quotes)
    found += _announced(scenario, truth)
    return sorted(found, key=lambda quote: (quote.seen_at, -quote.trust, quote.feed))


def quote_of(
    name: str, priced: Priced, peaks: tuple[Peak, ...], at: float, feed: str = "truth"
) -> Quote:
    """A price that holds from `at`."""
    return Quote(
        deployment=name,
        feed=feed,
        feed_model=name,
        usd_per_mtok=_prices(priced),
        windows=tuple(_window(peak) for peak in peaks),
        quoted_at=at,
        seen_at=at,
        zero_reason="simulated",
        trust=TRUST,
    )


def truths(scenario: Scenario, shocks: list[Shock]) -> dict[str, list[Quote]]:
    """By deployment: what is truly billed, as quotes in force from `seen_at`."""
    begins = scenario.begins
    found = {
        name: [quote_of(name, place, place.peaks, begins + place.from_hour * HOUR_S)]
        for name, place in scenario.deployments.items()
    }
    changes: list[tuple[float, str, Priced, tuple[Peak, ...]]] = [
        (shock.at_hour, shock.deployment, shock, shock.peaks) for shock in shocks
    ]
    changes += [
        (each.valid_from_hour, each.deployment, each, ())
        for each in scenario.announcements
        if each.cancelled_at_hour is None
    ]
    for hour, name, priced, peaks in sorted(changes, key=lambda change: change[0]):
        found[name].append(quote_of(name, priced, peaks, begins + hour * HOUR_S))
    return found


def _of_feed(
    scenario: Scenario, feed: str, late_s: float, name: str, truth: list[Quote]
) -> Iterator[Quote]:
    """One feed on one deployment: its price from the start, and every change some polls long.

    While any feed shows a change, the others restate what they still show.
    """
    ends = scenario.begins + scenario.hours * HOUR_S
    polls = [poll * scenario.poll_s for poll in range(POLLS)]
    stirs = {
        _first_poll(scenario, other, each.seen_at + other_late_s)
        for other, other_late_s in scenario.feeds.items()
        for each in truth[1:]
    }
    for i, quote in enumerate(truth):
        is_start = i == 0
        shown = quote.seen_at if is_start else _first_poll(scenario, feed, quote.seen_at + late_s)
        until = ends if i + 1 == len(truth) else truth[i + 1].seen_at + late_s
        moments = {shown, *_restated(shown, until)}
        moments |= {stir + poll for stir in stirs for poll in polls}
        for at in sorted(moments):
            if shown <= at < until and not _is_silent(scenario, feed, at):
                yield _said(quote, feed, at)
    yield from _lies(scenario, feed, name, truth)


def _restated(shown: float, until: float) -> Iterator[float]:
    at = shown + RESTATED_S
    while at < until:
        yield at
        at += RESTATED_S


def _lies(scenario: Scenario, feed: str, name: str, truth: list[Quote]) -> Iterator[Quote]:
    """The lie, poll by poll, while the other feeds restate the truth; then the truth again."""
    for lie in scenario.lies:
        if lie.deployment != name:
            continue
        at = scenario.begins + lie.at_hour * HOUR_S
        honest = [quote for quote in truth if quote.seen_at <= at][-1]
        for poll in range(lie.polls + POLLS):
            moment = at + poll * scenario.poll_s
            is_lie = lie.feed == feed and poll < lie.polls
            said = quote_of(name, lie, (), at) if is_lie else honest
            yield _said(said, feed, moment)


def _announced(scenario: Scenario, truth: dict[str, list[Quote]]) -> Iterator[Quote]:
    """Feeds show a price of a later day; if it is taken back, they show the price that stays."""
    for each in scenario.announcements:
        for feed, late_s in scenario.feeds.items():
            at = scenario.begins + each.at_hour * HOUR_S + late_s
            valid_from = scenario.begins + each.valid_from_hour * HOUR_S
            quote = quote_of(each.deployment, each, (), at)
            for poll in range(POLLS):
                yield _said(quote, feed, at + poll * scenario.poll_s, valid_from)
            if each.cancelled_at_hour is not None:
                back = scenario.begins + each.cancelled_at_hour * HOUR_S + late_s
                for poll in range(POLLS):
                    moment = back + poll * scenario.poll_s
                    yield _said(truth[each.deployment][0], feed, moment)


def _said(quote: Quote, feed: str, at: float, valid_from: float | None = None) -> Quote:
    return Quote(
        deployment=quote.deployment,
        feed=feed,
        feed_model=quote.feed_model,
        usd_per_mtok=quote.usd_per_mtok,
        windows=quote.windows,
        quoted_at=quote.quoted_at,
        seen_at=at,
        valid_from=valid_from,
        zero_reason=quote.zero_reason,
        trust=TRUST,
    )


def _first_poll(scenario: Scenario, feed: str, at: float) -> float:
    """The first moment from `at` on at which the feed is not silent."""
    for silence in sorted(scenario.silences, key=lambda silence: silence.from_hour):
        is_ours = silence.feed in (None, feed)
        if is_ours and _covers(scenario, silence.from_hour, silence.to_hour, at):
            at = scenario.begins + silence.to_hour * HOUR_S
    return at


def _is_silent(scenario: Scenario, feed: str, at: float) -> bool:
    return any(
        silence.feed in (None, feed) and _covers(scenario, silence.from_hour, silence.to_hour, at)
        for silence in scenario.silences
    )


def _covers(scenario: Scenario, from_hour: float, to_hour: float, at: float) -> bool:
    hour = (at - scenario.begins) / HOUR_S
    return from_hour <= hour < to_hour


def _prices(priced: Priced) -> Prices:
    stated = {
        Meter.INPUT: priced.input,
        Meter.OUTPUT: priced.output,
        Meter.CACHE_READ: priced.cache_read,
    }
    return {meter: Decimal(str(usd)) for meter, usd in stated.items() if usd is not None}


def _window(peak: Peak) -> Window:
    return Window(
        days=frozenset(peak.days),
        start_minute=_minute(peak.start),
        end_minute=_minute(peak.end),
        timezone=peak.timezone,
        usd_per_mtok=_prices(peak),
    )


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
