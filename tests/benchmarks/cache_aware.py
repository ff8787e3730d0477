"""Conversations over two deployments: what they cost, against the best that hindsight could do.

    python -m tests.benchmarks.cache_aware

Each conversation has 20 turns over a prefix of 50,000 tokens; 50 of them are interleaved. Prices,
lifetimes of caches and pauses differ by row. The router starts anew in each: `fresh` without any
feedback at all, `judged` with 200 judgements of each deployment, equal in success. The best in
hindsight knows every pause and price to come and what each cache truly does; it is exact, by
dynamic programming over who was asked last and when. A switch is needless if staying for that turn
would have cost no more, all later turns at their best. Writes its table into docs/gateway.md.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, answered, deployment, quote, request, router
from windsock.core.model.catalog import CacheTraits
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

TURNS, PREFIX, ASKED, ANSWERED = 20, 50_000, 400, 300
CONVERSATIONS = 50
JUDGEMENTS = 200
MINUTE, HOUR = 60.0, 3600.0
NAMES = ("acme/m", "bolt/m")
OFF = 1.15
"""We take prompts for longer than they are."""

Pauses = Callable[[np.random.Generator], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A deployment as it is: USD per million tokens; `hits` is what its cache truly does."""

    full: float
    read: float
    write: float | None = None
    ttl_s: float = 5 * MINUTE
    hits: bool = True

    def usd(self, prompt: int, held: int, factor: float) -> float:
        read = held if self.hits and prompt >= 1024 else 0
        fresh = self.write if self.write is not None else self.full
        tokens = read * self.read + (prompt - read) * fresh + ANSWERED * 4 * self.full
        return factor * tokens / 1e6


def steady(gap_s: float) -> Pauses:
    return lambda rng: gap_s * float(rng.uniform(0.8, 1.2))


def sometimes(usual_s: float, long_s: float, share: float) -> Pauses:
    def pause(rng: np.random.Generator) -> float:
        return steady(long_s if rng.random() < share else usual_s)(rng)

    return pause


