"""Conversations cost what the best in hindsight would, to within 3 %: the benchmark, shortened."""

import pytest

from tests.benchmarks.cache_aware import CASES, TURNS, Talk, hindsight, needless, play, row
from tests.builders import START


@pytest.mark.parametrize("is_judged", [False, True], ids=["fresh", "judged"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_spend_is_within_3_percent_of_the_best_in_hindsight(case, is_judged) -> None:
    """On a fresh install nobody moves, besides, who could as well stay."""
    is_calm = case.shock is None
    found = row(case, play(case, is_judged=is_judged, count=16 if is_calm else 30))
    assert found.over < 0.03
    if is_calm and not is_judged:
        assert found.needless == 0


def test_the_best_in_hindsight_is_no_dearer_than_any_plan() -> None:
    case = next(case for case in CASES if "pause of 20 min" in case.name)
    (talk,) = play(case, is_judged=False, count=1)
    best = hindsight(case, talk)[0]
    for plan in ([0] * TURNS, [1] * TURNS, [0, 1] * (TURNS // 2), [0] * 3 + [1] * (TURNS - 3)):
        assert best <= cost_of(case, talk, plan) + 1e-12
    assert talk.usd == pytest.approx(cost_of(case, talk, talk.asked))


def cost_of(case, talk: Talk, plan: list[int]) -> float:
    last, usd = {}, 0.0
    for turn, i in enumerate(plan):
        place, before = case.places[i], last.get(i)
        is_warm = before is not None and talk.at[turn] < talk.at[before] + place.ttl_s
        held = talk.prompt(before) if is_warm else 0
        usd += place.usd(talk.prompt(turn), held, case.factor(i, talk.at[turn]))
        last[i] = turn
    return usd


def test_a_switch_for_nothing_is_seen_as_needless() -> None:
    case = CASES[0]
    talk = Talk("s", [START + 60.0 * i for i in range(TURNS)])
    talk.asked = [0] * 5 + [1] * (TURNS - 5)
    assert needless(case, talk) == 1
    talk.asked = [0] * TURNS
    assert needless(case, talk) == 0
