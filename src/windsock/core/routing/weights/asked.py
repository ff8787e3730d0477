"""What a request asks that its price depends on."""

from __future__ import annotations

from typing import NamedTuple

from windsock.core.model.requests import Preferences
from windsock.core.model.units import Meter, Prices


class Asked(NamedTuple):
    """What a request asks that prices depend on.

    prompt_tokens   estimate, 0 for what the task's requests are like
    size            the class of size among those of its cell; None: one class, or not known
    service_tier    as asked for, where a candidate has prices for it; None: as usual
    """

    prompt_tokens: int = 0
    service_tier: str | None = None
    size: int | None = None


AS_USUAL = Asked()


def ceilings_of(wishes: Preferences) -> Prices:
    """The dearest that a caller lets a million of each meter cost, where he says so."""
    stated = {
        Meter.INPUT: wishes.max_prompt_usd_per_mtok,
        Meter.OUTPUT: wishes.max_completion_usd_per_mtok,
        Meter.REQUEST: wishes.max_request_usd_per_mtok,
        Meter.IMAGE: wishes.max_image_usd_per_mtok,
    }
    return {meter: usd for meter, usd in stated.items() if usd is not None}
