"""Texts that repeat, each kept once under a number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Table, func, insert, select

K = TypeVar("K", bound=Hashable)

MAX_KNOWN = 50_000
"""Numbers kept at hand; then all are forgotten, and asked for again."""

AT_ONCE = 500
"""Names in one question: SQLite takes no statement of more than 999."""


class Dictionary(Generic[K]):
    """Numbers for the rows of a table that are never changed, from 1 on.

    text    what tells one from another, whole
    row     the columns of its row beside `id` and `digest`, over the writer's connection

    Not safe from two writers at once; `forget` what was numbered in a transaction that failed.
    """

    def __init__(
        self, table: Table, text: Callable[[K], str], row: Callable[[Connection, K], dict[str, Any]]
    ) -> None:
        self._table = table
        self._text = text
        self._row = row
        self._known: dict[K, int] = {}

    def forget(self) -> None:
        """What is at hand."""
        self._known.clear()

    def numbers(self, connection: Connection, keys: Iterable[K]) -> dict[K, int]:
        """The numbers of these; those that are new are kept."""
        asked = dict.fromkeys(keys)
        unknown = {digest(self._text(key)): key for key in asked if key not in self._known}
        if unknown:
            if len(self._known) + len(unknown) > MAX_KNOWN:
                self.forget()
                unknown = {digest(self._text(key)): key for key in asked}
            self._look_up(connection, unknown)
            self._add(connection, {d: k for d, k in unknown.items() if k not in self._known})
        return {key: self._known[key] for key in asked}

    def _look_up(self, connection: Connection, unknown: dict[bytes, K]) -> None:
        columns = self._table.c
        for part in parts(unknown):
            query = select(columns.id, columns.digest).where(columns.digest.in_(part))
            for number, found in connection.execute(query):
                self._known[unknown[bytes(found)]] = number

    def _add(self, connection: Connection, new: dict[bytes, K]) -> None:
        if not new:
            return
        last = connection.execute(select(func.max(self._table.c.id))).scalar() or 0
        rows = [
            {"id": number, "digest": each, **self._row(connection, key)}
            for number, (each, key) in enumerate(new.items(), last + 1)
        ]
        connection.execute(insert(self._table), rows)
        self._known |= {key: row["id"] for key, row in zip(new.values(), rows, strict=True)}


def digest(text: str) -> bytes:
    """16 bytes by which a text is found again."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists of at most AT_ONCE."""
    left = iter(values)
    while part := list(islice(left, AT_ONCE)):
        yield part
