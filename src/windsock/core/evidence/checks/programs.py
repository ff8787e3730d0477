"""Whether a program could run: Python compiles, SQL runs on a sample of the tables it is for."""

from __future__ import annotations

import ast
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cache
from itertools import islice
from typing import Any

from windsock.core.evidence.checks.texts import MOST_CHARS, fenced

MOST_STEPS = 200_000
"""Of SQLite's machine, in thousands of which a query is asked whether to go on: some 20 ms."""

STEPS_BETWEEN = 1000

MOST_SIZE = 100_000
"""Characters, or bytes, of all rows together."""

MOST_MADE, MOST_LIKE = 2_000, 100
"""Characters of one value, beside those of tables and query, and of a pattern of LIKE: how long one
step takes no count of steps tells."""

READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
"""All that a query may do."""


def compiles(text: str) -> bool:
    """True if the text, or its first fenced block, is Python; nothing of it is run."""
    if len(text) > MOST_CHARS:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(fenced(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def runs(text: str, schema: str) -> bool:
    """True if the text, or its first fenced block, is one query that runs on these tables.

    schema  SQL that makes the tables, and perhaps fills them; "" has any query that parses pass.
            The dialect is SQLite's
    """
    query = fenced(text).strip().rstrip(";")
    if not query or len(query) > MOST_CHARS:
        return bool(query)
    try:
        rows_of(query, schema, most=3)
    except sqlite3.Error as error:
        return not schema and "no such table" in str(error)
    except (sqlite3.Warning, ValueError):
        return False
    return True


def rows_of(query: str, schema: str, *, most: int) -> list[tuple[Any, ...]]:
    """The first `most` rows of one query on these tables, in bounded time and memory; it can only
    read.

    raises  sqlite3.Error, sqlite3.Warning or ValueError if it does not run
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        if schema:
            connection.deserialize(_sample(schema))
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_MADE + len(schema) + len(query))
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, MOST_LIKE)
        steps = iter(range(MOST_STEPS // STEPS_BETWEEN))
        connection.set_progress_handler(lambda: next(steps, None) is None, STEPS_BETWEEN)
        connection.set_authorizer(_reads_only)
        return list(_within(islice(connection.execute(query), most)))


def _within(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The rows, as far as they are small."""
    size = 0
    for row in rows:
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size > MOST_SIZE:
            raise ValueError("the result is too large")
        yield row


def checked_schema(schema: str) -> str:
    """The same; raises ValueError if these are no tables."""
    try:
        _sample(schema)
    except sqlite3.Error as error:
        raise ValueError(f"the tables of SQL checks cannot be made: {error}") from error
    return schema


@cache
def _sample(schema: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema)
        return connection.serialize()


def _reads_only(action: int, first: str | None, *_: str | None) -> int:
    is_fine = action in READS and first != "load_extension"
    return sqlite3.SQLITE_OK if is_fine else sqlite3.SQLITE_DENY
