"""What voices come to at a place is kept until one speaks, or is believed more or less."""

import random

from windsock.core.beliefs.proxies.sums import known_both_ways, scored
from windsock.core.evidence.proxies.book import ProxyBook
from windsock.core.evidence.proxies.words import Voice
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

HALF_LIFE_S = 3600.0
PLACES = [(Cell("default", "auto", task), f"{name}/m") for task in "xy" for name in "ab"]


def fresh(weighting: RewardWeighting) -> ProxyBook:
    """The same book as if it had summed nothing yet."""
    book = ProxyBook(HALF_LIFE_S, weighting.keys)
    book.from_state(weighting.proxies.to_state())
    return book


def test_whatever_was_said_and_asked_before_sums_are_those_of_a_book_that_was_asked_nothing() -> (
    None
):
    rng, silenced = random.Random(7), set[str]()
    weighting = RewardWeighting({}, half_life_s=HALF_LIFE_S, silenced=silenced)
    now, changed = 0.0, 0
    for _ in range(400):
        place, key = rng.choice(PLACES), f"k{rng.randrange(5)}"
        now += rng.choice([0.0, 1.0, 500.0])
        at = now - rng.choice([0.0, 0.0, 900.0])
        match rng.randrange(5):
            case 0:
                weighting.score(place, Voice("grader", key), scored(rng.random()), at)
            case 1:
                voice = Voice("judge", "", key)
                weighting.score(place, voice, known_both_ways(rng.random(), 1.0), at)
            case 2:
                value = 0.0 if key == "k0" else 1.0
                weighting.weigh(*place, Reward(value=value, key_id=key), now)
            case 3:
                silenced ^= {key}
                weighting.keys.weigh_again(key)
        for each in PLACES:
            found = weighting.proxies.of(each, now)
            assert found == fresh(weighting).of(each, now)
            changed += bool(found)
    assert changed > 100


def test_who_looks_later_finds_less_and_looking_changes_nothing() -> None:
    weighting = RewardWeighting({}, half_life_s=HALF_LIFE_S)
    weighting.score(PLACES[0], Voice("judge"), scored(1.0), 10.0)
    state = weighting.proxies.to_state()
    early, late = (weighting.proxies.of(PLACES[0], at)["judge"] for at in (-1.0, 10 + HALF_LIFE_S))
    assert (early.judged, late.judged) == (1.0, 0.5)
    weighting.proxies.of(PLACES[0], 0.0).clear()
    assert weighting.proxies.of(PLACES[0], 0.0) and weighting.proxies.of(PLACES[1], 0.0) == {}
    assert weighting.proxies.to_state() == state
