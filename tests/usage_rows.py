"""Usage objects as providers send them, with what the calls really cost.

`usage_samples.jsonl`: one row a kind. `usage_corpus.jsonl`: one row a report, with its source and
the numbers changed. `place` is where
the object stands in the answer, `before` what a stream said of it earlier, `tiers` the prices of
service tiers, `cost_usd` null where some count is nonsense, so that it is estimated.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from windsock.core.model.units import Meter, Prices

WIRE = Path(__file__).parent / "wire"


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WIRE / name).read_text().splitlines()]


REPORTED = rows_of("usage_corpus.jsonl")
ROWS = [*rows_of("usage_samples.jsonl"), *REPORTED]


def prices_of(stated: dict[str, Any]) -> Prices:
    return {Meter(name): Decimal(str(usd)) for name, usd in stated.items()}


def placed(row: dict[str, Any], body: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    """The body of an answer or a chunk with a usage object where the provider puts it."""
    body = {**body, **row.get("body", {})}
    body.pop("usage", None)
    place = row.get("place", "usage")
    if place == "meta_itself":
        return {**body, "meta": usage}
    if place == "choices":
        first, *others = body["choices"]
        return {**body, "choices": [{**first, "usage": usage}, *others]}
    return {**body, place: {"usage": usage} if place in ("x_groq", "meta") else usage}
