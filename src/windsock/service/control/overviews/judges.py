"""What the judges of routes have done, what that cost, and which biases of theirs are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from windsock.core.evidence.judging.biases import Basis, Bias
from windsock.core.evidence.judging.desk import JudgeDesk
from windsock.core.model.rewards import Reward
from windsock.core.model.units import to_float
from windsock.core.routing.caps.book import Dollars
from windsock.service.background_requests import BackgroundTally
from windsock.service.control.schemas.base import Answer

How = Literal["pointwise", "pairwise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeFacts:
    """The judge of one route, as it stands for one namespace.

    tally, dollars  of all namespaces together, dollars by all processes at the port; None for one
                    that may not see those
    said_of         a decision's id -> what was said of it, as far as it is at hand
    is_label        whether a source knows what was right, by what the route says
    """

    route: str
    model: str
    how: How
    share: float
    desk: JudgeDesk
    said_of: Callable[[str], Iterable[Reward]]
    is_label: Callable[[str], bool]
    tally: BackgroundTally | None
    waiting: int | None
    dollars: Dollars | None


class BiasView(Answer):
    """A bias, in points of score."""

    value: float
    error: float | None = Field(description="standard error; null: too few")
    answers: int
    basis: Basis = Field(
        description="labels: against what others said of the same answers; pairs: both orders of "
        "one pair; scores: alone, where what goes with quality is not told apart"
    )


class BiasesView(Answer):
    """null: nothing is known of it yet."""

    order: BiasView | None = Field(description="-1..1: the first of a pair is preferred so much")
    length: BiasView | None = Field(description="for each doubling of an answer's length")
    self_preference: BiasView | None = Field(description="of its own maker's models over others")


class JudgeView(Answer):
    """Since the start of the service; what is shared among namespaces is null for most."""

    route: str
    model: str
    how: How
    share: float = Field(description="of answers that are judged, at most")
    judged: int = Field(description="answers that got a score")
    unreadable: int = Field(description="verdicts that could not be read: no score")
    unseen: int = Field(description="answers without a text, or without a letter or digit")
    too_long: int = Field(description="answers drawn that are too long to be held: not judged")
    own_family: int = Field(description="left out, being of the judge's own maker's models")
    waiting: int | None
    left_out: int | None = Field(description="drawn, but there was no place in the queue")
    failed: int | None = Field(description="questions to the judge that got no answer")
    unpaid: int | None = Field(description="questions for which there was no money in time")
    spent_usd: float | None = Field(description="today, UTC, by all processes at the port")
    limit_usd: float | None = Field(description="that may be spent today as of now")
    biases: BiasesView


def judge_view(facts: JudgeFacts) -> JudgeView:
    """As it stands."""
    desk, tally, dollars = facts.desk, facts.tally, facts.dollars
    return JudgeView(
        route=facts.route,
        model=facts.model,
        how=facts.how,
        share=facts.share,
        judged=desk.judged,
        unreadable=desk.unreadable,
        unseen=desk.unseen,
        too_long=desk.too_long,
        own_family=desk.own,
        waiting=facts.waiting,
        left_out=tally.left_out if tally else None,
        failed=tally.failed if tally else None,
        unpaid=tally.unpaid if tally else None,
        spent_usd=to_float(dollars[1]) if dollars else None,
        limit_usd=to_float(dollars[0]) if dollars else None,
        biases=_biases(facts),
    )


def _biases(facts: JudgeFacts) -> BiasesView:
    biases = facts.desk.biases

    def label_of(decision_id: str) -> float | None:
        said = facts.said_of(decision_id)
        values = [each.value for each in said if facts.is_label(each.source)]
        return sum(values) / len(values) if values else None

    return BiasesView(
        order=_view(biases.order()),
        length=_view(biases.length(label_of)),
        self_preference=_view(biases.self_preference(label_of)),
    )


def _view(bias: Bias | None) -> BiasView | None:
    if bias is None:
        return None
    return BiasView(value=bias.value, error=bias.error, answers=bias.answers, basis=bias.basis)
