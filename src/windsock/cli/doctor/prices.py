"""How each deployment is priced, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from windsock.app.service import Service
from windsock.cli.doctor.diagnosis import Diagnosis
from windsock.core.model.ticks import Quote
from windsock.core.model.units import MAIN_METERS, to_float
from windsock.core.pricing.comparison import blended
from windsock.core.pricing.consensus.standing import PriceStatus
from windsock.core.pricing.consensus.votes import is_strange
from windsock.core.pricing.validation import invalid_reason
from windsock.service.control.prices.wording import plain


def diagnose_prices(service: Service) -> list[Diagnosis]:
    """How each deployment is priced, after every feed was read."""
    return [_price(service, name) for name in service.router.catalog.deployments]


def _price(service: Service, name: str) -> Diagnosis:
    status = service.router.book.status(name, service.clock.now())
    if status.quote is not None:
        doubts = list(_doubts(service, status, status.quote))
        text = "; ".join([f"priced by {status.quote.feed}", *doubts])
        return Diagnosis(subject=name, ok=True, text=text, is_unsure=bool(doubts))
    near = service.ingestion.nearest(name)
    hint = f"; feeds list {', '.join(near)}" if near else ""
    foreign = {held.quote.currency for held in status.held} - {"USD"}
    mend = f'name the feed\'s model in [deployments."{name}"] price_names, or state a price'
    if foreign:
        mend = f"add [currencies.{min(foreign)}] with usd, at and source, or state it in USD"
    return Diagnosis(subject=name, ok=False, text=f"{status.reason}{hint}; {mend}")


def _doubts(service: Service, status: PriceStatus, quote: Quote) -> Iterator[str]:
    """What speaks against a price in force."""
    if status.is_provisional:
        until = status.provisional_until
        day = "" if until is None else f" until {datetime.fromtimestamp(until, UTC):%Y-%m-%d}"
        yield f"provisional{day}: no second list, no bill"
    book, now = service.router.book, service.clock.now()
    stated = book.believed(quote.deployment, now) or quote
    is_own = stated.feed in book.rules.owner_feeds
    if is_own:
        reason = invalid_reason(replace(stated, feed=""), book.rules)
        if reason is not None:
            yield f"of no list would that be believed, for {reason}; is its unit right?"
    for said in book.statements(quote.deployment, now):
        if said.stands == "dissents":
            told = f"{said.quote.feed} says ${_in_and_out(said.quote)}, not ${_in_and_out(stated)}"
            is_odd = is_own and is_strange(stated, blended(said.quote.usd_per_mtok), book.rules)
            yield f"{told}; is its unit right?" if is_odd else told
    for held in status.held:
        yield f"held of {held.quote.feed}: {held.reason}"


def _in_and_out(quote: Quote) -> str:
    """Input and output, dollars per million tokens."""
    return "/".join(plain(to_float(quote.usd_per_mtok[m])) for m in MAIN_METERS)
