"""Alarms are folded from events: each begins once and ends, of each subject by itself."""

import pytest

from windsock.clock import ManualClock
from windsock.core.model.events import Event, EventKind
from windsock.observability.alarms import LASTING, Alarms
from windsock.observability.loop_watch import LoopWatch
from windsock.observability.standing import Standing


def event(kind: EventKind, deployment: str = "", **facts: object) -> Event:
    return Event(kind=kind, deployment=deployment, at=1.0, facts=facts)


def test_every_kind_is_counted_from_the_start_and_ends_what_it_ends() -> None:
    alarms = Alarms()
    assert alarms.counts() == {each.begins: 0 for each in LASTING}
    for each in LASTING:
        facts = dict.fromkeys(each.by, "x")
        alarms.on_event(event(each.begins, "a/m", **facts))
        alarms.on_event(event(each.begins, "a/m", **facts))
        assert alarms.counts()[each.begins] == 1
        alarms.on_event(event(each.ends, "b/m", **facts))
        assert alarms.counts()[each.begins] == 1, "another one's end"
        alarms.on_event(event(each.ends, "a/m", **facts, age_s=3.0))
        assert alarms.counts()[each.begins] == 0


def test_what_is_told_together_ends_one_by_one() -> None:
    alarms = Alarms()
    alarms.on_event(event(EventKind.PRICE_WENT_STALE, deployments=["a/m", "b/m"], count=2))
    alarms.on_event(event(EventKind.PRICE_IS_FRESH, "a/m", feed="x"))
    assert alarms.counts()[EventKind.PRICE_WENT_STALE] == 1


def test_what_was_removed_has_no_alarm_and_a_finding_of_better_is_none() -> None:
    alarms = Alarms(knows={"a/m"}.__contains__)
    alarms.on_event(event(EventKind.ERRORS_ROSE, "a/m"))
    alarms.on_event(event(EventKind.ERRORS_ROSE, "gone/m"))
    assert alarms.counts()[EventKind.ERRORS_ROSE] == 1
    alarms.on_event(event(EventKind.PRICE_VANISHED, "a/m", feed="gone"))
    assert alarms.counts()[EventKind.PRICE_VANISHED] == 0
    place = {"namespace": "default", "route": "auto"}
    for finding, standing in (("better", 0), ("worse", 1), ("confirmed", 1), ("recovered", 0)):
        alarms.on_event(event(EventKind.QUALITY_DRIFTED, "a/m", finding=finding, **place))
        assert alarms.counts()[EventKind.QUALITY_DRIFTED] == standing, finding


PLACE = {"route": "auto", "namespace": "team", "task": "sql"}


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (EventKind.FLOOR_OUT_OF_REACH, PLACE),
        (EventKind.FLOOR_OUT_OF_REACH, {**PLACE, "task": ""}),  # a floor over all of a route
        (EventKind.JUDGE_IS_UNREAD, {"route": "auto", "namespace": "team"}),
        (EventKind.ROUTE_IS_DOWN, {"route": "auto"}),
        (EventKind.CAP_SPENT, {"cap": "day"}),
        (EventKind.CAP_OUTPACED, {"cap": "day", "key": "k", "route": "gone"}),
        (EventKind.FEED_FAILED, {"feed": "list"}),
        (EventKind.FEED_WENT_STALE, {"feed": "list"}),
        (EventKind.SPEND_ROSE, {}),
        (EventKind.REPLICAS_DIFFER, {}),
        (EventKind.STORE_IS_BEHIND, {}),
        (EventKind.LOOP_IS_LATE, {}),
    ],
)
def test_an_alarm_about_no_deployment_counts_while_what_it_is_about_is_there(kind, facts) -> None:
    there = {"auto", "day", "list"}
    alarms = Alarms(knows=lambda name: name in there)
    alarms.on_event(event(kind, **facts))
    assert alarms.counts()[kind] == 1
    there.clear()
    assert alarms.counts()[kind] == (0 if facts else 1)


def test_what_flickers_neither_begins_nor_ends() -> None:
    standing = Standing(begins_s=10.0, ends_s=15.0)
    assert not any(standing.turn(at % 9 > 0, float(at)) for at in range(100))
    begun = [at for at in range(100, 200) if standing.turn(True, float(at))]
    assert begun == [110]
    assert not any(standing.turn(at % 14 == 0, float(at)) for at in range(200, 300))
    assert [at for at in range(301, 400) if standing.turn(False, float(at))] == [310]


def looped(*lates: float) -> list[str]:
    told: list[Event] = []
    watch = LoopWatch(clock=ManualClock(), publish=told.append)
    for late in lates:
        watch.note(late, 0.25)
    return [each.kind.value for each in told]


def test_a_loop_is_late_when_it_loses_a_quarter_of_its_time_and_not_for_one_pause() -> None:
    assert looped(*[0.01] * 100, 2.0, *[0.01] * 100) == [], "one pause of two seconds"
    assert looped(*[0.01] * 100, *[0.08] * 100) == []
    assert looped(*[0.01] * 100, *[0.1] * 100) == ["loop.is_late"]
    assert looped(*[0.0, 0.3] * 50) == ["loop.is_late"]
    assert looped(0.01, 30.0, *[0.01] * 18) == ["loop.is_late"], "half a minute without a turn"
    assert looped(*[0.2] * 50, *[0.0] * 60) == ["loop.is_late", "loop.is_on_time"]
    wavering = [0.2] * 50 + [0.06, 0.02] * 200
    assert looped(*wavering) == ["loop.is_late"], "between the two bounds nothing is said"
