"""Routes with their policies, and the router over them, from settings."""

from __future__ import annotations

from typing import Any

from windsock.config.benchmark_rates import published
from windsock.config.comparing.cascade_settings import CascadeSettings
from windsock.config.evidence.checks import CheckSettings
from windsock.config.route_settings import (
    RouteSettings,
    RuleSettings,
)
from windsock.config.settings import Settings, guard_rules
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.benchmark_priors import NOTHING
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.context.segments import SegmentSettings
from windsock.core.evidence.checks.declared import Checks
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.model.catalog import Catalog
from windsock.core.policies.budgets.pacing import DayPacer
from windsock.core.policies.budgets.pool import BudgetPool
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Policy
from windsock.core.policies.registry import BUDGETED, PolicyParts, policy_named
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.concurrency import ConcurrencyRules
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Agreement, Cascade, Route, Rule
from windsock.errors import ConfigError
from windsock.service.texts.held import HoldingRules

DEFAULT_FLOOR = 0.90
"""Quality floor of a route that names none, and of models asked for by their own name."""


def routes_of(settings: Settings, beliefs: Beliefs) -> dict[str, Route]:
    """Routes with the policy that their objective asks for; a budget is one for all its routes."""
    pools = {
        name: BudgetPool(DayPacer(each.usd_per_day)) for name, each in settings.budgets.items()
    }
    return {
        name: _route(
            name,
            route,
            _policy(name, route, settings, beliefs, pools.get(route.budget or "")),
            aliases=(*route.aliases, *(["*"] if name == settings.default_route else [])),
        )
        for name, route in settings.routes.items()
    }


def _policy(
    name: str,
    route: RouteSettings,
    settings: Settings,
    beliefs: Beliefs,
    pool: BudgetPool | None,
) -> Policy:
    """The policy that a route names; raises ConfigError if there is none of that name."""
    parts = PolicyParts(
        beliefs=beliefs,
        objective=objective_of(route, settings),
        flagship=route.candidates[0],
        otherwise=route.candidates[0],
        deployment_by_task={
            rule.when.task: rule.candidates[0] for rule in reversed(route.rules) if rule.when.task
        },
        segments=SegmentSettings() if route.segments else None,
        classifies=route.classify,
        purse=pool,
    )
    try:
        made = policy_named(route.policy, parts)
    except ConfigError as error:
        raise ConfigError(f"routes.{name}.policy: {error}") from error
    if route.policy not in BUDGETED and (pool is not None or route.objective == "budget"):
        raise ConfigError(
            f"routes.{name}.policy: {route.policy!r} keeps to no budget; "
            f"leave out the budget or the policy"
        )
    return made


def _route(name: str, stated: RouteSettings, policy: Policy, *, aliases: tuple[str, ...]) -> Route:
    return Route(
        name=name,
        candidates=stated.candidates,
        policy=policy,
        aliases=aliases,
        fallbacks=stated.fallbacks,
        rules=tuple(_rule(each) for each in stated.rules),
        cascade=_cascade(stated.cascade),
        checks=_checks(stated.check),
        max_latency_s=stated.max_latency_ms / 1000 if stated.max_latency_ms else None,
        first_byte_s=stated.first_byte_timeout,
        answer_s=stated.answer_timeout,
        stall_s=stated.stall_timeout,
        max_attempts=stated.max_attempts,
        hedge_share=stated.hedge,
        patience_s=stated.patience,
        allow_empty=stated.allow_empty,
        rescue_streams=stated.rescue_streams,
        takes_content_elsewhere=stated.content_filter == "elsewhere",
        learns_from_use=stated.learn_from_use,
        source_weights={**SOURCE_WEIGHTS, **stated.source_weights},
        judge=stated.judge.model if stated.judge else "",
    )


def _rule(stated: RuleSettings) -> Rule:
    return Rule(
        candidates=frozenset(stated.candidates),
        task=stated.when.task,
        max_prompt_tokens=stated.when.max_prompt_tokens,
        min_prompt_tokens=stated.when.min_prompt_tokens,
    )


