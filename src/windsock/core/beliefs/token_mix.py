"""Units that one request takes by meter, averaged over what rows have counted here or elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter

from windsock.core.beliefs.statistics import RewardStatistics
from windsock.core.model.units import MIX_METERS, PROMPT_METERS, Meter

_prompt_units = itemgetter(*PROMPT_METERS)
ONLY_INPUT = dict.fromkeys(PROMPT_METERS, 0.0)


def units_of(counts: Mapping[Meter, float]) -> list[float]:
    """Units in the order of MIX_METERS."""
    return [counts.get(meter, 0.0) for meter in MIX_METERS]


def average_units(rows: Iterable[RewardStatistics]) -> list[float] | None:
    """Units of one request over several rows, None if no usage is known."""
    used = [row for row in rows if row.units is not None]
    if len(used) == 1:
        return used[0].mean_units()
    total = sum(row.requests for row in used)
    if not total:
        return None
    columns = zip(*(row.units or () for row in used), strict=True)
    return [sum(column) / total for column in columns]


def typical_units(
    rows: Mapping[tuple[str, str], RewardStatistics], task: str, deployment: str
) -> list[float] | None:
    """Units of one request here, else at this task elsewhere, else anywhere."""
    row = rows.get((task, deployment))
    if row is not None and row.units is not None:
        return row.mean_units()
    near = [other for (name, _), other in rows.items() if name == task]
    return average_units(near) or average_units(rows.values())


def mix_of(units: Iterable[float], prompt_tokens: float | None) -> dict[Meter, float]:
    """Units of one request by meter; prompt meters sum to `prompt_tokens` if it is given."""
    mix = dict(zip(MIX_METERS, units, strict=True))
    if prompt_tokens is not None:
        rescale_prompt(mix, prompt_tokens)
    mix[Meter.REQUEST] = 1.0
    return mix


def rescale_prompt(mix: dict[Meter, float], prompt_tokens: float) -> None:
    """Make the prompt meters sum to `prompt_tokens`, in the proportions they have."""
    had = sum(_prompt_units(mix))
    if not had:
        mix.update(ONLY_INPUT)
        mix[Meter.INPUT] = prompt_tokens
    elif had == mix[Meter.INPUT]:
        mix[Meter.INPUT] = mix[Meter.INPUT] * prompt_tokens / had
    else:
        for meter in PROMPT_METERS:
            mix[meter] = mix[meter] * prompt_tokens / had
