"""What a query answers on a sample of its tables."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass

from windsock.core.evidence.agreement.values import valued
from windsock.core.evidence.checks.programs import rows_of
from windsock.core.evidence.checks.texts import MOST_CHARS, fenced

MOST_ROWS = 5_000

WORDS = re.compile(
    r"'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)|--[^\n]*"
    r"|/\*.*?(?:\*/|\Z)|(?P<open>\()|(?P<close>\))|(?P<ordered>\border\s+by\b)",
    re.DOTALL | re.IGNORECASE,
)
"""Brackets and ORDER BY; texts, names and comments of SQLite hold neither."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a result, and whether the query asked for their order."""

    rows: tuple[Hashable, ...]
    is_ordered: bool

    def same(self, other: Rows) -> bool:
        """True of the same rows; in the same order, where either query asks for one."""
        if self.is_ordered or other.is_ordered:
            return self.rows == other.rows
        return Counter(self.rows) == Counter(other.rows)


def result_of(text: str, tables: str) -> Rows | None:
    """The result of the query that an answer is; None if it fails, is empty or too long.

    tables  SQL that makes and fills them. An empty result says nothing: most wrong queries have it
    """
    query = fenced(text).strip().rstrip(";").rstrip()
    if not query or len(query) > MOST_CHARS:
        return None
    try:
        found = rows_of(query, tables, most=MOST_ROWS + 1)
        rows = tuple(valued(row) for row in found)
    except (sqlite3.Error, sqlite3.Warning, ValueError, ArithmeticError):
        return None
    return Rows(rows, is_ordered(query)) if 0 < len(rows) <= MOST_ROWS else None


def is_ordered(query: str) -> bool:
    """True if the query itself, and not one within it, says ORDER BY."""
    depth = 0
    for word in WORDS.finditer(query):
        depth += (word["open"] is not None) - (word["close"] is not None)
        if word["ordered"] and not depth:
            return True
    return False
