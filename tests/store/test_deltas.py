"""What replicas have told is read past what cannot be read."""

from sqlalchemy import Engine, insert

from windsock.core.replicas.deltas import Delta
from windsock.store.replicas.news import PAGE, deltas_after
from windsock.store.replicas.tables import DeltaRow
from windsock.store.rows import rows_of


def test_deltas_that_cannot_be_read_do_not_hide_those_behind_them(file_engine: Engine) -> None:
    told = Delta(replica="a", number=PAGE + 1, at=1.0)
    ((_, (last,)),) = rows_of([(PAGE + 1, told)]).items()
    rows = [{**last, "position": n, "number": n, "body": "{}"} for n in range(1, PAGE + 1)]
    with file_engine.begin() as connection:
        connection.execute(insert(DeltaRow), [*rows, last])
    first = deltas_after(file_engine, 0)
    assert [delta for _, delta in first] == [None] * PAGE
    assert deltas_after(file_engine, first[-1][0]) == [(PAGE + 1, told)]
