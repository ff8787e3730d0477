"""What answers give away: bills that do not fit the price, models that are not the one named,
fields of requests that are not taken."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.evidence.bill_monitor import BillWatch
from windsock.core.evidence.doubts import DoubtLog
from windsock.core.model.calls import CallKind, CallResult
from windsock.core.model.catalog import Catalog
from windsock.core.model.events import Event, EventKind
from windsock.core.model.model_names import is_same_model
from windsock.core.model.units import Usage, to_float
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.call_costs import is_plausible_bill, known_cost_usd
from windsock.core.pricing.comparison import STANDARD_TIERS, prices_tier

REDIRECT_KEEPS = 4.0
"""Rewards per task that a belief keeps when the model behind a name has changed."""


class ResponseAudit:
    """Compares every answer with what was expected of it.

    redirects   deployment -> what answers for it and is billed instead
    doubts      what deployments said of their calls and was not believed
    """

    def __init__(self, *, catalog: Catalog, book: PriceBook, beliefs: Beliefs) -> None:
        self._catalog = catalog
        self._book = book
        self._beliefs = beliefs
        self._bills: dict[str, BillWatch] = {}
        self._served: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.doubts = DoubtLog()

    def audit(self, result: CallResult, now: float) -> list[Event]:
        """What one finished call shows of bills and models, and what it changes."""
        shifts = []
        needs = result.about.needs
        if needs and result.kind is CallKind.ANSWERED:
            self._catalog.unsupported.prove(result.attempt.deployment, needs, now)
        if result.unsupported:
            shifts += self._note_unsupported(result, now)
        if result.usage_doubt:
            shifts += self.doubts.note_usage(result, now)
        if result.billed_usd and result.usage is not None:
            shifts += self._compare_bill(result, result.usage, result.billed_usd, now)
        asked, served = result.attempt.deployment, result.served_model
        if served is not None and served != self._served.get(asked):
            shifts += self._compare_model(asked, served, now)
        return shifts

    def redirect(self, deployment: str, served: str, now: float) -> list[Event]:
        """Bill a deployment by the price of `served`; naming the deployment itself undoes."""
        self.redirects[deployment] = served
        if served == deployment:
            del self.redirects[deployment]
        return self._book.redirect(deployment, served, now)

    def undo_redirect(self, deployment: str, now: float) -> list[Event]:
        """A person says that it is the same model: its own price is billed again."""
        if deployment not in self.redirects:
            return []
        return self.redirect(deployment, deployment, now)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {
            "bills": {name: watch.to_state() for name, watch in self._bills.items()},
            "served": dict(self._served),
            "redirects": dict(self.redirects),
            "unsupported": self._catalog.unsupported.to_state(),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`; redirects to what is no longer known are left out."""
        for name, bills in state["bills"].items():
            self._bills.setdefault(name, BillWatch()).from_state(bills)
        self._served.update(state["served"])
        self._catalog.unsupported.from_state(state["unsupported"])
        for deployment, name in state["redirects"].items():
            is_known = name in self._catalog.deployments or self._book.knows(name)
            if deployment in self._catalog.deployments and is_known:
                self.redirect(deployment, name, 0.0)

    def _note_unsupported(self, result: CallResult, now: float) -> list[Event]:
        """Told once for each fact, until it is forgotten."""
        name = result.attempt.deployment
        told = self._catalog.unsupported.observe
        news = told(name, result.unsupported, now, result.about.asked)
        return [
            Event(kind=EventKind.PARAMETER_REFUSED, deployment=name, at=now,
                  facts={"field": fact.field, "instead": fact.instead or None})
            for fact in news
        ]  # fmt: skip

    def _compare_bill(
        self, result: CallResult, usage: Usage, billed_usd: Decimal, now: float
    ) -> list[Event]:
        """A bill may release a held quote, and a run of bills shows a price nobody announced.

        Each service tier is compared with its own price; one that has none shows nothing of any.
        """
        name, at, tier = result.attempt.deployment, result.attempt.started_at, result.service_tier
        prompt_tokens = usage.prompt_tokens
        prices = self._book.prices(name, at, prompt_tokens=prompt_tokens, service_tier=tier)
        expected = None if prices is None else known_cost_usd(usage.counts(), prices)
        is_plausible = is_plausible_bill(billed_usd, usage, prices or {}, expected)
        shifts: list[Event] = []
        if not result.is_usage_estimated:
            shifts += self._book.confirm_bill(name, usage, billed_usd, at, now, service_tier=tier)
        if not is_plausible:
            return shifts + self.doubts.note_bill(result, billed_usd, expected, now)
        if expected is None or result.is_usage_estimated or not self._is_priced(name, tier, at):
            return shifts
        return shifts + self._watch_bill(name, tier, billed_usd, expected, now)

    def _watch_bill(
        self, name: str, tier: str | None, billed_usd: Decimal, expected: Decimal, now: float
    ) -> list[Event]:
        key = name if tier in STANDARD_TIERS else f"{name} {tier}"
        watch = self._bills.setdefault(key, BillWatch())
        drift = watch.observe(to_float(billed_usd), to_float(expected))
        if drift is None:
            return []
        facts: dict[str, object] = {
            "factor": drift.factor,
            "bills": drift.bills,
            "statistic": drift.statistic,
        }
        if tier not in STANDARD_TIERS:
            facts["service_tier"] = tier
        return [Event(kind=EventKind.BILL_DRIFTED, deployment=name, at=now, facts=facts)]

    def _is_priced(self, name: str, tier: str | None, at: float) -> bool:
        """True if the price of the tier that was used is known."""
        quote = self._book.in_force(name, at)
        return quote is not None and prices_tier(quote, tier)

    def _compare_model(self, deployment: str, served: str, now: float) -> list[Event]:
        """Another model than the one asked for, or than before, is told and billed as what it is.

        Belief starts afresh where answers of the model before were seen. Where the one that answers
        has no price in the catalog, `redirect` may be told one.
        """
        asked = self._catalog.deployments.get(deployment)
        if asked is None:
            return []
        is_first = deployment not in self._served
        before = self._served.get(deployment, asked.model)
        self._served[deployment] = served
        is_asked = is_same_model(asked.model, served)
        if before == served or (is_first and is_asked):
            return []
        if not is_first:
            self._beliefs.quality.age(deployment, keep=REDIRECT_KEEPS)
        facts = {"before": before, "served": served}
        shifts = [
            Event(kind=EventKind.MODEL_REDIRECTED, deployment=deployment, at=now, facts=facts)
        ]
        if is_asked:
            return shifts + self.redirect(deployment, deployment, now)
        for name in self._catalog.serving(served):
            if self._catalog.deployments[name].provider == asked.provider:
                return shifts + self.redirect(deployment, name, now)
        return shifts
