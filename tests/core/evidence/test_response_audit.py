"""Bills are held against the price of the call they are for: its moment, its size, its tier."""

from decimal import Decimal

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
