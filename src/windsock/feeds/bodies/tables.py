"""Price lists as people write them: a CSV becomes records under the names that mappings use.

What a heading or a cell says in words is read where it can mean one thing only; else the cell stays
as it is, no price for anybody, and its row is told.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from windsock.core.model.units import Meter
from windsock.feeds.bodies.html_tables import is_html, tables_of
from windsock.feeds.bodies.table_cells import Amount, amount_of, is_amount, is_money, mark_of
from windsock.feeds.bodies.table_heads import Head, head_of, is_of_money, named
from windsock.feeds.bodies.table_lines import (
    MARKS,
    Line,
    blocks_of,
    lines_of,
    text_beside,
    without_remarks,
)
from windsock.feeds.bodies.table_notes import Note, note_of, price_of, unit_of_row
from windsock.feeds.bodies.table_rows import joined, spelt_out
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.price_terms import UNREAD, currency_of

MODELS = re.compile(r"model|deployment", re.IGNORECASE)

HEADING_WITHIN = 20
"""Lines among which the one with the names of columns is looked for; titles may stand above."""

Record = dict[str, Any]


def records(definition: FeedDefinition, text: str) -> list[Record]:
    """Lines of a CSV, or of the tables of a page, by the names of their columns.

    Empty ones and remarks are left out.
    raises  csv.Error
    """
    tables = tables_of(text) if is_html(text) else _tables(text)
    headed = [(lines, at, said) for lines, said in tables if (at := _heading(lines)) is not None]
    if headed:
        return [each for found in headed for each in _of_table(definition, *found)]
    return [each for lines, _ in tables[:1] for each in _of_table(definition, lines, 0, "")]


def _of_table(
    definition: FeedDefinition, table: Sequence[Line], at: int, beside: str
) -> Iterator[Record]:
    """Of a table whose line at this place names its columns, as may further ones."""
    lines, above = table[at:], [" ".join(line) for line in table[:at]]
    below = [cells[0] for line in lines[1:] if len(cells := [*filter(None, line)]) == 1]
    note = note_of([beside, *above, *below])
    starts = [at for at in range(1, len(lines)) if _columns_at(lines, at).is_known]
    for start, end in pairwise([0, *starts, len(lines)]):
        columns, body = _columns_at(lines, start), lines[start + 1 : end]
        if (fuller := _of_two_lines(lines[start], body, columns)) is not None:
            columns, body = fuller, body[1:]
        if not columns.heads:
            yield from (columns.cells(line) for line in body)
            continue
        yield from _unread(columns, lines[start], body)
        decimal = mark_of(line[i] for line in body for i in columns.heads if i < len(line))
        rows = (_record(definition, columns, line, decimal, note) for line in body)
        yield from joined(spelt_out(rows))


def _of_two_lines(names: Line, body: Sequence[Line], columns: Columns) -> Columns | None:
    """Columns that a second line of names says more of: `($/1K)` below `Input`."""
    line, model = next(iter(body), []), columns.known.get("model")
    if model is None or model >= len(line) or line[model]:
        return None
    said = {place: line[place] for place in columns.heads if place < len(line) and line[place]}
    if not said or any(is_amount(cell) for cell in said.values()):
        return None
    found = Columns.of([f"{name} {said.get(at, '')}" for at, name in enumerate(names)])
    return found if found.heads.keys() == columns.heads.keys() else None


def _unread(columns: Columns, names: Line, body: Sequence[Line]) -> Iterator[Record]:
    """Columns of money that no price is known for, told like a row that cannot be read."""
    for place, name in enumerate(names):
        is_read = place in columns.heads or place in columns.known.values() or named(name)
        if not is_read and is_of_money(name):
            cells = (line[place] for line in body if place < len(line))
            if any(is_amount(cell) for cell in cells):
                reason = f"{UNREAD}no meter is known for this column of money: it is not read"
                yield {"provider": "column", "model": name, Meter.INPUT.value: reason}


def _tables(text: str) -> list[tuple[list[Line], str]]:
    """Lines of the tables of a text, and what stands beside them, by the first mark between cells
    that makes a known table."""
    plain = without_remarks(text)
    for mark in MARKS:
        try:
            tables = [lines_of(block, mark) for block in blocks_of(plain, mark)]
        except csv.Error:
            continue
        if any(_heading(lines) is not None for lines in tables):
            beside = text_beside(text, mark)
            return [(lines, beside) for lines in tables]
    return [(lines, "")] if (lines := lines_of(plain, MARKS[0])) else []


def _heading(lines: Sequence[Line]) -> int | None:
    """Place of the line with the names of columns; None where there is none."""
    places = range(min(HEADING_WITHIN, len(lines)))
    return next((at for at in places if _columns_at(lines, at).is_known), None)


def _columns_at(lines: Sequence[Line], at: int) -> Columns:
    """What columns this line names, by what stands below; none in a line that names no model."""
    line, below = lines[at], lines[at + 1] if at + 1 < len(lines) else []
    if at and not any(MODELS.search(cell) and named(cell) == "model" for cell in line):
        return Columns((), {}, {})
    return Columns.of(line, below)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table hold.

    names   of every column as written, in small letters; empty for none
    known   columns beside the prices, by the name that mappings use
    heads   of columns of prices, by place
    """

    names: tuple[str, ...]
    known: Mapping[str, int]
    heads: Mapping[int, Head]

    @classmethod
    def of(cls, line: Sequence[str], below: Sequence[str] = ()) -> Columns:
        """Of the line with their names: one that a mapping knows goes before another word for it,
        and of two others for one thing none is taken.

        below   the line after it: what stands over money is a price
        """
        names = tuple(cell.strip().lower() for cell in line)
        places: dict[str, list[int]] = {}
        prices: dict[tuple[object, ...], list[int]] = {}
        priced = [
            f"{cell} price" if is_money(text) else cell
            for cell, text in zip(line, below, strict=False)
        ]
        said = [*priced, *line[len(priced) :]]
        heads = {i: head for i, cell in enumerate(said) if (head := head_of(cell.strip()))}
        for i, cell in enumerate(line):
            if meaning := named(cell):
                places.setdefault(meaning, []).append(i)
        for i, head in heads.items():
            prices.setdefault((head.meter, head.service_tier, head.above), []).append(i)
        return cls(
            names=names,
            known={name: place for name, found in places.items()
                   if (place := _one(found, names, name)) is not None},
            heads={place: heads[place] for key, found in prices.items()
                   if (place := _one(found, names, str(key[0]))) is not None},
        )  # fmt: skip

    @property
    def is_known(self) -> bool:
        """True if the line can be nothing but the names of columns of prices."""
        return "model" in self.known and any(
            head.meter is Meter.INPUT and head.is_base for head in self.heads.values()
        )

    def cells(self, line: Sequence[str]) -> Record:
        """A line under the names as they are written; of columns without a name nothing."""
        found: Record = dict.fromkeys((name for name in self.names if name), None)
        return found | {name: cell for name, cell in zip(self.names, line, strict=False) if name}


