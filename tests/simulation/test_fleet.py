"""Replicas that hear each other late, in part and at times not at all know in the end what one does
that saw everything: `simulations/fleet`, with fewer of them."""

from __future__ import annotations

import pytest

from tests.benchmarks.fleet import Fleet, declared, run

pytestmark = pytest.mark.xdist_group("fleet")


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return run({**declared(), "replicas": 8, "outcomes_per_s": 15}, is_told=False)


def test_messages_were_lost_and_replicas_were_apart(fleet: Fleet) -> None:
    assert fleet.lost > 0.1 * fleet.sent
    assert fleet.repaired > 100


def test_once_all_is_heard_sums_are_those_of_one_that_saw_all(fleet: Fleet) -> None:
    bounds = fleet.facts["bounds"]
    assert fleet.difference() <= bounds["sum_difference"]
    assert max(fleet.points(float(fleet.facts["seconds"]))) <= bounds["points"]


def test_no_replica_saw_more_than_its_part_itself(fleet: Fleet) -> None:
    """Else nothing was exchanged: what a replica knows came for the most part from others."""
    everything = fleet.facts["seconds"] * fleet.facts["outcomes_per_s"]
    for each in fleet.replicas:
        assert each.outbox.number <= fleet.facts["seconds"]
        assert len(each.seen.to_state()) == len(fleet.replicas)
    assert everything == 600
