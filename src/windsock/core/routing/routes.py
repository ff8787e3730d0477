"""What a client may ask for by name: a policy, its candidates and its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from windsock.core.evidence.agreement.canonical import Canonical
from windsock.core.evidence.checks.declared import Checks
from windsock.core.evidence.sources import SOURCE_WEIGHTS, EvidenceRules
from windsock.core.model.catalog import Catalog
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.policies.protocol import Policy, state_of, take_over
from windsock.core.routing.naming.patterns import FurtherNames, further_names, is_glob
from windsock.core.routing.naming.suffixes import SEARCH, as_meant, needs_search, split
from windsock.errors import UnknownRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Narrows the candidates of matching requests; the first match wins.

    task                exact task, None for any
    max_prompt_tokens   matches prompts up to this size
    min_prompt_tokens   matches prompts from this size on
    """

    candidates: frozenset[str]
    task: str | None = None
    max_prompt_tokens: int | None = None
    min_prompt_tokens: int = 0

    def matches(self, request: RouteRequest) -> bool:
        """True if this request is one of those whose candidates it narrows."""
        return (
            (self.task is None or self.task == request.task)
            and request.prompt_tokens >= self.min_prompt_tokens
            and (self.max_prompt_tokens is None or request.prompt_tokens <= self.max_prompt_tokens)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A second deployment is asked beside the first one.

    canonical   how their answers are compared
    trial       most of a task's requests, and of its dollars, that go to measuring what it gains
                while it is not used, 0..1
    """

    second: str
    canonical: Canonical
    trial: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """Re-run on a stronger deployment when the answer's confidence is below the threshold.

    ask_logprobs    have providers state how probable each token was, though the caller did not ask
    agreement       what counts is whether a second answer says the same; None: what checks and
                    logprobs say
    """

    escalate_below: float
    to: tuple[str, ...]
    ask_logprobs: bool = False
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A named policy and its candidates.

    aliases             further names that it is asked for by: as they stand, or globs; a name that
                        is a glob is one too; `*` takes what nothing else is known by
    fallbacks           names asked in this order when nobody of the candidates answers, as a
                        caller's `models`, which are stronger
    max_latency_s       ceiling on the measured p95 time to first content
    first_byte_s        an attempt without content by then is given up
    answer_s            so is a plain one whose answer is not whole by then
    stall_s             a stream that brings no content for so long is broken
    max_attempts        calls for one request, all reasons together
    hedge_share         share of calls, and of dollars, to spend on second calls beside late ones
    patience_s          longest pause before the same deployment is asked again though there is
                        another, which is dearer, and for the first that is back of all left alone
    allow_empty         an answer with nothing to show is an answer
    rescue_streams      another deployment goes on with a stream that broke off in its text
    takes_content_elsewhere     what a provider's content filter refuses is asked of another
    checks              what an answer must be like to count as good
    learns_from_use     what callers do with answers is a score of them
    source_weights      how much one reward of a source counts as evidence of success
    judge               the model that scores its answers, by itself; empty: none
    evidence            how its rewards, answers and claims count, from the above
    """

    name: str
    candidates: tuple[str, ...]
    policy: Policy
    aliases: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    cascade: Cascade | None = None
    max_latency_s: float | None = None
    first_byte_s: float = 60.0
    answer_s: float = 300.0
    stall_s: float = 60.0
    max_attempts: int = 3
    hedge_share: float = 0.0
    patience_s: float = 1.0
    allow_empty: bool = False
    rescue_streams: bool = False
    takes_content_elsewhere: bool = False
    checks: Checks | None = None
    learns_from_use: bool = False
    source_weights: Mapping[str, float] = field(default_factory=lambda: SOURCE_WEIGHTS)
    judge: str = ""
    evidence: EvidenceRules = field(init=False, repr=False, compare=False)

    @property
    def deployments(self) -> tuple[str, ...]:
        """Whom it may ask by itself."""
        return self.candidates + (self.cascade.to if self.cascade is not None else ())

    @property
    def has_others(self) -> bool:
        """Whether what one of its deployments fails may be asked of another."""
        return len(self.deployments) > 1 and self.max_attempts > 1

    def lend(self, name: str, candidates: tuple[str, ...], policy: Policy) -> Route:
        """A route of others that has the patience and the limits of this one."""
        return replace(
            self, name=name, candidates=candidates, policy=policy, aliases=(), rules=(),
            fallbacks=(), cascade=None, checks=None, max_latency_s=None,
            source_weights=SOURCE_WEIGHTS,
        )  # fmt: skip

    def __post_init__(self) -> None:
        cascade = self.cascade
        rules = EvidenceRules(
            source_weights=self.source_weights,
            has_cascade=cascade is not None,
            by_agreement=cascade is not None and cascade.agreement is not None,
            judge=self.judge,
        )
        object.__setattr__(self, "evidence", rules)


NOBODY: frozenset[str] = frozenset()


class NamedRoute(NamedTuple):
    """One of the routes that a request asks for, and the request as that route is asked."""

    request: RouteRequest
    route: Route


class RouteTable:
    """The routes of the configuration, and those that deployments and models have by their names.

    default_policy  policy of a deployment or model that is asked for by its own name
    """

    def __init__(
        self,
        catalog: Catalog,
        routes: Mapping[str, Route],
        default_policy: Callable[[str], Policy],
    ) -> None:
        self.by_name: dict[str, Route] = dict(routes)
        self._catalog = catalog
        self._implicit: dict[str, Route] = {}
        self._default_policy = default_policy
        self.further = self._further()

    def adopt(self, routes: Mapping[str, Route]) -> None:
        """Other routes from now on; a policy takes over the state of one of its kind there."""
        for name, route in routes.items():
            if name in self.by_name:
                take_over(route.policy, state_of(self.by_name[name].policy))
        self.by_name.clear()
        self.by_name.update(routes)
        self._implicit.clear()
        self.further = self._further()

    def of(self, cell: Cell) -> Route | None:
        """The route of a cell, None if it is gone."""
        return self.by_name.get(cell.route) or self._implicit.get(cell.route)

    def evidence_of(self, cell: Cell) -> EvidenceRules | None:
        """How rewards of a cell count, None if its route is gone."""
        route = self.by_name.get(cell.route) or self._implicit.get(cell.route)
        return None if route is None else route.evidence

    def resolve(self, request: RouteRequest) -> Route:
        """The route behind the first name that is known, else that of `*`; suffixes do not count.

        raises  UnknownRoute
        """
        return self.understood(request)[0].route

    def understood(self, request: RouteRequest) -> list[NamedRoute]:
        """What is asked for, in order: the routes of its names that are known, each as its name's
        suffix means it; else that of `*`. There is at least one.

        raises  UnknownRoute
        """
        names = [self._split(name) for name in (request.model, *request.models)]
        plain = replace(request, model=names[0][0]) if names[0][1] else request
        asked = [
            NamedRoute(as_meant(plain, suffix), route)
            for name, suffix in names
            if (route := self._known(name)) is not None
        ]
        if not asked and (rest := self.further.otherwise(plain.model)) is not None:
            asked = [NamedRoute(as_meant(plain, names[0][1]), rest)]
        if not asked:
            raise UnknownRoute(request.model, nearest=self.nearest(plain.model))
        return asked

    def searching(self, request: RouteRequest) -> frozenset[str]:
        """The candidates of the routes that are asked for with a web search."""
        if not needs_search(request):
            return NOBODY
        asked = (each for each in self.understood(request) if SEARCH in each.request.needs)
        return frozenset(name for each in asked for name in each.route.candidates)

    def payer(self, route: str, deployment: str) -> str:
        """The route whose caps a call counts against: that which was asked, if it has the
        deployment; else the first of the configuration that has. So no other name goes round them.
        """
        asked = self.by_name.get(route)
        if asked is not None and deployment in asked.deployments:
            return route
        found = self._having(deployment) or (None if asked else self._naming(deployment))
        return route if found is None else found.name

    def nearest(self, name: str) -> str | None:
        """A name that may be asked for and that this one is like, None if there is none."""
        others = (each for each in (*self.by_name, *self.further.aliases) if not is_glob(each))
        return self._catalog.nearest(name, others)

    def fallbacks_of(self, route: Route) -> Iterator[Route]:
        """The routes behind its fallbacks, in order; what nobody is known by is left out.

        Who stands in for it goes on to those after it, then to its own. A deployment or a model
        has the limits of the route that names it.
        """
        for place, name in enumerate(route.fallbacks, 1):
            found = self._known(name)
            if found is not None and found.name != route.name:
                after = (*route.fallbacks[place:], *found.fallbacks)
                is_named = found.name in self.by_name
                lent = found if is_named else route.lend(found.name, found.candidates, found.policy)
                yield replace(lent, fallbacks=after)

    def _known(self, name: str) -> Route | None:
        return self._exact(name) or self.further.matching(name)

    def _split(self, name: str) -> tuple[str, str]:
        """(name, suffix of it)"""
        if ":" not in name:
            return name, ""
        return split(name, lambda each: self._exact(each) is not None)

    def _exact(self, name: str) -> Route | None:
        """The route of this name or alias, or made for the deployment or model of this name."""
        known = self.by_name.get(name) or self.further.aliases.get(name)
        found = known or self._implicit.get(name)
        if found is None and (candidates := self._catalog.serving(name)):
            found = self._implicit[name] = self._made(name, candidates)
        return found

    def _further(self) -> FurtherNames[Route]:
        routes = self.by_name.values()
        own = [(route.name, route) for route in routes if is_glob(route.name)]
        return further_names([*own, *((each, route) for route in routes for each in route.aliases)])

    def _made(self, name: str, candidates: tuple[str, ...]) -> Route:
        """With the patience and the limits of the first route that lists the first of them."""
        policy = self._default_policy(name)
        like = self._having(candidates[0]) or self._naming(candidates[0])
        plain = like or Route(name=name, candidates=candidates, policy=policy)
        return plain.lend(name, candidates, policy)

    def _having(self, deployment: str) -> Route | None:
        return next(
            (each for each in self.by_name.values() if deployment in each.deployments), None
        )

    def _naming(self, deployment: str) -> Route | None:
        """The first route that has it among its fallbacks, by its own name or its model's."""
        for route in self.by_name.values():
            own = (each for each in route.fallbacks if each not in self.by_name)
            if any(deployment in self._catalog.serving(each) for each in own):
                return route
        return None