def _one(places: Sequence[int], names: Sequence[str], name: str) -> int | None:
    exact = [place for place in places if names[place] == name]
    found = exact[-1:] or places
    return found[0] if len(found) == 1 else None


def _record(
    definition: FeedDefinition,
    columns: Columns,
    line: Sequence[str],
    decimal: str | None,
    note: Note,
) -> Record:
    """A line under the names as written, and under those that mappings use."""
    record = columns.cells(line)
    for name, place in columns.known.items():
        record.setdefault(name, line[place] if place < len(line) else None)
    _name_seller(record, definition)
    if (off := record.get("discount")) and "%" in columns.names[columns.known["discount"]]:
        record["discount"] = off if off.endswith("%") else f"{off}%"
    cells = {place: line[place] for place in columns.heads if place < len(line)}
    try:
        _check_width(columns, line)
        amounts = _amounts(cells, decimal)
        unit, money = unit_of_row(record), _money(record, columns, amounts) or note.currency
        prices = {
            place: price_of(definition, columns.heads[place], amount, unit, note)
            for place, amount in amounts.items()
        }
    except ValueError as error:
        said = [columns.heads[place].meter for place in cells if columns.heads[place].is_base]
        return record | {meter.value: f"{UNREAD}{error}" for meter in said}
    if money is not None:
        record["currency"] = money
    return record | _by_name(columns, prices, record)


def _name_seller(record: Record, definition: FeedDefinition) -> None:
    """`openai/gpt-4o` names both where nothing else names the provider."""
    model = record.get("model") or ""
    if not record.get("provider") and definition.provider is None and "/" in model:
        record["provider"], _, record["model"] = model.partition("/")


def _check_width(columns: Columns, line: Sequence[str]) -> None:
    """Raises ValueError for more cells than columns: a decimal comma that parts its number."""
    if any(line[len(columns.names) :]):
        raise ValueError("the line has more cells than the table has columns")


def _amounts(cells: Mapping[int, str], decimal: str | None) -> dict[int, Amount]:
    found = {place: amount_of(cell, decimal) for place, cell in cells.items()}
    return {place: amount for place, amount in found.items() if amount is not None}


def _money(record: Record, columns: Columns, amounts: Mapping[int, Amount]) -> str | None:
    """The one currency that cells, headings and the row's own column name; None where none do."""
    stated = record.get("currency")
    said = {currency_of(stated)} if stated else set()
    for place, amount in amounts.items():
        said |= {each for each in (amount.currency, columns.heads[place].currency) if each}
    if len(said) > 1:
        raise ValueError(f"prices in {' and '.join(sorted(said))}")
    return next(iter(said), None)


def _by_name(columns: Columns, prices: Mapping[int, str], record: Record) -> Record:
    """Prices under the names that mappings use: plain ones, of sizes, of service tiers."""
    plain: Record = {}
    sizes: dict[tuple[int, bool, str | None], Record] = {}
    tiers: dict[str, Record] = {}
    for place, head in columns.heads.items():
        price = prices.get(place)
        if head.is_base:
            plain[head.meter.value] = price
        elif price is not None and head.above is not None:
            size = head.above, head.is_strict, head.service_tier
            sizes.setdefault(size, {})[head.meter.value] = price
        elif price is not None and head.service_tier is not None:
            tiers.setdefault(head.service_tier, {})[head.meter.value] = price
    if sizes and not record.get("tiers"):
        plain["tiers"] = [
            {"min_prompt_tokens": above, "strict": is_strict, "service_tier": tier, **each}
            for (above, is_strict, tier), each in sizes.items()
        ]
    if tiers and not record.get("service_tiers"):
        plain["service_tiers"] = tiers
    return plain
