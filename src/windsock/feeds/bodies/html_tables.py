"""Tables of an HTML page as lines of cells."""

from __future__ import annotations

from html.parser import HTMLParser

Line = list[str]
"""Cells of one row of a table, in order."""

MOST_SPAN = 50
"""Columns or rows that one cell may span."""

INNER = " [table] "
"""In place of what a table inside a cell parts: 2 beside 9 is no 29."""

UNSEEN = frozenset({"script", "style", "template"})


def is_html(text: str) -> bool:
    """True if the text is markup with a table."""
    return text.lstrip()[:1] == "<" and "<table" in text.lower()


def tables_of(text: str) -> list[list[Line]]:
    """Every table of the page; of one inside another its text is part of a cell.

    A row that the page does not end is left out.
    """
    page = _Page()
    page.feed(text)
    page.close()
    return [table for table in page.tables if table]


class _Page(HTMLParser):
    """Collects cells; one that spans columns or rows stands in each of them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[Line]] = []
        self._depth = 0
        self._unseen = 0
        self._line: Line | None = None
        self._cell: list[str] | None = None
        self._spans = (1, 1)
        self._below: dict[int, tuple[str, int]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self._unseen += 1
        elif tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self._below = {}
            elif self._cell is not None:
                self._cell.append(INNER)
        elif self._depth == 1 and tag == "tr":
            self._end_line()
            self._line = []
        elif self._depth == 1 and tag in ("td", "th") and self._line is not None:
            self._end_cell()
            stated = dict(attrs)
            self._spans = _span(stated.get("colspan")), _span(stated.get("rowspan"))
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "table" and self._depth:
            if self._depth == 1:
                self._end_line()
            self._depth -= 1
        elif self._depth == 1 and tag in ("td", "th"):
            self._end_cell()
        elif self._depth == 1 and tag == "tr":
            self._end_line()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._unseen:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is None or self._line is None:
            return
        text = " ".join("".join(self._cell).split())
        self._cell = None
        self._take_from_above(self._line)
        columns, rows = self._spans
        for _ in range(columns):
            if rows > 1:
                self._below[len(self._line)] = (text, rows - 1)
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
        while (above := self._below.get(len(line))) is not None:
            text, rows = above
            if rows > 1:
                self._below[len(line)] = text, rows - 1
            else:
                del self._below[len(line)]
            line.append(text)


def _span(stated: str | None) -> int:
    return min(int(stated), MOST_SPAN) if stated and stated.isascii() and stated.isdigit() else 1
