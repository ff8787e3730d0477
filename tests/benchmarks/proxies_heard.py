"""What it takes on the event loop to hear all proxies of a route, as every fit of priors does.

    python -m tests.benchmarks.proxies_heard [--rounds N]

40 places (8 tasks, 5 deployments) at which 60 keys have scored answers, each beside another one's
label: after one more score, after one more label of a key where keys contradict each other (so
that all places are summed anew), and when nothing was said since. The median of rounds; scores and
labels go from place to place.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

from tests.benchmarks.tables import markdown
from windsock.core.beliefs.proxies.sums import known_both_ways, scored
from windsock.core.evidence.proxies.words import Voice
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

KEYS = 60
PLACES = [
    (Cell("default", "auto", f"t{task}"), f"d{name}/m") for task in range(8) for name in range(5)
]
HALF_LIFE_S = 7 * 86_400.0
MOST_MS = 2.0
WARM_UP = 200


def filled() -> RewardWeighting:
    made = RewardWeighting({"explicit": 1.0}, half_life_s=HALF_LIFE_S)
    for place in PLACES:
        for key in range(KEYS):
            for at in range(3):
                made.score(place, Voice("grader", f"k{key}"), scored((at + key) % 2), float(at))
            beside = Voice("grader", f"k{key}", f"k{(key + 1) % KEYS}")
            made.score(place, beside, known_both_ways(1.0, key % 2), 4.0)
    return made


def timed(say: Callable[[int], object], made: RewardWeighting, rounds: int) -> float:
    """Milliseconds."""
    took = []
    for number in range(WARM_UP + rounds):
        say(number)
        begun = perf_counter()
        made.heard("default", 1000.0 + number)
        took.append((perf_counter() - begun) * 1e3)
    return median(took[WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    made = filled()

    def score(number: int) -> None:
        place = PLACES[number % len(PLACES)]
        made.score(place, Voice("grader", "k1"), scored(1.0), 1000.0 + number)

    def label(number: int) -> None:
        reward = Reward(value=float(number % 2), key_id=f"k{number % KEYS}")
        made.weigh(*PLACES[number % len(PLACES)], reward, 1000.0 + number)

    cases = {"nothing was said": lambda _: None, "one score": score, "one label of a key": label}
    rows = []
    for name, say in cases.items():
        ms = timed(say, made, given.rounds)
        met = "met" if ms <= MOST_MS else "**missed**"
        rows.append([name, f"{ms:.2f} ms", f"<= {MOST_MS:g} ms", met])
    print(markdown(["heard after", "took", "bar", ""], rows))


if __name__ == "__main__":
    main()
