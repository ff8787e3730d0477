"""What one request of a cell costs at each deployment, at the prices of a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from types import MappingProxyType

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.model.units import MIX_METERS, PROMPT_METERS, Prices, unit_prices_usd
from windsock.core.routing.weights.asked import Asked
from windsock.core.routing.weights.moment import Moment

PROMPT_COLUMNS = [MIX_METERS.index(meter) for meter in PROMPT_METERS]
"""Where the tokens sent stand among the units of a request."""

ImaginedPrices = Mapping[str, Prices]
"""Prices by deployment that replace those in force, meter by meter, to see what would follow."""

NOTHING_IMAGINED: ImaginedPrices = MappingProxyType({})


def request_usd(
    beliefs: Beliefs,
    moment: Moment,
    cell: Cell,
    names: Sequence[str],
    asked: Asked,
    imagined: ImaginedPrices,
) -> dict[str, float]:
    """Expected dollars of one such request by name, without those that have no price."""
    if not names:
        return {}
    units = beliefs.units(cell, names, prompt_tokens=asked.prompt_tokens or None)
    prices = None if imagined or asked.service_tier else moment.plain_prices_usd(tuple(names))
    if prices is None:
        prices = np.array(_unit_prices(names, units, asked, moment, imagined))
    usd = np.where(units != 0.0, units * prices, 0.0).sum(axis=1).tolist()
    return {name: each for name, each in zip(names, usd, strict=True) if not isnan(each)}


def _unit_prices(
    names: Sequence[str],
    units: FloatArray,
    asked: Asked,
    moment: Moment,
    imagined: ImaginedPrices,
) -> list[list[float]]:
    """Dollars of one unit by deployment and meter, for requests of that size and tier."""
    sizes = units[:, PROMPT_COLUMNS].sum(axis=1).astype(int).tolist()
    return [
        moment.unit_prices_usd(name, size, asked.service_tier)
        if name not in imagined
        else unit_prices_usd({**(moment.prices(name) or {}), **imagined[name]})
        for name, size in zip(names, sizes, strict=True)
    ]


def dearer_by(
    moment: Moment, names: tuple[str, ...], imagined: ImaginedPrices
) -> tuple[float, ...]:
    """What prices should be taken to be above what is stated; an imagined one is what it is."""
    dearer = moment.dearer_by(names)
    if not imagined or not dearer:
        return dearer
    kept = tuple(0.0 if name in imagined else by for name, by in zip(names, dearer, strict=True))
    return kept if any(kept) else ()
