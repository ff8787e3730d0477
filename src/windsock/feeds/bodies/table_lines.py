"""Lines of cells of a table that is written with marks between them."""

from __future__ import annotations

import csv
import io
import re
from itertools import groupby

BAR = "|"
MARKS = f",;\t{BAR}"
"""Between cells, the likeliest first."""

MARKUP = re.compile(r"~~[^~]*~~|\*\*|`|\\(?=[$*_|])")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
LONGEST_CELL = 500
"""Characters of a cell that is a name or a price, with its markup."""

Line = list[str]
"""Cells of one line of a table."""


def without_remarks(text: str) -> str:
    """Lines that begin with # say nothing of prices."""
    return "".join(line for line in io.StringIO(text) if not line.startswith("#"))


def blocks_of(text: str, mark: str) -> list[str]:
    """Bars may stand in a text around several tables: its runs of lines with them."""
    if mark != BAR:
        return [text]
    lines = io.StringIO(text)
    return ["".join(run) for is_table, run in groupby(lines, lambda each: BAR in each) if is_table]


def text_beside(text: str, mark: str) -> str:
    """Of a text around tables with bars, what is no line of them; headings of it, too."""
    lines = io.StringIO(text)
    return " ".join(each.strip() for each in lines if BAR not in each) if mark == BAR else ""


def lines_of(text: str, mark: str) -> list[Line]:
    """Cells without what marks them up in a text; lines under headings of dashes are left out.

    raises  csv.Error
    """
    lines = csv.reader(io.StringIO(text), delimiter=mark)
    if mark != BAR:
        found = [[cell.strip() for cell in line] for line in lines]
        return [line for line in found if any(line)]
    found = [[_bare(cell) for cell in line] for line in lines]
    return [line for line in found if any(line) and not _is_rule(line)]


def _bare(cell: str) -> str:
    return MARKUP.sub("", LINK.sub(r"\1", cell)).strip() if len(cell) < LONGEST_CELL else cell


def _is_rule(line: Line) -> bool:
    return all(set(cell) <= set(":- ") for cell in line)
