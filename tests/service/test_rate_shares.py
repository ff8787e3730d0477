"""Limits a minute among replicas: whoever needs more takes it, and no minute sees more than all."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.clock import ManualClock
from windsock.core.replicas.rates import (
    GONE_S,
    LEASE_S,
    OVER_S,
    Claim,
    Place,
    Share,
    fair_parts,
    share_of,
)
from windsock.errors import LimitReached
from windsock.service.auth import Principal
from windsock.service.key_limits import KeyLimits
from windsock.service.rate_shares import RateShares

PLACE = ("k", "requests")


@dataclass
class Table:
    """The claims of all, as the database keeps them: one transaction after the other."""

    clock: ManualClock
    rows: dict[str, tuple[Claim, float]] = field(default_factory=dict)

    def claim(self, replica: str, claim: Claim, there: set[str]) -> Share | None:
        now = self.clock.elapsed()
        lasts = {name: OVER_S if name in there else GONE_S for name in self.rows}
        self.rows = {name: row for name, row in self.rows.items() if now - row[1] <= lasts[name]}
        others = {name: row[0] for name, row in self.rows.items() if name != replica}
        present = [each for name, each in others.items() if name in there]
        share = share_of(
            claim,
            present,
            silent=len(there) - 1 - len(present),
            gone=sum(each.share for name, each in others.items() if name not in there),
            replicas=len(there),
        )
        if share is None:
            self.rows = {}
        else:
            self.rows[replica] = claim._replace(share=share.share), now
        return share


class Fleet:
    """Replicas with one key of `most` requests a minute; who asks the table learns who is there."""

    def __init__(self, count: int, most: int) -> None:
        self.clock = ManualClock(1000.0)
        self.table = Table(self.clock)
        self.there = {f"r{number}" for number in range(count)}
        self.count = [count] * count
        counts = [partial(self.count.__getitem__, number) for number in range(count)]
        self.limits = [KeyLimits(self.clock.elapsed, each) for each in counts]
        self.shares = [
            RateShares(limits, self.clock.elapsed, each)
            for limits, each in zip(self.limits, counts, strict=True)
        ]
        self.key = Principal(key_id="k", rpm=most, is_limited=True)
        self.most, self.let_in = most, []
        self.claims: list[dict[Place, Claim]] = [{} for _ in range(count)]
        self.answers: list[dict[Place, Share | None]] = [{} for _ in range(count)]
        self.synced = [1000.0] * count

    def ask(self, number: int, times: int = 1) -> int:
        """How many are let in; of tokens all in one prompt, or none."""
        if self.key.tpm:
            with contextlib.suppress(LimitReached):
                self.send(number, times)
                self.let_in += [self.clock.elapsed()] * times
            return 0
        for done in range(times):
            try:
                self.limits[number].enter(self.key)
            except LimitReached:
                return done
            self.let_in.append(self.clock.elapsed())
        return times

    def send(self, number: int, tokens: int) -> None:
        """A prompt whose answer has no length; raises LimitReached."""
        self.limits[number].enter(self.key).reserve(tokens, 0)

    def begin(self, number: int) -> None:
        """The database answers, which is not yet heard."""
        self.count[number] = len(self.there)
        place = PLACE if self.key.rpm else ("k", "tokens")
        elsewhere = [(place, self.most)] if self.table.rows else []
        self.claims[number] = self.shares[number].claims(elsewhere)
        self.answers[number] = {
            place: self.table.claim(f"r{number}", claim, self.there)
            for place, claim in self.claims[number].items()
        }
        self.synced[number] = self.clock.elapsed()

    def hear(self, number: int) -> None:
        self.shares[number].take(self.answers[number], self.claims[number])
        self.claims[number], self.answers[number] = {}, {}

    def sync(self, number: int) -> None:
        if self.answers[number]:
            self.hear(number)
        self.begin(number)
        self.hear(number)

    def look(self, rounds: int = 4) -> None:
        for _ in range(rounds):
            for number in range(len(self.limits)):
                self.sync(number)
            self.wait(0.25)

    def take_all(self, number: int) -> None:
        """All that is asked for, for a while, is asked of one."""
        for _ in range(8):
            for _ in range(20):
                self.ask(number)
            self.look(1)

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds)
        for each in self.shares:
            each.age()

    def most_in_a_minute(self) -> int:
        return max(
            (sum(at <= each < at + 60 for each in self.let_in) for at in self.let_in), default=0
        )


def test_all_of_a_limit_is_had_at_one_replica_while_others_use_nothing() -> None:
    fleet = Fleet(3, 60)
    assert fleet.ask(0, 100) == 20
    fleet.take_all(0)
    assert len(fleet.let_in) == 60
    fleet.wait(62)
    assert fleet.ask(0, 100) == 60


def test_what_one_has_taken_is_given_back_as_its_minute_passes_and_others_ask() -> None:
    fleet = Fleet(3, 60)
    fleet.take_all(0)
    let_in = [0, 0, 0]
    for second in range(180):
        for number in range(3):
            let_in[number] += fleet.ask(number, 2) * (second >= 60)
        fleet.look(1)
        fleet.wait(0.75)
    assert sum(let_in) >= 100
    assert max(let_in) <= 2 * min(let_in)
    assert fleet.most_in_a_minute() <= 60 + 3


def test_once_nobody_needs_more_than_an_even_part_nothing_is_kept() -> None:
    fleet = Fleet(3, 60)
    fleet.ask(0, 100)
    fleet.look()
    assert fleet.table.rows
    fleet.wait(62)
    fleet.look(12)
    assert not fleet.table.rows
    assert [fleet.ask(number, 100) for number in range(3)] == [20, 20, 20]


def test_a_prompt_larger_than_a_share_comes_in_once_it_is_granted_so_much() -> None:
    fleet = Fleet(3, 90)
    fleet.key = Principal(key_id="k", tpm=90, is_limited=True)
    with pytest.raises(LimitReached, match=r"30 of them at this replica just now, this needs 70;"):
        fleet.send(0, 70)
    fleet.send(1, 10)
    fleet.look(7)
    fleet.send(0, 70)
    fleet.look(4)
    for number in (0, 1, 2):
        with pytest.raises(LimitReached, match="90 tokens a minute"):
            fleet.send(number, 31)
    fleet.wait(62)
    fleet.look(40)
    assert not fleet.table.rows
    with pytest.raises(LimitReached, match="send less at a time"):
        fleet.send(0, 91)


def test_what_was_given_back_is_had_again_if_nobody_heard_of_it() -> None:
    fleet = Fleet(2, 60)
    assert fleet.shares[0].claims([(PLACE, 60)])
    fleet.shares[0].take_back()
    assert fleet.ask(0, 100) == 30


def test_a_key_that_fits_in_even_parts_asks_nobody() -> None:
    fleet = Fleet(3, 60)
    assert [fleet.ask(number, 10) for number in range(3)] == [10, 10, 10]
    assert [each.claims() for each in fleet.shares] == [{}, {}, {}]


def test_a_share_holds_while_the_database_is_away_for_a_minute_and_not_for_ever() -> None:
    fleet = Fleet(3, 60)
    fleet.take_all(0)
    fleet.wait(70)
    assert fleet.ask(0, 100) == 60
    assert fleet.ask(1, 100) >= 1
    fleet.wait(LEASE_S - 70)
    fleet.wait(62)
    assert [fleet.ask(number, 100) <= 20 for number in range(3)] == [True] * 3
    fleet.wait(OVER_S)
    assert [fleet.ask(number, 100) for number in range(3)] == [20, 20, 20]
    assert fleet.most_in_a_minute() <= 60 + 3


def test_a_limit_that_is_lowered_is_lower_at_once_also_where_a_share_was_granted() -> None:
    fleet = Fleet(3, 60)
    fleet.take_all(0)
    fleet.wait(62)
    fleet.key = Principal(key_id="k", rpm=30, is_limited=True)
    assert fleet.ask(0, 100) == 30


def test_the_shares_of_one_that_was_killed_come_back() -> None:
    fleet = Fleet(3, 60)
    fleet.take_all(0)
    fleet.there.discard("r0")
    fleet.ask(1, 100)
    for number in (1, 2):
        fleet.sync(number)
    assert sum(row[0].share for row in fleet.table.rows.values()) <= 60 + 2
    fleet.wait(GONE_S + 1)
    for _ in range(4):
        fleet.ask(1, 100)
        for number in (1, 2):
            fleet.sync(number)
    assert fleet.limits[1].minute(PLACE, 60).used == 60


@pytest.mark.parametrize(
    ("most", "wanted", "parts"),
    [
        (60, [60, 0, 0], [60, 0, 0]),
        (60, [60, 60, 0], [30, 30, 0]),
        (60, [10, 60, 60], [10, 25, 25]),
        (60, [10, 10, 10], [20, 20, 20]),
        (2, [5, 5, 5], [0, 1, 1]),
        (0, [5, 5], [0, 0]),
    ],
)
def test_nobody_gets_more_than_another_who_wants_more(most, wanted, parts) -> None:
    assert fair_parts(most, wanted) == parts


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3), st.integers(1, 40)),
        st.tuples(st.sampled_from(("begin", "hear", "sync")), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.floats(0.05, 30)),
    ),
    max_size=80,
)


@pytest.mark.parametrize("kind", ["rpm", "tpm"])
@given(steps, st.integers(2, 4), st.integers(1, 60))
def test_in_any_order_of_claims_no_minute_sees_more_than_the_limit_and_one_each(
    kind, order, count, most
) -> None:
    """Whoever is not heard of for a minute is heard of then; answers may be late."""
    fleet = Fleet(count, most)
    fleet.key = Principal(key_id="k", is_limited=True, **{kind: most})
    for kind, who, amount in order:
        number = who % count
        if kind == "ask":
            fleet.ask(number, amount)
        elif kind == "wait":
            for each in range(count):
                if fleet.clock.elapsed() + amount - fleet.synced[each] > 60:
                    fleet.sync(each)
            fleet.wait(amount)
        elif kind == "hear" or fleet.answers[number]:
            fleet.hear(number)
        else:
            (fleet.begin if kind == "begin" else fleet.sync)(number)
    assert fleet.most_in_a_minute() <= most + count


@given(steps, st.integers(2, 4), st.integers(1, 60), st.sets(st.integers(0, 3)))
def test_whoever_is_cut_off_or_killed_for_however_long_all_see_no_more_than_twice_the_limit(
    order, count, most, cut
) -> None:
    """Those that are cut go on; the others take them for dead after a while."""
    fleet = Fleet(count, most)
    away = {each % count for each in cut}
    for kind, who, amount in order:
        number = who % count
        if kind == "ask":
            fleet.ask(number, amount)
        elif kind == "wait":
            fleet.wait(amount)
            fleet.there -= {f"r{each}" for each in away if fleet.clock.elapsed() > 1015}
            for each in set(range(count)) - away:
                fleet.sync(each)
        elif number not in away or fleet.clock.elapsed() < 1005:
            fleet.sync(number)
    assert fleet.most_in_a_minute() <= 2 * most + count
