"""What one request may still cost, held against every cap that its calls count against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from windsock.core.model.calls import Attempt, CallResult
from windsock.core.model.catalog import Catalog
from windsock.core.model.events import Event
from windsock.core.model.requests import RouteRequest, is_background
from windsock.core.model.units import MTOK, Meter, Prices, price_of
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.routing.caps.account import NOTHING, Account
from windsock.core.routing.caps.book import CapBook, hold
from windsock.core.routing.caps.cap import NOBODY, Charge
from windsock.core.routing.caps.periods import midnight
from windsock.core.routing.caps.sizes import CallSizes
from windsock.errors import CapReached

PROMPT = (Meter.INPUT, Meter.CACHE_WRITE)
SOUND_PROMPT = (*PROMPT, Meter.AUDIO_INPUT)
ANSWER = (Meter.OUTPUT, Meter.REASONING)
SOUND_ANSWER = (*ANSWER, Meter.AUDIO_OUTPUT)
"""Meters of which the dearest is reserved for."""

Payer = Callable[[str, str], str]
"""(route asked, deployment) -> the route whose caps a call there counts against."""


class Tabs:
    """Opens the tab of a request, where anything is capped.

    payer   see `Payer`
    """

    def __init__(
        self, *, caps: CapBook, catalog: Catalog, book: PricesInForce, payer: Payer
    ) -> None:
        self.caps = caps
        self.sizes = CallSizes()
        self._payer = payer
        self._catalog = catalog
        self._book = book
        self._places: dict[tuple[str, str], tuple[str, str, str]] = {}

    def open(self, request: RouteRequest, route: str) -> Tab:
        """What the calls of a request count against; nothing is held yet."""
        return Tab(self, request, route)

    def accounts(self, request: RouteRequest, route: str, name: str) -> tuple[Account, ...]:
        """Every sum that a call of this request to a deployment counts against."""
        place = self._places.get((route, name))
        if place is None:
            place = self._places[route, name] = self._place(route, name)
        return self.caps.accounts(Charge(request.key_id or NOBODY, *place))

    def forget(self) -> None:
        """Routes or deployments were changed."""
        self._places.clear()

    def charge(self, key_id: str | None, route: str, name: str) -> Charge:
        """What a call of a key to a deployment of a route counted against, as it stands now."""
        return Charge(key_id or NOBODY, *self._place(route, name))

    def most_usd(self, request: RouteRequest, name: str, now: float) -> Decimal | None:
        """What a call there may cost; None if its price is not known.

        The prompt at the dearest of its prices, and an answer of the length that the caller or
        the deployment bounds, or that is usual there.
        """
        tokens = self.sizes.prompt_tokens(name, request)
        prices = self._book.prices(
            name, now, prompt_tokens=tokens, service_tier=request.service_tier
        )
        if prices is None:
            return None
        deployment = self._catalog.deployments.get(name)
        most = deployment.capabilities.max_output_tokens if deployment else None
        answer = self.sizes.answer_tokens(name, request, most) * request.choices
        has_sound = "audio" in request.needs
        return (
            tokens * _dearest(prices, SOUND_PROMPT if has_sound else PROMPT)
            + answer * _dearest(prices, SOUND_ANSWER if has_sound else ANSWER)
            + sum((_fee(count, prices, meter) for meter, count in request.units), NOTHING)
            + _fee(1, prices, Meter.REQUEST)
        ) / MTOK

    def _place(self, route: str, name: str) -> tuple[str, str, str]:
        """(route that pays, provider, model)."""
        deployment = self._catalog.deployments.get(name)
        provider, _, model = name.partition("/")
        if deployment is not None:
            provider, model = deployment.provider, deployment.model
        return self._payer(route, name), provider, model


class Tab:
    """The money side of one request. Every `hold` needs a `settle`."""

    __slots__ = ("_held", "_quoted", "_request", "_route", "_tabs")

    def __init__(self, tabs: Tabs, request: RouteRequest, route: str) -> None:
        self._tabs = tabs
        self._request = request
        self._route = route
        self._held: dict[int, tuple[tuple[Account, ...], Decimal]] = {}
        self._quoted: dict[str, tuple[tuple[Account, ...], Decimal | None]] = {}

    def can_pay(self, deployment: str, now: float) -> bool:
        """Whether a call there may begin. What has no price is not asked where money is capped."""
        accounts, usd = self._quote(deployment, now)
        if not accounts:
            return True
        return usd is not None and all(each.has_room(usd, now) for each in accounts)

    def unpayable(self, deployments: Iterable[str], now: float) -> set[str]:
        """Those of these that may not be asked."""
        return {name for name in deployments if not self.can_pay(name, now)}

    def hold(self, attempt: Attempt, now: float) -> None:
        """Reserve what this call may cost; `can_pay` said that it may begin."""
        accounts, usd = self._quote(attempt.deployment, now)
        self._held[attempt.number] = accounts, usd or NOTHING
        hold(accounts, usd or NOTHING)

    def settle(self, result: CallResult, usd: Decimal | None, now: float) -> list[Event]:
        """A call has ended; where nobody knows what it cost, it cost what was reserved for it."""
        accounts, held = self._held.pop(result.attempt.number, ((), NOTHING))
        self._tabs.sizes.observe(self._request, result)
        if usd and not is_background(self._request.key_id):
            self._tabs.caps.earn(self._route, usd, now)
        return self._tabs.caps.settle(accounts, held, held if usd is None else usd, now)

    def refusal(self, deployments: Iterable[str], now: float) -> CapReached:
        """Why none of these may be asked: the cap that will be open soonest; counted there."""
        found = [
            account
            for name in deployments
            for accounts, usd in [self._quote(name, now)]
            for account in accounts
            if usd is None or not account.has_room(usd, now)
        ]
        account = min(found, key=lambda each: each.ends_at if each.is_spent(now) else now)
        account.refused += 1
        return refused_by(account, self._route, now)

    def _quote(self, name: str, now: float) -> tuple[tuple[Account, ...], Decimal | None]:
        """The accounts of a call and what it may cost; asked once per request and deployment."""
        known = self._quoted.get(name)
        if known is None:
            accounts = self._tabs.accounts(self._request, self._route, name)
            usd = self._tabs.most_usd(self._request, name, now) if accounts else None
            known = self._quoted[name] = accounts, usd
        return known


def refused_by(account: Account, route: str, now: float) -> CapReached:
    """What the caller is told."""
    cap, is_spent = account.cap, account.is_spent(now)
    ends_at = account.ends_at if account.ends_at < float("inf") else None
    return CapReached(
        cap.name,
        route,
        until=midnight(cap.timezone, ends_at) if ends_at is not None else None,
        retry_after_s=(ends_at - now if ends_at is not None else None) if is_spent else 1.0,
        is_spent=is_spent,
    )


def _dearest(prices: Prices, meters: tuple[Meter, ...]) -> Decimal:
    return max((price_of(meter, prices) or NOTHING for meter in meters), default=NOTHING)


def _fee(count: float, prices: Prices, meter: Meter) -> Decimal:
    return Decimal(count) * (price_of(meter, prices) or NOTHING)
