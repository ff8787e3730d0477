"""A reading as flat rows, the form of `expected.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from windsock.core.model.ticks import CHAT, Tier, Window
from windsock.core.model.units import Meter, Prices
from windsock.feeds.reader import Reading


def rows_as_csv(reading: Reading) -> Iterator[dict[str, str]]:
    """A reading as flat rows, the form of `expected.csv`."""
    for row in reading.rows:
        yield {
            "provider": row.provider,
            "model": row.model,
            **{meter.value: _text(row.usd_per_mtok.get(meter)) for meter in Meter},
            "tiers": " ".join(_tier_text(tier) for tier in row.tiers),
            "windows": " ".join(_window_text(window) for window in row.windows),
            "service_tiers": " ".join(
                f"{name}:{_flat(prices)}" for name, prices in row.service_tiers.items()
            ),
            "uplifts": " ".join(f"{region}:{share:f}" for region, share in row.uplifts.items()),
            "mode": "" if row.mode == CHAT else row.mode,
            "zero_reason": row.zero_reason or "",
            "state": "",
        }
    terms = ("tiers", "windows", "service_tiers", "uplifts", "mode")
    for report in reading.health:
        blank = dict.fromkeys([*(meter.value for meter in Meter), *terms], "")
        yield {
            "provider": report.subject,
            "model": "",
            **blank,
            "zero_reason": "",
            "state": report.state.value,
        }


def _text(price: Decimal | None) -> str:
    return "" if price is None else format(price, "f")


def _flat(prices: Prices) -> str:
    return ",".join(f"{meter.value}={price:f}" for meter, price in prices.items())


def _tier_text(tier: Tier) -> str:
    bound = ">" if tier.is_strict else ">="
    served = f"/{tier.service_tier}" if tier.service_tier else ""
    return f"{bound}{tier.min_prompt_tokens}{served}:{_flat(tier.usd_per_mtok)}"


def _window_text(window: Window) -> str:
    days = "".join(str(day) for day in sorted(window.days))
    size = f">{window.min_prompt_tokens}" if window.min_prompt_tokens else ""
    return (
        f"{days}{size}@{window.start_minute // 60:02}:{window.start_minute % 60:02}-"
        f"{window.end_minute // 60:02}:{window.end_minute % 60:02}/{window.timezone}:"
        f"{_flat(window.usd_per_mtok)}"
    )
