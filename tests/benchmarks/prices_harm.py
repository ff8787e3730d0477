"""Dollars that wrong and late prices cost: real errors and moves as history, through a router.

python -m tests.benchmarks.prices_harm [--write]

Harm is what is spent above what the true price would have led to, at 100 requests a second. Each
row is replayed with its feed's interval and trust (after two days without news every six hours), in
a route of five equal deployments whose other prices, each proven, lie between the wrong and the
right one (the old and the new): elsewhere an error changes nothing. Where a shipped corpus knew a
price of the same model at another seller by that day, the feed lists that, too. `--write` puts the
tables into docs/prices.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from tests.benchmarks.harm_cases import (
    AFTER,
    DAY,
    Case,
    declared,
    errors,
    history,
    listed_moves,
    moves,
    stated,
)
from tests.benchmarks.list_history import Price
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, router
from windsock.core.model.requests import Cell
from windsock.core.model.ticks import Quote
from windsock.core.policies.objectives import Objective
from windsock.core.pricing.book import PriceBook

REQUESTS_PER_S = 100.0
RIVALS = ("b/m", "c/m", "d/m", "e/m")
CELL = Cell("", "auto", "default")
RESTATED_S = 2 * DAY
"""How often comparable models are listed again."""


@dataclass(frozen=True, slots=True)
class Harm:
    """Dollars of a case.

    spent       what the true price would have led to
    guarded     above that, with the production guard
    believing   above that, if every quote were believed as it comes
    deaf        above that, if the price before were kept (nobody served, where there was none)
    """

    spent: float
    guarded: float
    believing: float
    deaf: float


@dataclass(frozen=True, slots=True)
class Believed:
    """What a book said of a deployment from a moment on: all that a route sees of it."""

    at: float
    facts: tuple[object, ...]
    state: dict[str, Any]

    @classmethod
    def of(cls, book: PriceBook, name: str, at: float) -> Believed:
        quoted, standing = book.in_force(name, at), book.standing(name, at)
        prices = tuple(quoted.usd_per_mtok.values()) if quoted else None
        facts = (prices, standing.is_bounded, round(standing.dearer_by, 6))
        return cls(max(at, START), facts, book.to_state())


class Town:
    """A route of five equal deployments, of which the price of one is in question."""

    def __init__(self, case: Case, rivals: Iterable[float]) -> None:
        self._case = case
        self._rivals = [(case.right[0] * times, case.right[1] * times) for times in rivals]
        self._known: dict[tuple[object, ...], tuple[float, ...]] = {}
        self.costs = self._solve(self.believing(case.right), ())[1]

    def usd(self, believed: Believed, peers: Iterable[Quote] = ()) -> float:
        """True dollars of a second's requests where these prices are believed."""
        shares = self._known.get(believed.facts)
        if shares is None:
            shares = self._known[believed.facts] = self._solve(believed, peers)[0]
        return REQUESTS_PER_S * sum(w * usd for w, usd in zip(shares, self.costs, strict=True))

    def believing(self, usd: Price | None) -> Believed:
        name, book = self._case.name, PriceBook()
        if usd is not None:
            book.restore([replace(stated("litellm", name, usd, START), zero_reason="believed")])
        return Believed.of(book, name, START)

    def _solve(
        self, believed: Believed, peers: Iterable[Quote]
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(shares, dollars of one request) of the five; a share of 0 where it has no price."""
        aim = Objective(kind="cost_per_success", quality_floor=0.8)
        names = (self._case.name, *RIVALS)
        it = router(prices=dict.fromkeys(names, 1.0), objective=aim)
        it.book.from_state(believed.state)
        it.book.restore(
            stated("litellm", name, usd, believed.at)
            for name, usd in zip(RIVALS, self._rivals, strict=True)
        )
        for peer in peers:
            it.book.note(peer.deployment, replace(peer, seen_at=believed.at))
        for name in names:
            it.beliefs.seed(CELL, name, 0.9, rewards=400.0, now=believed.at)
        table = it.table("", "auto", "default", believed.at)
        shares = dict(zip(table.deployments, table.weights, strict=True))
        usd = {arm.deployment: arm.expected_usd for arm in table.arms}
        return tuple(shares.get(n, 0.0) for n in names), tuple(usd.get(n, 0.0) for n in names)


def harm(case: Case, *, alone: bool, has_peers: bool = True) -> Harm:
    """Over the time of an error and a day, or over a month after a move.

    has_peers   the feed lists comparable models, too
    """
    until = (case.days + 1) * DAY if case.days else AFTER
    other = case.said if case.days else case.before or case.right
    between = sqrt(max(sum(other), 0.1 * sum(case.right)) / sum(case.right))
    town = Town(case, [between * times for times in (1.0, 1.3, 1.7, 2.2)])
    peers = case.peers(START, alone=alone) if has_peers else []
    polls = history(case, alone=alone, until=until)
    return _harm(case, town, until, heard(case.name, polls, peers), peers)


def heard(name: str, polls: Iterable[Quote], peers: list[Quote]) -> list[Believed]:
    """What the production book believed, whenever that changed."""
    book, found = PriceBook(), [Believed.of(PriceBook(), name, START)]
    noted_at = float("-inf")
    for poll in polls:
        if poll.seen_at - noted_at >= RESTATED_S:
            noted_at = poll.seen_at
            for peer in peers:
                book.note(peer.deployment, replace(peer, seen_at=noted_at))
        version = book.version
        book.absorb(poll, poll.seen_at)
        if book.version != version:
            found.append(Believed.of(book, name, poll.seen_at))
    return found


def _harm(
    case: Case, town: Town, until: float, believed: list[Believed], peers: list[Quote]
) -> Harm:
    true_usd = town.usd(town.believing(case.right))
    deaf = town.usd(town.believing(case.before)) - true_usd
    told = town.usd(town.believing(case.said)) - true_usd
    late_s = declared(case.feed)[0] / 2
    believing = told * case.days * DAY if case.days else deaf * late_s
    ends = [*(each.at for each in believed[1:]), START + until]
    guarded = sum(
        (town.usd(each, peers) - true_usd) * (end - each.at)
        for each, end in zip(believed, ends, strict=True)
        if end > each.at
    )
    return Harm(true_usd * until, guarded, believing, deaf * until)


def false_zeros(cases: Iterable[Case]) -> int:
    """First listings and moves to 0 that ever were in force."""
    found = 0
    for case in cases:
        book = PriceBook()
        for poll in history(case, alone=True, until=(case.days + 1) * DAY):
            book.absorb(poll, poll.seen_at)
        past = book.history(case.name, 0, 1e12)
        found += any(0 in each.usd_per_mtok.values() for each in past)
    return found


def per_case(cases: list[Case], *, alone: bool) -> list[Harm]:
    return [harm(case, alone=alone) for case in cases]


def total(harms: Iterable[Harm], of: Callable[[Harm], float]) -> float:
    return sum(of(each) for each in harms)


def error_rows(cases: list[Case], both: dict[bool, list[Harm]]) -> list[list[str]]:
    rows = []
    for i, case in enumerate(cases):
        all_, alone = both[False][i], both[True][i]
        texts = [_text(case.before), _text(case.said), _text(case.right)]
        dollars = [f"{d:,.0f}" for d in (all_.believing, all_.guarded, alone.guarded)]
        rows.append([f"{case.name} ({case.feed})", *texts, f"{case.days:.0f}", *dollars])
    return rows


KINDS: dict[str, Callable[[Case], bool]] = {
    "all errors": lambda case: True,
    "errors too low": lambda case: sum(case.said) < sum(case.right),
    "errors too high": lambda case: sum(case.said) >= sum(case.right),
}


def summary(
    cases: list[Case], errors_: dict[bool, list[Harm]], moves_: dict[bool, list[Harm]]
) -> list[list[str]]:
    rows = []
    for alone, title in ((False, "all feeds"), (True, "the one feed alone")):
        for kind, is_kind in KINDS.items():
            found = [
                each for case, each in zip(cases, errors_[alone], strict=True) if is_kind(case)
            ]
            ratio = total(found, lambda h: h.guarded) / total(found, lambda h: h.believing)
            rows.append([f"{kind}, {title}: of believing every quote", f"{ratio:.1%}", "10 %"])
    for alone, title in ((False, "all feeds"), (True, "the one feed alone")):
        found = moves_[alone]
        late, spent = total(found, lambda h: h.guarded), total(found, lambda h: h.spent)
        deaf = total(found, lambda h: h.deaf)
        rows.append([f"delay on moves, {title}: of never being late", f"{late / spent:.2%}", "5 %"])
        rows.append([f"delay on moves, {title}: of never following", f"{late / deaf:.1%}", ""])
    return rows


def unaided(cases: list[Case]) -> str:
    """Harm of errors, of believing every quote, where the feed lists no other model."""
    bare = [replace(case, elsewhere=None) for case in cases]
    return of_believing(bare, has_peers=False)


def of_believing(cases: list[Case], *, alone: bool = True, has_peers: bool = True) -> str:
    """Harm of errors, of believing every quote; `alone` of the one feed alone."""
    found = [harm(case, alone=alone, has_peers=has_peers) for case in cases]
    return f"{total(found, lambda h: h.guarded) / total(found, lambda h: h.believing):.1%}"


def later() -> list[list[str]]:
    """Errors and moves of lists that were looked at when all rules but these stood."""
    wrong, real = errors("price_errors_later"), listed_moves("price_moves_later")
    rows = []
    for alone, title in ((False, "a second list"), (True, "the one feed alone")):
        ratio = of_believing(wrong, alone=alone)
        rows.append([f"{len(wrong)} errors later, {title}", ratio, "10 %"])
    for alone, title in ((False, "a second list"), (True, "the one feed alone")):
        found = per_case(real, alone=alone)
        part = total(found, lambda h: h.guarded) / total(found, lambda h: h.spent)
        rows.append([f"delay on {len(real)} moves later, {title}", f"{part:.2%}", "5 %"])
    return rows


def _text(usd: Price | None) -> str:
    return f"{usd[0]:g}/{usd[1]:g}" if usd else ""


def main() -> int:
    wrong, real = errors(), moves()
    by_error = {alone: per_case(wrong, alone=alone) for alone in (False, True)}
    by_move = {alone: per_case(real, alone=alone) for alone in (False, True)}
    figures = summary(wrong, by_error, by_move)
    figures.insert(
        6, ["all errors, the one feed alone, nothing comparable known", unaided(wrong), ""]
    )
    more = errors("price_errors_more")
    figures.insert(7, [f"{len(more)} errors more, the one feed alone", of_believing(more), "10 %"])
    figures += later()
    both = [*wrong, *more]
    figures.append([f"zeros believed, of {len(both)} errors", str(false_zeros(both)), "0"])
    bars = markdown(["harm", "measured", "bar"], figures)
    head = ["error", "before", "said", "right", "days", "believing $", "all feeds $", "alone $"]
    text = f"{len(wrong)} errors, {len(real)} moves.\n\n{bars}\n\n"
    text += markdown(head, error_rows(wrong, by_error))
    print(text)
    worst = sorted(zip(real, by_move[True], strict=True), key=lambda each: -each[1].guarded)[:15]
    print("\nmoves with the greatest harm of delay, one feed alone")
    for case, found in worst:
        print(f"  {case.name} {_text(case.before)} -> {_text(case.right)} {found.guarded:,.0f}")
    if "--write" in sys.argv:
        write_between(DOCS / "prices.md", "prices_harm", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
