"""The shipped table of published success rates, read once from public_rates.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from windsock.core.beliefs.benchmark_priors import BenchmarkPriors, PublicRate


@cache
def public_rates() -> tuple[PublicRate, ...]:
    """Every row; docs/routing.md tells where the figures are from."""
    text = files("windsock.config").joinpath("benchmark_rates.csv").read_text(encoding="utf-8")
    return tuple(
        PublicRate(
            family=row["family"],
            kind=row["kind"],
            success=float(row["success"]),
            par=float(row["par"]),
            strength=float(row["strength"]),
            source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def published(models: Mapping[str, str]) -> BenchmarkPriors:
    """What the table says of these models, by deployment id."""
    return BenchmarkPriors(public_rates(), models)
