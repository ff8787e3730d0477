"""What windsock may spend by itself beside the requests of a route."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from windsock.resources.declared import Part, Share

USUAL_SHARE = Decimal("0.01")
"""Of what the route spends, where nothing is stated."""


class BesideSettings(Part):
    """How much is done beside a route's requests, and for how much money.

    share       of its requests, at most
    usd_per_day spent at most in a UTC day
    spend_share spent at most of what the route has spent that day; .01 where neither is stated
    """

    share: Share = 1.0
    usd_per_day: Decimal | None = Field(default=None, gt=0, max_digits=18)
    spend_share: Share | None = None

    @property
    def most_spend_share(self) -> Decimal | None:
        """What holds of the two, with the default."""
        if self.spend_share is not None:
            return Decimal(str(self.spend_share))
        return USUAL_SHARE if self.usd_per_day is None else None
