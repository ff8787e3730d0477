"""What one request of a cell costs at each deployment, at the prices of a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell, Preferences
from windsock.core.model.units import MIX_METERS, PROMPT_METERS, Meter, Prices, unit_prices_usd
from windsock.core.routing.sizes.prompt_sizes import SizeClasses
from windsock.core.routing.weights.moment import Moment

PROMPT_COLUMNS = [MIX_METERS.index(meter) for meter in PROMPT_METERS]
"""Where the tokens sent stand among the units of a request."""

INPUT_COLUMN = MIX_METERS.index(Meter.INPUT)

ImaginedPrices = Mapping[str, Prices]
"""Prices by deployment that replace those in force, meter by meter, to see what would follow."""

NOTHING_IMAGINED: ImaginedPrices = MappingProxyType({})


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


def request_usd(
    beliefs: Beliefs,
    moment: Moment,
    cell: Cell,
    names: Sequence[str],
    asked: Asked,
    imagined: ImaginedPrices,
    classes: SizeClasses | None = None,
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Expected dollars of one such request by name, without those that have no price.

    classes of prompt size      with them the dollars are those of their mix
    returns     those dollars, and the same for each class; of one class they are the same
    """
    if not names:
        return {}, [{} for _ in (classes.shares if classes else ())]
    units = beliefs.units(cell, names, prompt_tokens=asked.prompt_tokens or None)
    if classes is None:
        return _usd_by_name(names, _usd(names, units, asked, moment, imagined)), []
    by_class = [
        _usd(names, _resized(units, names, classes, index), asked, moment, imagined)
        for index in range(len(classes.shares))
    ]
    mix = np.array(classes.shares) @ np.array(by_class)
    return _usd_by_name(names, mix), [_usd_by_name(names, each) for each in by_class]


def _usd_by_name(names: Sequence[str], usd: FloatArray) -> dict[str, float]:
    return {name: each for name, each in zip(names, usd.tolist(), strict=True) if not isnan(each)}


def _usd(
    names: Sequence[str],
    units: FloatArray,
    asked: Asked,
    moment: Moment,
    imagined: ImaginedPrices,
) -> FloatArray:
    """(names,) dollars of a request of these units; nan without a price."""
    prices = None if imagined or asked.service_tier else moment.plain_prices_usd(tuple(names))
    if prices is None:
        prices = np.array(_unit_prices(names, units, asked, moment, imagined))
    usd: FloatArray = np.where(units != 0.0, units * prices, 0.0).sum(axis=1)
    return usd


def _resized(
    units: FloatArray, names: Sequence[str], classes: SizeClasses, index: int
) -> FloatArray:
    """Units of a request of one class: as many prompt tokens as it has, in their proportions."""
    wanted = np.array([classes.tokens(index, name) for name in names])
    sent = units[:, PROMPT_COLUMNS].sum(axis=1)
    made = units.copy()
    made[:, PROMPT_COLUMNS] *= (wanted / np.where(sent > 0, sent, 1.0))[:, None]
    made[sent == 0, INPUT_COLUMN] = wanted[sent == 0]
    return made


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
