"""Defaults for tests: a router over three priced deployments, and records with one fact changed."""

from decimal import Decimal
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult
from windsock.core.model.catalog import Capabilities, Catalog, Deployment
from windsock.core.model.requests import RouteRequest
from windsock.core.model.ticks import Quote
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route

CHEAP, MID, FLAGSHIP = "acme/small", "bolt/medium", "core/large"
START = 1_790_000_000.0


def quote(name: str = CHEAP, *, usd: float = 1.0, seen_at: float = START, **facts: Any) -> Quote:
    """A quote of `usd` per million input tokens and four times that for output."""
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    defaults: dict[str, Any] = {
        "feed": "sheet",
        "feed_model": name,
        "usd_per_mtok": prices,
        "trust": 0.9,
    }
    return Quote(deployment=name, seen_at=seen_at, **{**defaults, **facts})


def deployment(name: str, **capabilities: Any) -> Deployment:
    provider, model = name.split("/", 1)
    has = Capabilities(**{"context_tokens": 128_000, **capabilities})
    return Deployment(id=name, provider=provider, model=model, capabilities=has)


def router(
    *,
    prices: dict[str, float] | None = None,
    deployments: tuple[Deployment, ...] = (),
    objective: Objective | None = None,
    seed: int = 7,
    classifies: bool = False,
    limits: ConcurrencyLimits | None = None,
    **route_facts: Any,
) -> Router:
    """A router with the route `auto` over all deployments, prices seen at START."""
    prices = {CHEAP: 0.1, MID: 1.0, FLAGSHIP: 5.0} if prices is None else prices
    known = {each.id: each for each in deployments}
    names = list(dict.fromkeys([*known, *prices]))
    catalog = Catalog([known.get(name) or deployment(name) for name in names])
    beliefs = Beliefs()
    aim = objective or Objective(kind="cost_per_success", quality_floor=0.8)
    book = PriceBook()
    for name, usd in prices.items():
        book.absorb(quote(name, usd=usd), START)
    policy = PriceAware(beliefs, aim, classifies=classifies)
    auto = Route(name="auto", candidates=tuple(names), policy=policy, **route_facts)
    return Router(
        parts_of(
            catalog=catalog,
            routes={"auto": auto},
            book=book,
            beliefs=beliefs,
            default_policy=lambda _: PriceAware(beliefs, aim),
            seed=seed,
            limits=limits,
        )
    )


def request(**facts: Any) -> RouteRequest:
    return RouteRequest(**{"model": "auto", "prompt_tokens": 500, **facts})


def answered(attempt: Attempt, **facts: Any) -> CallResult:
    usage = Usage(input_tokens=500, output_tokens=200)
    defaults = {"kind": CallKind.ANSWERED, "latency_s": 0.4, "first_byte_s": 0.1, "usage": usage}
    return CallResult(attempt=attempt, **{**defaults, **facts})


def failed(attempt: Attempt, kind: CallKind = CallKind.SERVER_ERROR, **facts: Any) -> CallResult:
    return CallResult(attempt=attempt, kind=kind, **{"latency_s": 0.1, **facts})


def run(exchange: Exchange, now: float = START, *failures: CallKind) -> list[str]:
    """Drive an exchange: the first calls fail as told, then one answers. Deployments called."""
    called = []
    kinds = list(failures)
    while (attempt := exchange.next_attempt(now)) is not None:
        called.append(attempt.deployment)
        result = failed(attempt, kinds.pop(0)) if kinds else answered(attempt)
        exchange.report(result, now)
    return called


FIRST = AttemptReason.FIRST
