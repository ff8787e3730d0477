"""The facts that cross the border of the core.

Treat all of them as immutable. Those made for every request are not frozen: freezing costs the
five of them a tenth of a request's CPU, for each field is then set by a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import inf
from typing import Any, NamedTuple

from windsock.core.model.exclusions import Exclusion
from windsock.core.model.requests import Cell


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class SeatFacts:
    """What one candidate costs a conversation.

    weight          that the policy gives it, whatever the conversation
    held_tokens     of the prompt that it may hold
    held_until      unix s; None if it holds none
    hit_rate        share of them that will be billed as read, as measured
    turn_usd        of this turn there
    next_usd        of each turn after it, if it goes on there
    saved_usd       what its cache saves in all of them
    """

    deployment: str
    weight: float
    held_tokens: int
    held_until: float | None
    hit_rate: float
    turn_usd: float
    next_usd: float
    saved_usd: float


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class ConversationFacts:
    """The conversation that a request belongs to, as it was taken for.

    session         its name, which tells nothing of what the client sent
    kind            the field that named it
    turn            counts from 1
    prompt_tokens, estimated_tokens     of this request: as they will be counted, and by its size
    turns_left      expected after this one
    home            who answered last; None where nobody has
    seats           the home and the cheapest
    """

    session: str
    kind: str
    is_shared: bool
    turn: int
    prompt_tokens: int
    estimated_tokens: int
    turns_left: float
    home: str | None
    seats: tuple[SeatFacts, ...]

    def seat(self, deployment: str) -> SeatFacts | None:
        """The line of a deployment, if it has one."""
        return next((each for each in self.seats if each.deployment == deployment), None)


@dataclass(slots=True, kw_only=True)
class Decision:
    """The choice, whole.

    number          grows by one per decision, unique in a store
    id              what clients see; cannot be guessed from the number
    table_version   the weight table drawn from; the explanation is rebuilt from it
    deployment      the one drawn
    propensity      its exact probability in that table
    draw            the number in [0, 1) that fell
    features        of the request, where segments are learnt from them
    is_task_guessed the request named no task, the classifier proposed one
    escalates_to    the arm drawn was "`deployment`, then maybe this one", by a calibrated check
    conversation    that it belongs to, and what it would cost where
    known_as        names that its caller has for it, with a space between
    """

    number: int
    id: str
    at: float
    cell: Cell
    table_version: int
    deployment: str
    propensity: float
    draw: float
    requested_model: str
    prompt_tokens: int = 0
    key_id: str | None = None
    features: tuple[float, ...] = ()
    is_task_guessed: bool = False
    escalates_to: str | None = None
    conversation: ConversationFacts | None = None
    known_as: str = ""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class ArmFacts:
    """One candidate's line in a weight table; treat it as immutable, as all records here.

    success_low, success_high   90 % credible interval
    effective_samples           discounted, weighted rewards behind the belief
    expected_usd                one such request, learnt tokens at current prices
    quote_feed, quote_seen_at   the quote in force
    price_age_s                 since a feed last confirmed it
    limits                      what holds the weight down: floor, latency, cooldown, budget,
                                quarantine, young
    """

    deployment: str
    weight: float
    success_mean: float
    success_low: float
    success_high: float
    effective_samples: float
    expected_usd: float
    input_usd_per_mtok: Decimal | None = None
    output_usd_per_mtok: Decimal | None = None
    quote_feed: str | None = None
    quote_seen_at: float | None = None
    price_age_s: float | None = None
    limits: tuple[str, ...] = ()

    @property
    def usd_per_success(self) -> float:
        """What it is expected to cost until one such request is answered well; inf if never."""
        return self.expected_usd / self.success_mean if self.success_mean > 0 else inf


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSizes:
    """Prompts of one class of size: estimated tokens, and its share of a cell's requests."""

    from_tokens: int
    below_tokens: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeFacts:
    """What "`deployment`, then maybe `to`" would do for a cell, and whether it is used.

    weight          chance that a request is served so; part of the weight of `deployment`
    success_mean    of the answer given at the end
    expected_usd    of both calls, the second as often as it is made
    escalated       share of requests asked again; those without a confidence always are
    unsure          share of answers that came without a confidence
    wrong_found, right_passed   share of wrong answers asked again, of right ones kept
    judged          judged answers with a confidence, by which the check is measured
    gain            success beyond that of a plain mixture of the two at the same cost; it is
                    used only where this is above 0
    second          who is asked beside `deployment`, where agreement of their answers is what
                    counts: the mixture is of any two then, and it is used only where `gain` is
                    above its standard error
    gain_error      that error
    """

    deployment: str
    to: str
    weight: float
    success_mean: float
    expected_usd: float
    escalated: float
    unsure: float
    wrong_found: float
    right_passed: float
    judged: float
    gain: float
    second: str | None = None
    gain_error: float | None = None

    @property
    def arm(self) -> str:
        """Its name as an arm: "cheap > strong"."""
        return f"{self.deployment} > {self.to}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightTable:
    """The exact chance of each candidate of a cell, from `at` until `expires_at`.

    version         grows by one per table of a router
    deployments     in catalog order; weights and cumulative stand in the same order
    ruled_out       reason by deployment id
    value_usd       V, dollars per success, that the weights were solved for
    cascades        the cascades that the policy may draw; a draw that falls in the first `weight`
                    of a deployment's share may escalate. None if every doubtful answer of the
                    route is asked again, whatever was drawn
    note            what the objective could not be given (floor out of reach, budget spent)
    decided_by      what chose the weights (value, quality, floor, route_floor, cap, search,
                    cost_per_success or budget) and what moved them (information, bound, incumbent)
    size            prompts that it is for, where the cell has several classes; None: for their mix
    mix_usd         expected of one request of that mix, since each class has weights of its own
    """

    version: int
    at: float
    expires_at: float
    cell: Cell
    policy: str
    deployments: tuple[str, ...]
    weights: tuple[float, ...]
    cumulative: tuple[float, ...]
    arms: tuple[ArmFacts, ...]
    ruled_out: Mapping[str, Exclusion]
    value_usd: float | None = None
    cascades: tuple[CascadeFacts, ...] | None = None
    note: str = ""
    decided_by: str = ""
    size: PromptSizes | None = None
    mix_usd: float | None = None

    @property
    def usd(self) -> float:
        """Expected dollars of one request."""
        if self.mix_usd is not None:
            return self.mix_usd
        return sum(arm.weight * arm.expected_usd for arm in self.arms)

    @property
    def reasons(self) -> dict[str, str]:
        """Why each deployment that is ruled out is, in words."""
        return {name: exclusion.text for name, exclusion in self.ruled_out.items()}


class About(NamedTuple):
    """What is known of a call while it is judged, and is not kept with its record.

    asked       equal for requests that are the same, of calls without an answer, and of others
                while failures wait for one; None where nobody says
    needs, route    of the request
    is_repeat   it failed as the same request has before: its deployment is at fault only if another
                one answers
    """

    asked: int | None = None
    needs: frozenset[str] = frozenset()
    route: str = ""
    is_repeat: bool = False


NOTHING_SAID = About()


class Judged:
    """A record with circumstances, of which none is a field of it."""

    __slots__ = ("about",)

    about: About
    """What is known of it; nothing of one that was read from a store."""

    def judge_by(self, about: About) -> None:
        """What is known of it, from now on."""
        self.about = about

    def __getattr__(self, name: str) -> Any:
        """Of a slot that was never filled."""
        if name == "about":
            return NOTHING_SAID
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
