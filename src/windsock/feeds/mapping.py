"""The jq programs of feeds: from a body to rows, of which one that is odd takes only itself."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

import jq

MAX_ROWS = 20_000
"""Of one body: four times the longest public list."""

PRELUDE = (
    "def rows(entries; name; row): entries as $entry | ($entry | try name catch {}) as $named"
    ' | try ($named + ($entry | row)) catch ($named + {skip: "unreadable: \\(.)"});'
)
"""`rows(ENTRIES; NAME; ROW)`, known to every program: an entry that does not fit is skipped, by its
name where that can be read, and the others count. Lists are edited by hand."""


def check(program: str) -> None:
    """Raises ValueError if this is no jq program."""
    jq.compile(f"{PRELUDE}\n{program}", args={"now": 0})


def mapped(program: str, text: str, now: int) -> list[dict[str, Any]]:
    """Rows as the program gives them, prices still as the body writes them.

    now     unix s, `$now` in the program
    raises  ValueError if the body does not fit it, or gives more than `MAX_ROWS`
    """
    try:
        lines = _compiled(program, now).input_text(text).text().splitlines()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if len(lines) > MAX_ROWS:
        raise ValueError(
            f"lists {len(lines)} rows, more than {MAX_ROWS}; have its mapping select fewer"
        )
    entries = [json.loads(line, parse_float=Decimal) for line in lines]
    if any(not isinstance(entry, dict) for entry in entries):
        raise ValueError("the mapping must give objects")
    return entries


@cache
def _program(program: str) -> Any:
    return jq.compile(f"{PRELUDE}\n{program}")


def _compiled(program: str, now: int) -> Any:
    if "$now" in program:
        return jq.compile(f"{PRELUDE}\n{program}", args={"now": now})
    return _program(program)
