"""Tables of an HTML page as lines of cells, in time linear in its length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

Line = list[str]
"""Cells of one row of a table, in order."""

TAG = re.compile(r"<!--|<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")
"""What stands between texts; no part is scanned twice, whatever is left open."""

SPAN = re.compile(r"\b(col|row)span\s*=\s*[\"']?(\d{1,3})", re.IGNORECASE)

MOST_CELLS = 100
"""Of a line, and rows that a cell may span: no price list is wider."""

INNER = " [table] "
"""In place of what a table inside a cell parts: 2 beside 9 is no 29."""

NOT_SAID = frozenset({"sup", "s", "del", "strike"})
"""Marks of footnotes, and what is struck out: 2.50 with a 1 above is no 2.501."""

UNSEEN = frozenset({"script", "style", "template"})


def is_html(text: str) -> bool:
    """True if the text is markup with a table."""
    return text.lstrip()[:1] == "<" and "<table" in text.lower()


def tables_of(text: str) -> list[tuple[list[Line], str]]:
    """Every table of the page, with the text since the one before and its own caption.

    Of a table inside another its text is part of a cell. A row that the page does not end is left
    out.
    """
    page = _Page()
    for said, is_end, tag, attributes in _parts(text):
        page.hear(said)
        if is_end:
            page.end(tag)
        else:
            page.begin(tag, attributes)
    return [each for each in zip(page.tables, page.texts, strict=True) if each[0]]


def _parts(text: str) -> Iterator[tuple[str, bool, str, str]]:
    """(text before a tag, True of an end, the tag's name, its attributes)."""
    at = begun = 0
    said: list[str] = []
    while (found := TAG.search(text, at)) is not None:
        said.append(text[begun : found.start()])
        at = begun = found.end()
        if not found[2]:
            at = begun = text.find("-->", at) + 3
            if at < 3:
                return
            continue
        yield unescape("".join(said)), bool(found[1]), found[2].lower(), found[3]
        said.clear()


class _Page:
    """Collects cells; one that spans columns or rows stands in each of them."""

    def __init__(self) -> None:
        self.tables: list[list[Line]] = []
        self._depth = 0
        self._unseen = 0
        self._struck = 0
        self._beside: list[str] = []
        self.texts: list[str] = []
        self._line: Line | None = None
        self._cell: list[str] | None = None
        self._spans = (1, 1)
        self._below: dict[int, tuple[str, int]] = {}

    def hear(self, said: str) -> None:
        """Text between two tags."""
        if self._unseen or self._struck:
            return
        if self._cell is not None:
            self._cell.append(said)
        elif self._line is None:
            self._beside.append(said)

    def begin(self, tag: str, attributes: str) -> None:
        """A tag opens."""
        if tag in UNSEEN:
            self._unseen += 1
        elif self._unseen:
            return
        elif tag in NOT_SAID:
            self._struck += 1
        elif tag == "table":
            self._begin_table()
        elif self._depth == 1 and tag == "tr":
            self._end_line()
            self._line = []
        elif self._depth == 1 and tag in ("td", "th") and self._line is not None:
            self._end_cell()
            spans = {name.lower(): max(1, int(n)) for name, n in SPAN.findall(attributes)}
            self._spans = spans.get("col", 1), spans.get("row", 1)
            self._cell = []
        elif tag == "br":
            self.hear(" ")

    def end(self, tag: str) -> None:
        """A tag closes."""
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif self._unseen:
            return
        elif tag in NOT_SAID:
            self._struck = max(0, self._struck - 1)
        elif tag == "table" and self._depth:
            if self._depth == 1:
                self._end_line()
                self.texts[-1] = " ".join("".join(self._beside).split())
                self._beside = []
            self._depth -= 1
        elif self._depth == 1 and tag in ("td", "th"):
            self._end_cell()
        elif self._depth == 1 and tag == "tr":
            self._end_line()

    def _begin_table(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self.tables.append([])
            self.texts.append("")
            self._below = {}
        else:
            self.hear(INNER)

    def _end_cell(self) -> None:
        if self._cell is None or self._line is None:
            return
        text = " ".join("".join(self._cell).split())
        self._cell, self._struck = None, 0
        self._take_from_above(self._line)
        columns, rows = self._spans
        for _ in range(min(columns, MOST_CELLS - len(self._line))):
            if rows > 1:
                self._below[len(self._line)] = text, min(rows, MOST_CELLS) - 1
            self._line.append(text)

    def _end_line(self) -> None:
        self._end_cell()
        if self._line is None:
            return
        self._take_from_above(self._line)
        if any(self._line):
            self.tables[-1].append(self._line)
        self._line = None

    def _take_from_above(self, line: Line) -> None:
        """Cells of rows above that span this one, up to the next place that is free."""
        while (above := self._below.pop(len(line), None)) is not None:
            text, rows = above
            if rows > 1:
                self._below[len(line)] = text, rows - 1
            line.append(text)
