"""The router, from settings: as it serves, and as it reckons over a log."""

from __future__ import annotations

from typing import Any

from windsock.app.route_parts import DEFAULT_FLOOR, load_rules_of, routes_of
from windsock.config.benchmark_rates import published
from windsock.config.settings import Settings, guard_rules
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.benchmark_priors import NOTHING
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.catalog import Catalog
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router


def router_of(settings: Settings, catalog: Catalog, *, has_priors: bool, **facts: Any) -> Router:
    """A router that knows no price and has learnt nothing yet.

    has_priors  beliefs lean on published benchmark rates
    facts       of `parts_of`, beside what settings decide
    """
    beliefs = _beliefs(settings, catalog, has_priors=has_priors)
    default = Objective(kind="cost_per_success", quality_floor=DEFAULT_FLOOR)
    return Router(
        parts_of(
            catalog=catalog,
            routes=routes_of(settings, beliefs),
            book=PriceBook(rules=guard_rules(settings)),
            beliefs=beliefs,
            default_policy=lambda _: PriceAware(beliefs, default),
            limits=ConcurrencyLimits(load_rules_of(settings)),
            **facts,
        )
    )


def _beliefs(settings: Settings, catalog: Catalog, *, has_priors: bool) -> Beliefs:
    learning = settings.learning
    models = {each.id: each.model for each in catalog.deployments.values()}
    return Beliefs(
        BeliefSettings(half_life_s=learning.half_life, evidence_cap=learning.evidence_cap),
        published=published(models) if has_priors else NOTHING,
    )
