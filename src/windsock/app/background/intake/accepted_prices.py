"""Which accepted prices are in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from windsock.core.model.ticks import Quote
from windsock.core.pricing.prices_in_force import PricesInForce


@dataclass(slots=True, kw_only=True)
class AcceptedPrices:
    """Writes each price that is believed to the ledger, once.

    append      writes a record to the ledger; never blocks
    """

    book: PricesInForce
    append: Callable[[Quote], object]
    _kept: dict[str, Quote | None] = field(default_factory=dict)

    def look(self, deployment: str, now: float) -> None:
        """Before anything new is said of a deployment: what is believed by now is kept already."""
        self._kept.setdefault(deployment, self.book.believed(deployment, now))

    def keep(self, deployment: str, now: float) -> None:
        """Write what is believed by now, if that is another price than was kept."""
        quote = self.book.believed(deployment, now)
        if quote is not None and quote is not self._kept.get(deployment):
            self._kept[deployment] = quote
            self.append(quote)

    def keep_again(self, deployment: str, now: float) -> None:
        """Write what is believed as of now: what was written after it is taken back."""
        quote = self.book.believed(deployment, now)
        if quote is not None:
            self._kept[deployment] = quote
            self.append(replace(quote, seen_at=now))

    def take(self, deployment: str, now: float) -> None:
        """What is believed by now was written elsewhere."""
        self._kept[deployment] = self.book.believed(deployment, now)

    def forget(self, deployment: str) -> None:
        """What is believed of it next is to be written, whatever it is."""
        self._kept.pop(deployment, None)
