"""Public price lists by half-months, and what they said of comparable models on a day."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from windsock.core.pricing.peers.model_keys import AUTHOR, family_key, model_key
from windsock.providers.presets import provider_names

Price = tuple[float, float]
Listing = tuple[str, str, str]
"""(list, seller, model), as the list writes them."""

FILE = Path(__file__).parent / "data" / "list_history.csv.gz"


@cache
def days() -> Mapping[str, Mapping[Listing, Price]]:
    """What is listed, by day, oldest first; rows without a price above 0 are left out."""
    found: dict[str, dict[Listing, Price]] = {}
    listed: dict[Listing, Price] = {}
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["day"] not in found:
                listed = found[row["day"]] = dict(listed)
            name = row["list"], row["seller"], row["model"]
            usd = tuple(float(row[f"{m}_usd_per_mtok"] or 0) for m in ("input", "output"))
            listed.pop(name, None)
            if all(usd):
                listed[name] = (usd[0], usd[1])
    return found


def listed_by(day: str) -> Mapping[Listing, Price]:
    """What the lists said by this day (ISO); nothing before their first."""
    known = [each for each in days() if each <= day]
    return days()[known[-1]] if known else {}


def comparable(
    deployment: str, listed: Mapping[Listing, Price]
) -> Iterator[tuple[str, str, Price]]:
    """(list, `seller/model`, price) of the same model elsewhere, its family, and its seller.

    The deployment's own row is left out, whatever a list calls its seller and the model's author.
    """
    own = _spelt(deployment)
    model, family = model_key(deployment), family_key(deployment)
    for source, seller, name in listed:
        other = f"{seller}/{name}"
        if _spelt(other) == own:
            continue
        is_kin = (model and model_key(name) == model) or (family and family_key(name) == family)
        if is_kin or _spelt(other)[0] == own[0]:
            yield source, f"{_spelt(other)[0]}/{name}", listed[source, seller, name]


@cache
def _spelt(deployment: str) -> tuple[str, str]:
    """(seller with its site, model) in one spelling, dates kept."""
    seller, _, model = deployment.lower().partition("/")
    seller, _, site = seller.partition("@")
    provider, region = provider_names().split_region(seller)
    bare = AUTHOR.sub("", model.rsplit("/", 1)[-1]).replace(".", "-")
    site = site or region
    return f"{provider}@{site}" if site else provider, bare
