"""Which deployments the rows of a list speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from windsock.core.model.catalog import Catalog
from windsock.core.model.model_names import Identity
from windsock.feeds.reader import PriceRow, Reading


class Meant(NamedTuple):
    """A deployment that a row speaks of.

    is_indirect     as another seller's of the same model
    uplift          share that its site adds to what the row says; None: nothing
    """

    deployment: str
    is_indirect: bool
    uplift: Decimal | None


def meant_by(
    row: PriceRow, identity: Identity, own_rows: frozenset[str], now: float
) -> Iterator[Meant]:
    """All that a row speaks of.

    own_rows    of `rows_of_their_own`
    """
    uplifts = dict(identity.uplifted(row.provider, row.model, row.uplifts))
    for deployment, share in uplifts.items():
        if deployment not in own_rows:
            yield Meant(deployment, False, share)
    for deployment, is_indirect in identity.resolve(row.provider, row.model, now):
        if not is_indirect or deployment not in uplifts:
            yield Meant(deployment, is_indirect, None)


def rows_of_their_own(rows: Iterable[PriceRow], identity: Identity, now: float) -> frozenset[str]:
    """Deployments whose own site a list prices, which no share is added to."""
    resolved = (identity.resolve(row.provider, row.model, now) for row in rows)
    return frozenset(name for names in resolved for name, is_indirect in names if not is_indirect)


def retiring(
    reading: Reading, identity: Identity, catalog: Catalog, now: float
) -> Iterator[tuple[str, float]]:
    """(deployment, unix s) of the dates of retirement that a reading states."""
    for facts in reading.facts:
        if facts.retires_at is not None:
            for name, is_indirect in identity.resolve(facts.provider, facts.model, now):
                if not is_indirect and name in catalog.deployments:
                    yield name, facts.retires_at
    for report in reading.health:
        if report.retires_at is not None:
            for name in identity.subjects(report.subject):
                yield name, report.retires_at
