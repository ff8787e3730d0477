"""A snapshot that is written a piece at a time is the JSON it would be in one."""

import orjson
import pytest

from windsock.app.background.snapshot_body import PIECE, body_of, in_pieces, written

ROWS = [[f"task {n}", "acme/m", n / 3, None, [1.5, 0.0]] for n in range(2 * PIECE + 1)]


@pytest.mark.parametrize(
    "state",
    [
        {},
        [],
        None,
        {"rows": []},
        {"rows": ROWS[:PIECE], "as_of": None},
        {"groups": [{"route": "auto", "rows": ROWS}, {"route": 'a "b"', "rows": ROWS[:1]}]},
        {"names": {"é": [], "all": {"in": ROWS}}, "n": 1.0, "pair": ("a", {"b": 2})},
    ],
)
def test_pieces_make_the_same_bytes(state: object) -> None:
    assert in_pieces(state) == orjson.dumps(state)


def test_what_is_small_is_as_it_was_when_it_was_written() -> None:
    seats = [1, 2]
    kept, router = {"seed": written(7)}, {"seats": written(seats)}
    seats.append(3)
    pages = {"acme/m": {"said": {"a": 1.5}}}
    body = orjson.loads(body_of(kept, lambda: pages, router, lambda: {"groups": [{"rows": ROWS}]}))
    assert body["prices"] == pages
    assert body["seed"] == 7
    assert body["router"] == {"seats": [1, 2], "beliefs": {"groups": [{"rows": ROWS}]}}
