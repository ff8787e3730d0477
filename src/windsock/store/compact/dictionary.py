"""Texts that repeat, each kept once under a number."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any, Generic, TypeVar, cast

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

    def numbers(self, connection: Connection, keys: Sequence[K]) -> list[int]:
        """The numbers of these, in their order; those that are new are kept."""
        found = [*map(self._known.get, keys)]
        if None in found:
            if len(self._known) + len(keys) > MAX_KNOWN:
                self.forget()
            self._learn(connection, [key for key in keys if key not in self._known])
            found = [*map(self._known.get, keys)]
        return cast("list[int]", found)

    def _learn(self, connection: Connection, keys: Iterable[K]) -> None:
        digests = {key: digest(self._text(key)) for key in dict.fromkeys(keys)}
        numbers = self._look_up(connection, digests.values())
        new = {each: key for key, each in digests.items() if each not in numbers}
        numbers |= self._add(connection, new)
        self._known |= {key: numbers[each] for key, each in digests.items()}

    def _look_up(self, connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
        columns = self._table.c
        query = select(columns.digest, columns.id)
        return {
            bytes(found): number
            for part in parts(digests)
            for found, number in connection.execute(query.where(columns.digest.in_(part)))
        }

    def _add(self, connection: Connection, new: Mapping[bytes, K]) -> dict[bytes, int]:
        if not new:
            return {}
        last = connection.execute(select(func.max(self._table.c.id))).scalar() or 0
        rows = [
            {"id": number, "digest": each, **self._row(connection, key)}
            for number, (each, key) in enumerate(new.items(), last + 1)
        ]
        connection.execute(insert(self._table), rows)
        return {row["digest"]: row["id"] for row in rows}


def digest(text: str) -> bytes:
    """16 bytes by which a text is found again."""
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


def parts(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Lists of at most AT_ONCE."""
    left = iter(values)
    while part := list(islice(left, AT_ONCE)):
        yield part
