"""A floor that nobody reaches is told of once, and its end once; what is unknown is not told."""

from tests.weight_tables import CELL, arm, table_of
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.events import Event
from windsock.core.routing.outlook.floor_reach import FloorWatch, Reach, reach_of


def believing(**rates: tuple[int, int]) -> Beliefs:
    """(right, wrong) rewards of a/KEY."""
    beliefs = Beliefs()
    for name, (right, wrong) in rates.items():
        n, s = float(right + wrong), float(right)
        beliefs.observe_sums(CELL, f"a/{name}", n, s, s, now=0.0)
    return beliefs


def reach(beliefs: Beliefs, *names: str, floor: float = 0.9) -> Reach:
    arms = []
    for i, name in enumerate(names):
        summary = beliefs.summary(CELL, f"a/{name}")
        arms.append(arm(f"a/{name}", float(i == 0), summary.mean, 0.001 * 10**i,
                        rewards=summary.effective_samples))  # fmt: skip
    found = reach_of(table_of(*arms), floor, beliefs)
    assert found is not None
    return found


def kinds(events: list[Event]) -> list[str]:
    return [event.kind.value for event in events]


def test_it_is_out_of_reach_when_everybody_is_known_to_fall_short() -> None:
    found = reach(believing(small=(70, 30), large=(80, 20)), "small", "large")
    assert found.is_out_of_reach
    assert (found.best, 0.75 < found.reachable < 0.85) == ("a/large", True)
    assert [each.deployment for each in found.further] == ["a/large"]


def test_without_labels_a_floor_is_merely_not_certain() -> None:
    assert not reach(Beliefs(), "small", "large", floor=0.99).is_out_of_reach


def test_one_candidate_of_which_little_is_known_keeps_the_hope() -> None:
    found = reach(believing(small=(70, 30), large=(80, 20), new=(2, 0)), "small", "large", "new")
    assert not found.is_out_of_reach


def test_no_floor_no_reach() -> None:
    assert reach_of(table_of(arm("a/small", 1.0, 0.5, 0.1)), None, Beliefs()) is None
    assert reach_of(table_of(), 0.9, Beliefs()) is None


def test_it_is_told_once_and_ended_once_with_room_between_the_two() -> None:
    watch = FloorWatch()
    known, some, good = (
        believing(small=(70, 30), large=large) for large in ((80, 20), (88, 12), (97, 3))
    )
    out, between, within = (reach(each, "small", "large") for each in (known, some, good))
    assert between.chance > 0.05
    assert not between.is_out_of_reach
    assert kinds(list(watch.check(CELL, between, 0.0))) == []
    assert kinds(list(watch.check(CELL, out, 1.0))) == ["floor.out_of_reach"]
    assert kinds(list(watch.check(CELL, out, 2.0))) == []
    assert kinds(list(watch.check(CELL, between, 3.0))) == []
    (ended,) = watch.check(CELL, within, 4.0)
    assert (ended.kind.value, ended.facts["floor"], ended.at) == ("floor.within_reach", 0.9, 4.0)
    assert list(watch.check(CELL, within, 5.0)) == []
    assert kinds(list(watch.check(CELL, out, 6.0))) == ["floor.out_of_reach"]


def test_another_floor_is_another_matter() -> None:
    watch, known = FloorWatch(), believing(small=(70, 30), large=(80, 20))
    list(watch.check(CELL, reach(known, "small", "large"), 0.0))
    higher = reach(known, "small", "large", floor=0.95)
    assert [event.facts["floor"] for event in watch.check(CELL, higher, 1.0)] == [0.95]
    lower = reach(known, "small", "large", floor=0.6)
    assert kinds(list(watch.check(CELL, lower, 2.0))) == ["floor.within_reach"]
    list(watch.check(CELL, higher, 3.0))
    assert list(watch.check(CELL, None, 4.0)) == []
    assert kinds(list(watch.check(CELL, higher, 5.0))) == ["floor.out_of_reach"]


def test_what_was_told_before_a_start_is_not_told_again() -> None:
    first, again = FloorWatch(), FloorWatch()
    known = believing(small=(70, 30), large=(80, 20))
    out = reach(known, "small", "large")
    (event,) = first.check(CELL, out, 0.0)
    again.restore([event])
    assert list(again.check(CELL, out, 1.0)) == []
    (ended,) = again.check(CELL, reach(known, "small", "large", floor=0.6), 2.0)
    anew = FloorWatch()
    anew.restore([ended, event])
    assert kinds(list(anew.check(CELL, out, 3.0))) == ["floor.out_of_reach"]


def test_the_event_tells_what_is_reachable_and_what_each_point_costs() -> None:
    out = reach(believing(small=(70, 30), large=(80, 20)), "small", "large")
    (event,) = FloorWatch().check(CELL, out, 0.0)
    assert event.namespace == "default"
    (step,) = event.facts["further"]
    gain = 100 * (step["success_to"] - step["success_from"])
    assert abs(step["usd_per_1000_per_point"] * gain - 1000 * (0.01 - 0.001)) < 0.05