def _cascade(stated: CascadeSettings | None) -> Cascade | None:
    if stated is None:
        return None
    agreement = None
    if stated.second is not None:
        agreement = Agreement(second=stated.second, canonical=stated.comparison, trial=stated.trial)
    return Cascade(
        escalate_below=stated.escalate_below,
        to=stated.to,
        ask_logprobs=stated.ask_logprobs,
        agreement=agreement,
    )


def _checks(stated: CheckSettings | None) -> Checks | None:
    if stated is None:
        return None
    return Checks(
        non_empty=stated.non_empty,
        json=stated.json_text,
        required_keys=stated.required_keys,
        schema=stated.json_schema,
        pattern=stated.pattern,
        number=stated.number,
        python=stated.python,
        sql=stated.sql,
        least_chars=stated.least_chars,
        most_chars=stated.most_chars,
        language=stated.language,
        whole=stated.whole,
        no_loop=stated.no_loop,
        tool_calls=stated.tool_calls,
        no_refusal=stated.no_refusal,
        unit_tests=stated.unit_tests,
    )


def load_rules_of(settings: Settings) -> dict[str, ConcurrencyRules]:
    """The limits of the providers that have one."""
    return {
        name: ConcurrencyRules(max_concurrent=each.max_concurrent, is_adaptive=each.adaptive)
        for name, each in settings.providers.items()
        if each.max_concurrent is not None or each.adaptive
    }


def holding_rules_of(settings: Settings) -> HoldingRules:
    """What may be held of texts for people who label."""
    labels = settings.labels
    size = int(labels.max_mb * 1024 * 1024)
    return HoldingRules(is_on=labels.texts, max_bytes=size, keep_s=labels.ttl)


def objective_of(route: RouteSettings, settings: Settings) -> Objective:
    """What a route's policy aims at, with the floor that holds where none is stated."""
    needs_floor = route.objective == "cost_per_success"
    budget = settings.budgets[route.budget] if route.budget else None
    return Objective(
        kind=route.objective,
        usd_per_success=route.usd_per_success,
        quality=route.quality,
        incumbent=route.incumbent,
        quality_floor=DEFAULT_FLOOR
        if route.quality_floor is None and needs_floor
        else route.quality_floor,
        route_quality_floor=route.route_quality_floor,
        usd_per_request=route.usd_per_request,
        usd_per_day=budget.usd_per_day if budget else None,
        explore=route.explore,
        max_share_change_per_min=route.max_share_change_per_min,
    )


def router_of(settings: Settings, catalog: Catalog, *, has_priors: bool, **facts: Any) -> Router:
    """A router that knows no price and has learnt nothing yet.

    has_priors  beliefs lean on published benchmark rates
    facts       of `parts_of`, beside what settings decide
    """
    beliefs = _beliefs(settings, catalog, has_priors=has_priors)
    default = default_objective(settings)
    return Router(
        parts_of(
            catalog=catalog,
            routes=routes_of(settings, beliefs),
            book=PriceBook(rules=guard_rules(settings)),
            beliefs=beliefs,
            default_policy=lambda _: PriceAware(beliefs, default),
            **facts,
        )
    )


def default_objective(settings: Settings) -> Objective:
    """What models that are asked for by their own name are chosen by.

    With routes in the settings it is the floor that held for them ever; without any, as after a
    fresh installation, a wish that nothing has to be known for.
    """
    if settings.routes:
        return Objective(kind="cost_per_success", quality_floor=DEFAULT_FLOOR)
    return Objective(kind="quality", quality="balanced")


def _beliefs(settings: Settings, catalog: Catalog, *, has_priors: bool) -> Beliefs:
    learning = settings.learning
    models = {each.id: each.model for each in catalog.deployments.values()}
    return Beliefs(
        BeliefSettings(half_life_s=learning.half_life, evidence_cap=learning.evidence_cap),
        published=published(models) if has_priors else NOTHING,
    )
