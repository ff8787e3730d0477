"""How success is known: who says what of a deployment at a task, and what that counts for."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Literal

from pydantic import Field
from scipy import special

from windsock.core.beliefs.proxies.hearing import Word
from windsock.core.beliefs.proxies.sums import NO_SUMS
from windsock.core.beliefs.summaries import TAIL, BeliefSummary, Pair
from windsock.core.evidence.checks.worth import worth_by
from windsock.core.evidence.how_known import HowKnown
from windsock.core.evidence.sources import Heard
from windsock.core.evidence.weighting import CHECK
from windsock.service.control.schemas.base import Answer

Basis = Literal["judged", "proxies alone", "mere answers", "lessons", "public figures", "nothing"]
"""What most of a belief's evidence is, by the rewards that each kind of it counts for."""

LEAST_SAMPLES = 0.01
"""Rewards' worth of evidence below which there is none."""


Z_TAIL = 1.6449
"""Standard deviations from the mean to the end of a 90 % interval."""


class CheckView(Answer):
    """Declared checks of one deployment at one task, against labels of the same answers."""

    judged: float = Field(description="answers both checked and labelled, as remembered")
    fails_right: float | None = Field(description="share of right answers that they fail")
    fails_wrong: float | None = Field(description="share of wrong answers that they fail")
    say: float = Field(description="rewards that all they have said counts for")

    @classmethod
    def of(cls, known: HowKnown) -> CheckView | None:
        """None where no answer was both."""
        worth, word = known.worth, known.words.get(CHECK)
        judged = worth.right + worth.wrong
        if not judged:
            return None
        return cls(
            judged=judged,
            fails_right=worth.fails_right,
            fails_wrong=worth.fails_wrong,
            say=word.say if word else 0.0,
        )


class PartView(Answer):
    """One check of one deployment at one task, against labels of the same answers."""

    name: str
    judged: float = Field(description="answers both checked and labelled, as remembered")
    fails_right: float | None = Field(description="share of right answers that it fails")
    fails_wrong: float | None = Field(description="share of wrong answers that it fails")


def part_views(known: HowKnown) -> list[PartView]:
    """Each check that was made of an answer with a label, by name."""
    found = {
        name.partition(":")[2]: worth_by(sums)
        for name, sums in known.proxies.items()
        if name.startswith(f"{CHECK}:")
    }
    return [
        PartView(
            name=name,
            judged=worth.right + worth.wrong,
            fails_right=worth.fails_right,
            fails_wrong=worth.fails_wrong,
        )
        for name, worth in sorted(found.items())
        if worth.right + worth.wrong
    ]


class SourceView(Answer):
    """What one source has said; of metrics each counts by itself."""

    source: str
    kind: Literal["label", "proxy"] = Field(
        description="a label knows what was right; what a proxy's scores are worth is learnt"
    )
    rewards: float = Field(description="recent ones, those of long ago fade")
    mean: float | None = Field(description="of them, 0..1")
    one_counts: float = Field(
        description="rewards that one label counts for before its key's bound; scored answers "
        "that one score does"
    )
    says: float | None = Field(
        None, description="of a proxy: rewards that all its scores count for; 0: another says more"
    )
    labelled: float | None = Field(None, description="answers that it scored and a label judged")
    bias: float | None = Field(None, description="success less score, so far as labels tell")
    slope: float | None = Field(
        None, description="0..1, how far labels move with its scores on the route; 0: not at all"
    )
    off_by: float | None = Field(
        None, description="by how much its scores are usually off in a task, uncorrected, 0..1"
    )
    corrected_mean: float | None = Field(None, description="success, as it has it once corrected")
    interval: tuple[float, float] | None = Field(
        None, description="90 % interval of success by this source alone; null: it tells none"
    )


def source_views(known: HowKnown) -> list[SourceView]:
    """Labels first, then those that count most."""
    views = [
        SourceView(
            source=name,
            kind="label" if name in known.labels else "proxy",
            rewards=heard.count,
            mean=heard.total / heard.count if heard.count else None,
            one_counts=counts,
            **(_labels(heard, counts) if name in known.labels else _said(known, name)),
        )
        for name, (heard, counts) in known.sources.items()
    ]
    return sorted(views, key=lambda each: (each.kind, -(each.says or each.one_counts), each.source))


def _labels(heard: Heard, counts: float) -> dict[str, Pair]:
    """As of a proportion of which nothing was known (Jeffreys' prior)."""
    right, wrong = counts * heard.total + 0.5, counts * (heard.count - heard.total) + 0.5
    low, high = special.betaincinv(right, wrong, (TAIL, 1 - TAIL))
    return {"interval": (float(low), float(high))}


def _said(known: HowKnown, name: str) -> dict[str, float | Pair | None]:
    word: Word | None = known.words.get(name)
    if word is None:
        return {}
    return {
        "says": word.say,
        "labelled": known.proxies.get(name, NO_SUMS).both,
        "bias": word.bias,
        "slope": word.slope,
        "off_by": word.off_by,
        "corrected_mean": word.mean,
        "interval": _around(word.mean, word.variance),
    }


def _around(mean: float, variance: float) -> Pair | None:
    """Of a normal error; None where nothing bounds it."""
    if not isfinite(variance):
        return None
    reach = Z_TAIL * sqrt(variance)
    return max(0.0, mean - reach), min(1.0, mean + reach)


def basis_of(known: HowKnown, belief: BeliefSummary, *, is_lent: bool) -> Basis:
    """What most of a belief's evidence is; of equals the better. Proxies that labels stand beside
    are corrected by them, and count with them.

    is_lent     public figures move its prior
    """
    said = sum(word.say for word in known.words.values())
    held = max(0.0, belief.effective_samples - said)
    labels = min(known.counted, held)
    lessons = min(known.taught, held - labels)
    worth: dict[Basis, float] = {
        "judged": labels + said if labels else 0.0,
        "proxies alone": 0.0 if labels else said,
        "lessons": lessons,
        "mere answers": held - labels - lessons,
    }
    most = max(worth, key=lambda kind: worth[kind])
    if worth[most] > LEAST_SAMPLES:
        return most
    return "public figures" if is_lent else "nothing"
