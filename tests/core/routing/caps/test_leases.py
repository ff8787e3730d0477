"""One cap over several processes: never passed by more than a reservation of each."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import START
from windsock.app.workers.messages import beside_heard, beside_told
from windsock.core.routing.caps.account import NOTHING, UNASKED, Account
from windsock.core.routing.caps.book import CapBook, hold
from windsock.core.routing.caps.cap import Cap, Charge
from windsock.core.routing.caps.leases import Borrower, Lender
from windsock.core.routing.caps.periods import span

CALL = Charge("k", "auto", "acme", "m")


class Group:
    """A leader and its workers over one cap."""

    def __init__(self, workers: int, usd: str = "1.00") -> None:
        self.books = [CapBook(is_shared=True) for _ in range(workers)]
        for book in self.books:
            book.adopt([Cap(name="all", usd=Decimal(usd))])
        self.lender = Lender(self.books[0])
        self.borrowers = {f"w{n}": Borrower(book) for n, book in enumerate(self.books) if n}
        self.open: list[tuple[int, Decimal]] = []

    def account(self, number: int) -> Account:
        return self.books[number].accounts(CALL)[0]

    def free(self, number: int) -> Decimal:
        account = self.account(number)
        return account.room_usd(START) - account.spent_usd - account.held_usd

    def exchange(self, name: str, now: float = START) -> None:
        borrower = self.borrowers[name]
        grants, _ = self.lender.answer(name, borrower.report(now), now)
        borrower.take(grants, now)

    def begin(self, number: int, usd: Decimal) -> bool:
        """A call that may cost so much, if there is room for it."""
        account = self.account(number)
        if not account.has_room(usd, START):
            return False
        hold([account], usd)
        self.open.append((number, usd))
        return True

    def end(self, which: int, part: Decimal) -> None:
        """It has cost a part of what was reserved."""
        number, usd = self.open.pop(which)
        self.books[number].settle([self.account(number)], usd, usd * part, START)

    def taken(self) -> Decimal:
        """Spent and reserved by all."""
        accounts = [self.account(number) for number in range(len(self.books))]
        return sum((each.own_usd + each.held_usd for each in accounts), NOTHING)


def act(group: Group, chance: Random, largest: Decimal) -> None:
    what = chance.random()
    if what < 0.5:
        usd = (largest * Decimal(chance.random())).quantize(Decimal("0.0001")) + Decimal("0.0001")
        group.begin(chance.randrange(len(group.books)), usd)
    elif what < 0.8 and group.open:
        group.end(chance.randrange(len(group.open)), Decimal(chance.randrange(101)) / 100)
    else:
        group.exchange(chance.choice(sorted(group.borrowers)))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.sampled_from(["0.01", "0.2", "3"]), st.integers(0, 10**6))
def test_a_cap_is_passed_by_one_reservation_of_each_at_most(
    workers: int, largest: str, seed: int
) -> None:
    group, chance = Group(workers), Random(seed)
    for _ in range(400):
        act(group, chance, Decimal(largest))
        assert group.taken() <= Decimal(1) + workers * (Decimal(largest) + Decimal("0.0001"))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10**6))
def test_calls_that_find_room_for_all_they_may_cost_never_pass_it(workers: int, seed: int) -> None:
    group, chance = Group(workers), Random(seed)
    for _ in range(400):
        if chance.random() < 0.6:
            number, usd = chance.randrange(workers), Decimal(chance.randrange(1, 900)) / 10_000
            if usd <= group.free(number):
                group.begin(number, usd)
        else:
            group.exchange(chance.choice(sorted(group.borrowers)))
        assert group.taken() <= 1 + workers * UNASKED


def test_all_of_it_can_be_spent_wherever_requests_come() -> None:
    group, usd = Group(3), Decimal("0.001")
    for _ in range(200):
        while group.begin(1, usd):
            group.end(-1, Decimal(1))
        group.exchange("w1")
        group.exchange("w2")
    assert group.account(0).spent_usd >= Decimal("0.99")
    assert not group.begin(1, usd)
    assert group.account(1).is_spent(START) == group.account(0).is_spent(START)


def test_what_a_process_had_reserved_is_free_when_it_ends() -> None:
    group = Group(2)
    group.begin(1, Decimal("0.2"))
    group.exchange("w1")
    assert group.free(0) < Decimal("0.8")
    group.lender.forget("w1", START)
    assert group.free(0) == 1


def test_before_the_first_grant_one_large_call_may_begin() -> None:
    group = Group(2)
    assert group.begin(1, Decimal("0.2"))
    assert not group.begin(1, Decimal("0.2"))


def test_what_a_worker_spends_is_told_once_by_the_leader() -> None:
    group, told = Group(2), []
    for _ in range(30):
        if group.begin(1, Decimal("0.05")):
            group.end(-1, Decimal(1))
        borrower = group.borrowers["w1"]
        grants, events = group.lender.answer("w1", borrower.report(START), START)
        borrower.take(grants, START)
        told += [event.kind.value for event in events]
    assert told.count("cap.spent") == 1
    assert told.count("cap.neared") == 2


@pytest.mark.parametrize("spent", ["0.3", "1"])
def test_a_new_period_has_the_whole_cap_again(spent: str) -> None:
    group = Group(2)
    group.begin(1, Decimal(spent))
    group.end(-1, Decimal(1))
    group.exchange("w1")
    cap = group.account(0).cap
    tomorrow = span(cap.period, cap.timezone, START)[1] + 1
    for _ in range(3):
        group.exchange("w1", tomorrow)
    group.lender.share_out(tomorrow)
    for known in (group.lender._before, group.lender._used["w1"]):
        assert all(place.begins_at > START for place in known), "yesterday is forgotten"
    group.account(0).turn(tomorrow)
    assert group.account(0).spent_usd == 0
    assert group.account(1).has_room(Decimal("0.1"), tomorrow)


def test_another_leader_counts_what_is_stored_and_what_comes_after_once() -> None:
    group, usd = Group(2), Decimal("0.05")
    for _ in range(4):
        group.begin(1, usd)
        group.end(-1, Decimal(1))
        group.exchange("w1")
    spent = group.account(0).spent_usd
    book = CapBook(is_shared=True)
    book.adopt([group.account(0).cap])
    book.restore({"all"}, [(CALL, spent)], START)
    group.books[0], group.lender = book, Lender(book)
    group.borrowers["w1"].start_anew()
    group.exchange("w1")
    assert group.account(0).spent_usd == spent
    group.begin(1, usd)
    group.end(-1, Decimal(1))
    group.exchange("w1")
    assert group.account(0).spent_usd == group.account(1).spent_usd == spent + usd


def test_what_each_spends_beside_a_route_is_shown_whole() -> None:
    books = [CapBook(is_shared=True, among=lambda: 2) for _ in range(2)]
    for book in books:
        book.adopt([Cap(name="routes.auto.judge", usd=Decimal(2), beside="auto")])
        account = book.open("routes.auto.judge", "")
        account.spend(Decimal("0.25"), START)
    leader, led = books
    leader.elsewhere["w1"] = beside_heard(beside_told(led.beside(START)))
    (account,) = leader.all_accounts(START)
    assert leader.whole(account, START) == (Decimal(2), Decimal("0.5"), NOTHING)
    leader.elsewhere.clear()
    assert leader.whole(account, START) == (Decimal(1), Decimal("0.25"), NOTHING)