EVERY_MINUTE = steady(MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row; shock is (turn-independent unix s after START, position, factor) of a price."""

    name: str
    places: tuple[Place, Place]
    pauses: Pauses = EVERY_MINUTE
    shock: tuple[float, int, float] | None = None

    def factor(self, i: int, at: float) -> float:
        if self.shock is None or self.shock[1] != i or at < START + self.shock[0]:
            return 1.0
        return self.shock[2]


EQUAL = Place(full=1.0, read=0.1)
CASES = (
    Case(name="equal", places=(EQUAL, EQUAL)),
    Case(name="one 10 % dearer", places=(EQUAL, Place(full=1.1, read=0.11))),
    Case(name="one 3 times as dear", places=(EQUAL, Place(full=3.0, read=0.3))),
    Case(
        name="cheaper without a cache",
        places=(Place(full=1.0, read=1.0), Place(full=2.0, read=0.2)),
    ),
    Case(
        name="half price for reads, dearer list with a tenth",
        places=(Place(full=1.0, read=0.5), Place(full=1.5, read=0.15)),
    ),
    Case(
        name="writes at 1.25",
        places=(Place(full=1.0, read=0.1, write=1.25), Place(full=1.1, read=0.55)),
    ),
    Case(
        name="pauses of 10 min, 5 min and 1 h",
        places=(Place(full=1.0, read=0.1), Place(full=1.2, read=0.12, ttl_s=HOUR)),
        pauses=steady(10 * MINUTE),
    ),
    Case(
        name="pauses of 10 min, 5 min both",
        places=(Place(full=1.0, read=0.1), Place(full=1.2, read=0.06)),
        pauses=steady(10 * MINUTE),
    ),
    Case(
        name="a pause of 20 min in five, 5 min and 1 h",
        places=(Place(full=1.0, read=0.1), Place(full=1.05, read=0.11, ttl_s=HOUR)),
        pauses=sometimes(MINUTE, 20 * MINUTE, 0.2),
    ),
    Case(
        name="the cheaper claims a cache and never hits",
        places=(Place(full=0.9, read=0.09, hits=False), Place(full=1.0, read=0.1)),
    ),
    Case(
        name="a price x4 midway",
        places=(EQUAL, Place(full=1.3, read=0.13)),
        shock=(60 * MINUTE, 0, 4.0),
    ),
    Case(
        name="a price halved midway",
        places=(EQUAL, Place(full=1.6, read=0.16)),
        shock=(60 * MINUTE, 1, 0.3),
    ),
)


@dataclass(slots=True)
class Talk:
    """One conversation: when its turns are, and who was asked in each."""

    name: str
    at: list[float]
    asked: list[int] = field(default_factory=list)
    usd: float = 0.0

    def prompt(self, turn: int) -> int:
        return PREFIX + ASKED + turn * (ASKED + ANSWERED)


def hindsight(case: Case, talk: Talk) -> tuple[float, Callable[[int, tuple[int, int]], float]]:
    """The least that a conversation could cost, and what is left to pay from any turn on.

    The state is the last turn that each deployment was asked in; -1 if never.
    """

    def turn_usd(turn: int, i: int, last: tuple[int, int]) -> float:
        place, at = case.places[i], talk.at[turn]
        is_warm = last[i] >= 0 and at < talk.at[last[i]] + place.ttl_s
        held = talk.prompt(last[i]) if is_warm else 0
        return place.usd(talk.prompt(turn), held, case.factor(i, at))

    @cache
    def left_usd(turn: int, last: tuple[int, int]) -> float:
        if turn == TURNS:
            return 0.0
        return min(at_usd(turn, last, i) for i in (0, 1))

    def at_usd(turn: int, last: tuple[int, int], i: int) -> float:
        after = (turn, last[1]) if i == 0 else (last[0], turn)
        return turn_usd(turn, i, last) + left_usd(turn + 1, after)

    return left_usd(0, (-1, -1)), lambda turn, last: at_usd(turn, last, 1) - at_usd(turn, last, 0)


def needless(case: Case, talk: Talk) -> int:
    """Switches of a turn that cost as much as staying, or more."""
    _, dearer_at_1 = hindsight(case, talk)
    last, found = (-1, -1), 0
    for turn, i in enumerate(talk.asked):
        if turn and talk.asked[turn - 1] != i:
            gain = dearer_at_1(turn, last) * (1 if i == 0 else -1)
            found += gain <= 1e-12
        last = (turn, last[1]) if i == 0 else (last[0], turn)
    return found


def wind_of(case: Case, seed: int, *, is_judged: bool) -> Router:
    """A router that has just been started; deployments are said to cache as they claim."""
    traits = [CacheTraits(ttl_s=each.ttl_s) for each in case.places]
    both = [replace(deployment(n), cache=t) for n, t in zip(NAMES, traits, strict=True)]
    aim = Objective(kind="cost_per_success", quality_floor=0.9)
    wind = router(prices={}, deployments=tuple(both), objective=aim, seed=seed)
    for i in (0, 1):
        say(case, wind, i, START - 60.0)
    if is_judged:
        judge(wind, seed)
    return wind


def judge(wind: Router, seed: int) -> None:
    """Both are found to be right in 95 of 100, from short requests."""
    cell = wind.table("default", "auto", "default", START).cell
    for name in NAMES:
        n = float(JUDGEMENTS)
        wind.learn_sums(cell, name, n, 0.95 * n, 0.95 * n, START - 30.0)


def say(case: Case, wind: Router, i: int, at: float) -> None:
    """Two lists state the price, so that it is proven."""
    place, factor = case.places[i], case.factor(i, at)
    usd = {Meter.INPUT: place.full, Meter.CACHE_READ: place.read, Meter.OUTPUT: 4 * place.full}
    if place.write is not None:
        usd[Meter.CACHE_WRITE] = place.write
    prices = {meter: Decimal(str(round(factor * each, 6))) for meter, each in usd.items()}
    for feed in ("sheet", "list"):
        wind.absorb(quote(NAMES[i], usd_per_mtok=prices, seen_at=at, feed=feed), at)


def usage_of(place: Place, prompt: int, held: int) -> Usage:
    """As the provider counts; one whose cache never hits reports no token of it."""
    read = held if place.hits else 0
    fresh = {"cache_write_tokens" if place.write is not None else "input_tokens": prompt - read}
    return Usage(cache_read_tokens=read, output_tokens=ANSWERED, **fresh)


def talks_of(case: Case, seed: int, count: int) -> list[Talk]:
    rng = np.random.default_rng(seed)
    made = []
    for n in range(count):
        at = [START + float(rng.uniform(0, 2 * HOUR))]
        while len(at) < TURNS:
            at.append(at[-1] + case.pauses(rng))
        made.append(Talk(f"s{n}", at))
    return made


def play(case: Case, *, is_judged: bool, seed: int = 1, count: int = CONVERSATIONS) -> list[Talk]:
    """All conversations through the router, turn by turn in order of time."""
    wind, talks = wind_of(case, seed, is_judged=is_judged), talks_of(case, seed, count)
    queue = [(talk.at[0], n, 0) for n, talk in enumerate(talks)]
    heapq.heapify(queue)
    seats: dict[tuple[int, int], tuple[int, float]] = {}
    is_told = case.shock is None
    while queue:
        at, n, turn = heapq.heappop(queue)
        if case.shock and not is_told and at >= START + case.shock[0]:
            say(case, wind, case.shock[1], START + case.shock[0])
            is_told = True
        ask(case, wind, talks[n], turn, seats, n)
        if turn + 1 < TURNS:
            heapq.heappush(queue, (talks[n].at[turn + 1], n, turn + 1))
    return talks


def ask(
    case: Case,
    wind: Router,
    talk: Talk,
    turn: int,
    seats: dict[tuple[int, int], tuple[int, float]],
    n: int,
) -> None:
    """One turn: drawn, billed by what is truly cached there, and reported."""
    at, prompt = talk.at[turn], talk.prompt(turn)
    exchange = wind.open(request(session_id=talk.name, prompt_tokens=int(OFF * prompt)), at)
    attempt = exchange.next_attempt(at)
    assert attempt is not None
    i = NAMES.index(attempt.deployment)
    tokens, until = seats.get((n, i), (0, 0.0))
    held, place = (tokens if at < until else 0), case.places[i]
    talk.usd += place.usd(prompt, held, case.factor(i, at))
    talk.asked.append(i)
    seats[n, i] = prompt, at + place.ttl_s
    exchange.report(answered(attempt, usage=usage_of(place, prompt, held)), at)
    exchange.next_attempt(at)
    exchange.outcome(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """over: spend beyond the best in hindsight, as a share of it."""

    over: float
    switches: int
    needless: int


def row(case: Case, talks: list[Talk]) -> Row:
    best = sum(hindsight(case, talk)[0] for talk in talks)
    switches = sum(a != b for t in talks for a, b in zip(t.asked, t.asked[1:], strict=False))
    return Row(
        over=sum(talk.usd for talk in talks) / best - 1.0,
        switches=switches,
        needless=sum(needless(case, talk) for talk in talks),
    )


def rows() -> Iterator[list[str]]:
    for case in CASES:
        line = [case.name]
        for is_judged in (False, True):
            found = row(case, play(case, is_judged=is_judged))
            line += [f"{max(found.over, 0.0):.1%}", str(found.switches), str(found.needless)]
        yield line


def main() -> None:
    head = ["conversations", "fresh: over the best", "switches", "needless"]
    head += ["judged: over the best", "switches", "needless"]
    text = markdown(head, rows())
    print(text)
    write_between(DOCS / "gateway.md", "conversations", text)


if __name__ == "__main__":
    main()
