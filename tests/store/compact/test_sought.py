"""Requests are found by the names in them, and numbered whatever those names are."""

from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import Engine

from tests.builders import CHEAP, MID
from tests.store.compact.test_totals import MIDNIGHT, requests
from tests.store.old_rows import keep_old
from tests.store.samples import decision, keep, outcome
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.service.control.overviews.requests import Kept, Sought, request_view
from windsock.store import queries
from windsock.store.compact import seeking

SPAN = {"since": MIDNIGHT, "until": MIDNIGHT + 1e6, "namespace": "default"}
ANY = Sought(route=None, task=None, deployment=None, key=None, status=None)
OPEN = decision(900, at=MIDNIGHT + 5, key_id="k1", deployment=MID,
                cell=Cell("default", "auto", "c#", "1.0"))  # fmt: skip


def found(engine: Engine, sought: Sought) -> list[Kept | None]:
    """Oldest first."""
    rows = list(queries.sought(engine, **SPAN, fits=sought.fits_record))
    assert [at for at, _ in rows] == sorted((at for at, _ in rows), reverse=True)
    return [each for _, each in reversed(rows)]


@pytest.mark.parametrize(
    "sought",
    [
        ANY,
        replace(ANY, status="failed"),
        replace(ANY, status="open"),
        replace(ANY, task="c#"),
        replace(ANY, task="c##1.0"),
        replace(ANY, key="k1", deployment=CHEAP, status="ok"),
        replace(ANY, route="elsewhere"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("page", [7, 200])
def test_what_does_not_fit_is_told_by_its_names_alone(
    engine: Engine, sought: Sought, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeking, "FIRST", page)
    monkeypatch.setattr(seeking, "MANY", page + 1)
    keep(engine, [*requests(Random(7), 60), OPEN])
    whole = list(queries.decisions(engine, **SPAN))
    expected = [each if sought.fits(request_view(each)) else None for each in whole]
    assert len(expected) > 20
    assert found(engine, sought) == expected


def test_rows_of_before_are_there_whole(engine: Engine) -> None:
    old = [each for each in requests(Random(8), 20) if each.decision.cell.namespace == "default"]
    keep_old(engine, old)
    everything = found(engine, replace(ANY, status="open"))
    assert {each.decision.id for each in everything if isinstance(each, Outcome)} == {
        each.decision.id for each in old
    }


def test_names_that_differ_by_half_a_character_stop_no_batch(engine: Engine) -> None:
    halves = [Cell("default", "auto", f"chat{half}") for half in ("\ud800", "\udfff")]
    made = [outcome(n, decision=decision(n, at=MIDNIGHT + n, cell=cell))
            for n, cell in enumerate(halves, 1)]  # fmt: skip
    keep(engine, [*made, OPEN])
    read = [each for each in found(engine, ANY) if each is not None]
    assert [name(each) for each in read] == ["chat?", "chat?", "c##1.0"]


def name(each: Kept) -> str:
    about = each if isinstance(each, Decision) else each.decision
    return about.cell.name
