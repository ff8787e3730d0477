"""What keys have said is counted as it is worth now, whoever spoke first."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import pytest

from windsock.core.evidence.keys.accounts import KeyAccounts, Place
from windsock.core.evidence.keys.sums import NOBODY, Sums, sums_of
from windsock.core.model.requests import Cell

HERE: Place = (Cell("default", "auto", "chat"), "m")
THERE: Place = (Cell("default", "auto", "sql"), "m")
ELSEWHERE: Place = (Cell("default", "auto", "chat"), "other")
DAY = 86_400.0

Word = tuple[str, float, Place]


def stands(accounts: KeyAccounts, words: Sequence[Word], at: float = 0.0) -> dict[Place, Sums]:
    """What stands in beliefs that were moved as they were told to be."""
    held: dict[Place, Sums] = {}
    for key, value, place in words:
        believed, moved = accounts.hear(place, key, sums_of(value, 1.0), at)
        for where, sums in [(place, Sums(*(believed * p for p in sums_of(value, 1.0)))),
                            *moved.items()]:  # fmt: skip
            held[where] = held.get(where, Sums()).plus(sums)
    return held


def many(key: str, value: float, count: int, place: Place = HERE) -> list[Word]:
    return [(key, value, place)] * count


HONEST = [word for i in range(4) for word in many(f"user {i}", 0.9, 25)]
LIES = many("liar", 0.0, 60)


@pytest.mark.parametrize("words", [HONEST + LIES, LIES + HONEST])
def test_lies_are_as_if_they_had_never_been_told_whenever_they_were(words: list[Word]) -> None:
    lied, honest = stands(KeyAccounts(DAY), words), stands(KeyAccounts(DAY), HONEST)
    assert lied[HERE] == pytest.approx(honest[HERE], rel=1e-9, abs=1e-9)


def test_what_stands_is_the_same_in_any_order_of_the_keys() -> None:
    parts = [many("a", 0.9, 30), many("b", 0.8, 30), many("c", 0.85, 10), many("d", 0.3, 30)]
    found = [
        stands(KeyAccounts(DAY), [word for part in order for word in part])[HERE]
        for order in itertools.permutations(parts)
    ]
    assert all(each == pytest.approx(found[0], rel=1e-9) for each in found)


def test_of_two_that_contradict_each_other_both_count_and_both_are_told_of() -> None:
    accounts = KeyAccounts(DAY)
    held = stands(accounts, many("one", 0.0, 20) + many("two", 1.0, 20))
    assert held[HERE] == pytest.approx((40.0, 20.0, 20.0))
    assert {key for _, key, _ in accounts.apart()} == {"one", "two"}
    stands(accounts, many("three", 1.0, 20))
    assert {key for _, key, _ in accounts.apart()} == {"one"}


def test_who_lies_here_is_believed_less_where_it_alone_has_spoken() -> None:
    accounts = KeyAccounts(DAY)
    held = stands(accounts, [*many("liar", 1.0, 30, ELSEWHERE), *HONEST, *LIES])
    assert held[ELSEWHERE] == pytest.approx((0.0, 0.0, 0.0), abs=0.7)
    assert accounts.belief("liar", ELSEWHERE) == 0.0


def test_who_is_taken_out_leaves_nothing_and_is_back_as_before() -> None:
    silenced: set[str] = set()
    accounts = KeyAccounts(DAY, silenced)
    words = [*HONEST, *many("odd", 0.7, 20), *many("odd", 0.7, 20, THERE)]
    held, plain = stands(accounts, words), stands(KeyAccounts(DAY), HONEST)
    for is_out in (True, False):
        (silenced.add if is_out else silenced.discard)("odd")
        for place, sums in accounts.weigh_again("odd").items():
            held[place] = held[place].plus(sums)
        if is_out:
            assert held[HERE] == pytest.approx(plain[HERE])
            assert held[THERE] == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
            assert accounts.hear(HERE, "odd", Sums(), 0.0)[0] == 0.0
    assert held == {place: pytest.approx(sums) for place, sums in
                    stands(KeyAccounts(DAY), words).items()}  # fmt: skip


def test_what_was_said_ages_as_beliefs_do() -> None:
    accounts = KeyAccounts(DAY)
    stands(accounts, many("a", 1.0, 8))
    stands(accounts, many("a", 1.0, 1), at=DAY)
    assert accounts.weights(HERE)["a"] == pytest.approx(5.0)
    stands(accounts, many("a", 1.0, 1), at=0.0)
    assert accounts.weights(HERE)["a"] == pytest.approx(5.5), "late, it counts half"


def test_the_routers_own_checks_are_nobodys_word_and_never_doubted() -> None:
    accounts = KeyAccounts(DAY)
    held = stands(accounts, [*HONEST, *many(NOBODY, 0.0, 60)])
    assert held[HERE].weight == pytest.approx(160.0)
    assert not list(accounts.apart())


def test_a_restart_goes_on_where_it_was() -> None:
    accounts, again = KeyAccounts(DAY), KeyAccounts(DAY)
    words = [*HONEST, *LIES, *many("liar", 1.0, 9, THERE)]
    stands(accounts, words)
    again.from_state(json.loads(json.dumps(accounts.to_state())))
    more = [*many("late", 0.2, 9), *many("liar", 0.9, 40), *many("user 1", 0.1, 30)]
    assert stands(again, more, at=60.0) == stands(accounts, more, at=60.0)
    assert again.to_state() == accounts.to_state()
