"""Routes and their policies, from settings."""

from __future__ import annotations

from windsock.config.route_settings import CascadeSettings, CheckSettings, RouteSettings
from windsock.config.settings import Settings
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.segments import SegmentSettings
from windsock.core.evidence.answer_checks import Checks
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.policies.budgets.pacing import DayPacer
from windsock.core.policies.budgets.pool import BudgetPool
from windsock.core.policies.objectives import Objective
from windsock.core.policies.protocol import Policy
from windsock.core.policies.registry import BUDGETED, PolicyParts, policy_named
from windsock.core.resilience.concurrency import ConcurrencyRules
from windsock.core.routing.routes import Cascade, Route, Rule
from windsock.errors import ConfigError

DEFAULT_FLOOR = 0.90
"""Quality floor of a route that names none, and of models asked for by their own name."""


def routes_of(settings: Settings, beliefs: Beliefs) -> dict[str, Route]:
    """Routes with the policy that their objective asks for; a budget is one for all its routes."""
    purses = {
        name: BudgetPool(DayPacer(each.usd_per_day)) for name, each in settings.budgets.items()
    }
    return {
        name: Route(
            name=name,
            candidates=route.candidates,
            policy=_policy(
                name, route, settings, beliefs, purses[route.budget] if route.budget else None
            ),
            rules=tuple(
                Rule(
                    candidates=frozenset(rule.candidates),
                    task=rule.when.task,
                    max_prompt_tokens=rule.when.max_prompt_tokens,
                    min_prompt_tokens=rule.when.min_prompt_tokens,
                )
                for rule in route.rules
            ),
            cascade=_cascade(route.cascade),
            checks=_checks(route.check),
            max_latency_s=route.max_latency_ms / 1000 if route.max_latency_ms else None,
            first_byte_s=route.first_byte_timeout,
            answer_s=route.answer_timeout,
            stall_s=route.stall_timeout,
            max_attempts=route.max_attempts,
            hedge_share=route.hedge,
            source_weights={**SOURCE_WEIGHTS, **route.source_weights},
        )
        for name, route in settings.routes.items()
    }


def _policy(
    name: str,
    route: RouteSettings,
    settings: Settings,
    beliefs: Beliefs,
    purse: BudgetPool | None,
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
        purse=purse,
    )
    try:
        made = policy_named(route.policy, parts)
    except ConfigError as error:
        raise ConfigError(f"routes.{name}.policy: {error}") from error
    if route.policy not in BUDGETED and (purse is not None or route.objective == "budget"):
        raise ConfigError(
            f"routes.{name}.policy: {route.policy!r} keeps to no budget; "
            f"leave out the budget or the policy"
        )
    return made


def _cascade(stated: CascadeSettings | None) -> Cascade | None:
    if stated is None:
        return None
    return Cascade(
        escalate_below=stated.escalate_below, to=stated.to, ask_logprobs=stated.ask_logprobs
    )


def _checks(stated: CheckSettings | None) -> Checks | None:
    if stated is None:
        return None
    return Checks(
        non_empty=stated.non_empty,
        json=stated.json_text,
        required_keys=stated.required_keys,
        pattern=stated.pattern,
        tool_calls=stated.tool_calls,
        no_refusal=stated.no_refusal,
    )


def load_rules_of(settings: Settings) -> dict[str, ConcurrencyRules]:
    """The limits of the providers that have one."""
    return {
        name: ConcurrencyRules(max_concurrent=each.max_concurrent, is_adaptive=each.adaptive)
        for name, each in settings.providers.items()
        if each.max_concurrent is not None or each.adaptive
    }


def objective_of(route: RouteSettings, settings: Settings) -> Objective:
    needs_floor = route.objective == "cost_per_success"
    budget = settings.budgets[route.budget] if route.budget else None
    return Objective(
        kind=route.objective,
        usd_per_success=route.usd_per_success,
        quality_floor=DEFAULT_FLOOR
        if route.quality_floor is None and needs_floor
        else route.quality_floor,
        usd_per_request=route.usd_per_request,
        usd_per_day=budget.usd_per_day if budget else None,
        explore=route.explore,
        max_share_change_per_min=route.max_share_change_per_min,
    )
