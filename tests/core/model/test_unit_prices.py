"""What a unit of each meter costs, for sums over many deployments at once."""

from decimal import Decimal
from math import isnan

import pytest

from windsock.core.model.units import MIX_METERS, Meter, cost_usd, unit_prices_usd

PRICES = {Meter.INPUT: Decimal("0.1"), Meter.OUTPUT: Decimal("0.4"), Meter.REQUEST: Decimal(900)}
METERS = (*MIX_METERS, Meter.REQUEST)


@pytest.mark.parametrize("meter", METERS)
def test_a_unit_costs_what_a_bill_of_it_does(meter: Meter) -> None:
    each = dict(zip(METERS, unit_prices_usd(PRICES), strict=True))
    assert each[meter] == pytest.approx(float(cost_usd({meter: 1000.0}, PRICES)) / 1000)


def test_what_nothing_prices_is_unknown_and_never_free() -> None:
    each = dict(zip(METERS, unit_prices_usd({Meter.INPUT: Decimal(1)}), strict=True))
    assert isnan(each[Meter.OUTPUT]) and isnan(each[Meter.REASONING])
    assert each[Meter.INPUT] == each[Meter.CACHE_READ] == 1e-6
