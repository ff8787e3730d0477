"""Bills are held against the price of the call they are for: its moment, its size, its tier."""

from decimal import Decimal

import pytest

from tests.builders import CHEAP, START, deployment, quote
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.evidence.response_audit import ResponseAudit
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult
from windsock.core.model.catalog import Catalog
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook

FLEX = {Meter.INPUT: Decimal("0.5"), Meter.OUTPUT: Decimal(2)}
FULL_USD = Decimal("0.0013")
"""500 tokens in at 1 USD a million, 200 out at 4."""


def audited(book: PriceBook) -> ResponseAudit:
    return ResponseAudit(catalog=Catalog([deployment(CHEAP)]), book=book, beliefs=Beliefs())


def billed(usd: Decimal, number: int, *, tier: str | None = None) -> CallResult:
    """A call that began `number` seconds after START."""
    at = START + number
    return CallResult(
        attempt=Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST, started_at=at),
        kind=CallKind.ANSWERED,
        latency_s=1.0,
        usage=Usage(input_tokens=500, output_tokens=200),
        billed_usd=usd,
        service_tier=tier,
    )


def kinds_told(bills: list[tuple[Decimal, str | None]]) -> list[str]:
    """What a run of bills shows, one a second, over a price with a tier at half of it."""
    book = PriceBook()
    book.absorb(quote(service_tiers={"flex": FLEX}), START)
    audit = audited(book)
    told = []
    for number, (usd, tier) in enumerate(bills):
        told += audit.audit(billed(usd, number, tier=tier), START + number + 1)
    return [event.kind for event in told]


def test_bills_at_the_price_show_nothing() -> None:
    assert kinds_told([(FULL_USD, None)] * 200) == []


def test_bills_that_grow_without_a_quote_are_told_once() -> None:
    dearer = [(FULL_USD * Decimal("1.5"), None)] * 60
    assert kinds_told([(FULL_USD, None)] * 100 + dearer) == ["bill.drifted"]


def test_a_bill_of_another_service_tier_is_no_drift() -> None:
    cheaper = [(FULL_USD / 2, "flex")] * 60
    assert kinds_told([(FULL_USD, None)] * 100 + cheaper) == []


def test_a_bill_of_another_service_tier_confirms_the_price_in_force() -> None:
    book = PriceBook()
    book.absorb(quote(service_tiers={"flex": FLEX}), START)
    audited(book).audit(billed(FULL_USD / 2, 100, tier="flex"), START + 101)
    assert book.status(CHEAP, START + 101).age_s == 0.0


def test_a_bill_of_a_tier_without_a_price_shows_nothing_of_any_price() -> None:
    """Neither that it moved, nor that it is confirmed, nor that a held one is true."""
    assert kinds_told([(FULL_USD, None)] * 100 + [(FULL_USD * 2, "priority")] * 60) == []
    book = PriceBook()
    book.absorb(quote(), START)
    audited(book).audit(billed(FULL_USD, 100, tier="priority"), START + 101)
    assert book.status(CHEAP, START + 101).age_s == 101.0


def test_each_tier_drifts_for_itself() -> None:
    dearer = [(FULL_USD * Decimal("0.75"), "flex")] * 60
    mixed = [(FULL_USD / 2, "flex"), (FULL_USD, None)] * 100
    assert kinds_told(mixed + dearer) == ["bill.drifted"]


def test_a_bill_that_cannot_be_is_told_of_now_and_then_and_learnt_from_never() -> None:
    book = PriceBook()
    book.absorb(quote(), START)
    audit = audited(book)
    told = []
    for number in range(100):
        told += audit.audit(billed(FULL_USD, number), START + number)
        told += audit.audit(billed(FULL_USD * 10**6, number), START + number)
    assert [event.kind for event in told] == ["bill.doubted"]
    assert told[0].facts["factor"] == pytest.approx(1e6)
    assert (audit.doubts.of(CHEAP).bills, audit.doubts.of("other").bills) == (100, 0)
    later = audit.audit(billed(FULL_USD * 10**6, 100), START + 4000)
    assert [event.kind for event in later] == ["bill.doubted"]


def test_a_bill_of_nothing_is_no_bill() -> None:
    assert kinds_told([(Decimal(0), None)] * 200) == []
