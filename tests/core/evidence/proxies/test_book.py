"""What voices come to at a place is kept until one speaks, or is believed more or less."""

import random
from collections.abc import Mapping

import pytest

from windsock.core.beliefs.proxies.sums import NO_SUMS, ProxySums, known_both_ways, scored
from windsock.core.evidence.proxies.book import ProxyBook
from windsock.core.evidence.proxies.place_voices import PlaceVoices
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


def one_by_one(
    said: Mapping[Voice, ProxySums], belief: Mapping[str, float]
) -> dict[str, ProxySums]:
    """By the rule as it reads: a label that is believed by half leaves half of an answer that was
    scored alone; a score of a key that is believed by half is half a score."""
    made: dict[str, ProxySums] = {}
    for voice, sums in said.items():
        label = belief.get(voice.labeller, 1.0)
        alone = ProxySums(judged=sums.both, total=sums.scores, squares=sums.score_squares)
        both = sums._replace(judged=0.0, total=0.0, squares=0.0)
        left = sums.plus(both, -1.0)
        told = left.plus(both, label).plus(alone, 1.0 - label)
        known = made.get(voice.source, NO_SUMS)
        made[voice.source] = known.plus(told, belief.get(voice.key, 1.0))
    return made


@pytest.mark.parametrize("seed", range(20))
def test_voices_summed_at_once_are_voices_summed_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    keys = ["", "k1", "k2", "k3"]
    said = {
        Voice(
            rng.choice(["judge", "check", "mine"]), rng.choice(keys), rng.choice(keys)
        ): ProxySums(*(rng.random() for _ in ProxySums._fields))
        for _ in range(rng.randrange(1, 12))
    }
    belief = {key: rng.choice([0.0, 0.3, 1.0, rng.random()]) for key in keys if key}
    voices = PlaceVoices.of(said)
    found = voices.summed([belief[key] for key in voices.keys])
    expected = one_by_one(said, belief)
    assert found.keys() == expected.keys()
    for source, sums in expected.items():
        assert found[source] == pytest.approx(sums, abs=1e-12)
